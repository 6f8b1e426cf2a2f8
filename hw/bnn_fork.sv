// Copies a stream to two, so that each copy is taken in its own time.
//
// Streams: WIDTH bits per beat, unchanged. Both outputs show the same register: each has a flag of
// its own that says whether it still owes the beat, and the next beat is taken when neither does.
// Latency 1; full throughput. Either output may be one beat ahead of the other.
module bnn_fork #(
    parameter int unsigned WIDTH = 8
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [WIDTH-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [WIDTH-1:0] m0_axis_tdata,
    output logic             m0_axis_tvalid,
    input  logic             m0_axis_tready,
    output logic [WIDTH-1:0] m1_axis_tdata,
    output logic             m1_axis_tvalid,
    input  logic             m1_axis_tready
);

  if (WIDTH < 1) begin : gen_bad_width
    $error("bnn_fork: WIDTH must be at least 1");
  end

  logic [WIDTH-1:0] data_q;
  logic             valid0_q;
  logic             valid1_q;

  assign s_axis_tready = (m0_axis_tready || !valid0_q) && (m1_axis_tready || !valid1_q);

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid0_q <= 1'b0;
      valid1_q <= 1'b0;
    end else if (s_axis_tready) begin
      valid0_q <= s_axis_tvalid;
      valid1_q <= s_axis_tvalid;
    end else begin
      if (m0_axis_tready) valid0_q <= 1'b0;
      if (m1_axis_tready) valid1_q <= 1'b0;
    end
    if (s_axis_tready) data_q <= s_axis_tdata;
  end

  assign m0_axis_tdata  = data_q;
  assign m0_axis_tvalid = valid0_q;
  assign m1_axis_tdata  = data_q;
  assign m1_axis_tvalid = valid1_q;

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH(WIDTH)
  ) u_check0 (
      .m_axis_tdata (m0_axis_tdata),
      .m_axis_tvalid(m0_axis_tvalid),
      .m_axis_tready(m0_axis_tready),
      .*
  );
  bnn_stream_check #(
      .WIDTH(WIDTH)
  ) u_check1 (
      .m_axis_tdata (m1_axis_tdata),
      .m_axis_tvalid(m1_axis_tvalid),
      .m_axis_tready(m1_axis_tready),
      .*
  );
`endif

endmodule
