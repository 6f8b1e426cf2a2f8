// One bit an element: x >= T of its channel, inverted where the channel's field says so.
//
// FOLDS beats of LANES elements per pixel; or, tile by tile, HOLD beats for each of the FOLDS words. A
// field of the image has IN_BITS + 2 bits: the signed threshold of IN_BITS + 1, and above it the
// inversion. They are kept in LUTs. Latency 2; one beat per cycle.
module bnn_threshold #(
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned FOLDS = 1,
    parameter int unsigned HOLD = 1,
    parameter THRESHOLDS_FILE = ""
) (
    input  logic                     clk,
    input  logic                     rst_n,
    input  logic [LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                     s_axis_tvalid,
    output logic                     s_axis_tready,
    output logic [        LANES-1:0] m_axis_tdata,
    output logic                     m_axis_tvalid,
    input  logic                     m_axis_tready
);

  localparam int unsigned FoldBits = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned FieldBits = IN_BITS + 2;

  if (IN_BITS == 0 || LANES == 0 || FOLDS == 0 || HOLD == 0 || IN_SIGNED > 1) begin : gen_bad_size
    $error("bnn_threshold: IN_BITS, LANES, FOLDS, HOLD must be positive, IN_SIGNED 0 or 1");
  end

  logic en;
  logic valid_q;
  logic out_valid_q;
  logic last_hold;
  logic [FoldBits-1:0] fold_q;
  logic [LANES*IN_BITS-1:0] x_q;
  logic [LANES*FieldBits-1:0] fields;
  logic [LANES-1:0] bits_q;

  assign en = m_axis_tready || !out_valid_q;
  assign s_axis_tready = en;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_hold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && s_axis_tvalid),
      .last_o(last_hold)
  );

  bnn_rom #(
      .WIDTH(LANES * FieldBits),
      .DEPTH(FOLDS),
      .STYLE(1),
      .FILE (THRESHOLDS_FILE)
  ) u_thresholds (
      .clk(clk),
      .en_i(en),
      .addr_i(fold_q),
      .data_o(fields)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q <= 1'b0;
      out_valid_q <= 1'b0;
      fold_q <= '0;
    end else if (en) begin
      valid_q <= s_axis_tvalid;
      out_valid_q <= valid_q;
      if (s_axis_tvalid && last_hold) begin
        fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
      end
    end
    if (en) x_q <= s_axis_tdata;
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic signed [IN_BITS:0] x;
    logic signed [IN_BITS:0] threshold;
    if (IN_SIGNED == 1) begin : gen_signed
      assign x = {x_q[(i+1)*IN_BITS-1], x_q[i*IN_BITS+:IN_BITS]};
    end else begin : gen_unsigned
      assign x = {1'b0, x_q[i*IN_BITS+:IN_BITS]};
    end
    assign threshold = fields[i*FieldBits+:IN_BITS+1];
    always_ff @(posedge clk) begin
      if (en) bits_q[i] <= (x >= threshold) ^ fields[(i+1)*FieldBits-1];
    end
  end

  assign m_axis_tdata  = bits_q;
  assign m_axis_tvalid = out_valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
