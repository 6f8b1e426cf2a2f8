// Skid buffer: breaks the combinational paths of tvalid/tdata and of tready.
// Stream: WIDTH bits per beat, unchanged. Latency 1 cycle. Full throughput; holds up to 2 beats.
module bnn_register_slice #(
    parameter int unsigned WIDTH = 8
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [WIDTH-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [WIDTH-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  if (WIDTH < 1) begin : gen_bad_width
    $error("bnn_register_slice: WIDTH must be at least 1");
  end

  logic             ready_q;
  logic             valid_q;
  logic [WIDTH-1:0] data_q;
  logic [WIDTH-1:0] skid_q;
  logic             load;

  // While ready_q is 0, skid_q holds the beat that came when the output was stuck.
  assign load = m_axis_tready || !valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      ready_q <= 1'b1;
      valid_q <= 1'b0;
    end else if (load) begin
      ready_q <= 1'b1;
      valid_q <= s_axis_tvalid || !ready_q;
    end else if (s_axis_tvalid) begin
      ready_q <= 1'b0;
    end
    if (load) data_q <= ready_q ? s_axis_tdata : skid_q;
    if (ready_q) skid_q <= s_axis_tdata;
  end

  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata  = data_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
