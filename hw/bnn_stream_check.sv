// Checks in simulation that the master of a stream keeps the handshake: a beat that is offered stays
// as it is until it is taken, and a reset leaves none. Units instantiate it where SYNTHESIS is not
// defined; where it is, the module is empty. WIDTH bits go with tvalid: tdata and, where a stream
// has them, tuser and tlast.
module bnn_stream_check #(
    parameter int unsigned WIDTH = 8
) (
    input logic             clk,
    input logic             rst_n,
    input logic [WIDTH-1:0] m_axis_tdata,
    input logic             m_axis_tvalid,
    input logic             m_axis_tready
);

`ifdef SYNTHESIS
  logic unused;
  assign unused = ^{clk, rst_n, m_axis_tdata, m_axis_tvalid, m_axis_tready};
`else
  assert property (@(posedge clk) !rst_n |=> !m_axis_tvalid)
  else $error("bnn_stream_check: tvalid is high after a reset");
  assert property (@(posedge clk) disable iff (!rst_n)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid)
  else $error("bnn_stream_check: tvalid fell before the beat was taken");
  assert property (@(posedge clk) disable iff (!rst_n)
    m_axis_tvalid && !m_axis_tready |=> $stable(m_axis_tdata))
  else $error("bnn_stream_check: tdata changed before the beat was taken");
`endif

endmodule
