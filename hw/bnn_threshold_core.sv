// Pipeline of bnn_threshold and bnn_stream_threshold: a comparison of each lane of a beat.
//
// A beat is taken with take_i while en_o; fields_i are its thresholds, valid a cycle later, and later
// on while en_o is low. Latency 2.
module bnn_threshold_core #(
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned LANES = 1
) (
    input  logic                         clk,
    input  logic                         rst_n,
    input  logic                         take_i,
    output logic                         en_o,
    input  logic [    LANES*IN_BITS-1:0] x_i,
    input  logic [LANES*(IN_BITS+2)-1:0] fields_i,
    output logic [            LANES-1:0] m_axis_tdata,
    output logic                         m_axis_tvalid,
    input  logic                         m_axis_tready
);

  localparam int unsigned FieldBits = IN_BITS + 2;

  if (IN_BITS == 0 || LANES == 0 || IN_SIGNED > 1) begin : gen_bad_size
    $error("bnn_threshold: IN_BITS and LANES must be positive, IN_SIGNED 0 or 1");
  end

  logic valid_q;
  logic out_valid_q;
  logic [LANES*IN_BITS-1:0] x_q;
  logic [LANES-1:0] bits_q;

  assign en_o = m_axis_tready || !out_valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q <= 1'b0;
      out_valid_q <= 1'b0;
    end else if (en_o) begin
      valid_q <= take_i;
      out_valid_q <= valid_q;
    end
    if (en_o) x_q <= x_i;
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic signed [IN_BITS:0] x;
    logic signed [IN_BITS:0] threshold;
    if (IN_SIGNED == 1) begin : gen_signed
      assign x = {x_q[(i+1)*IN_BITS-1], x_q[i*IN_BITS+:IN_BITS]};
    end else begin : gen_unsigned
      assign x = {1'b0, x_q[i*IN_BITS+:IN_BITS]};
    end
    assign threshold = fields_i[i*FieldBits+:IN_BITS+1];
    always_ff @(posedge clk) begin
      if (en_o) bits_q[i] <= (x >= threshold) ^ fields_i[(i+1)*FieldBits-1];
    end
  end

  assign m_axis_tdata  = bits_q;
  assign m_axis_tvalid = out_valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
