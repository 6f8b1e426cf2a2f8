// Any element-wise function, as a table of 2^IN_BITS words of OUT_BITS in LUTs, one copy a lane.
//
// LANES elements per beat. Latency 1; one beat per cycle.
module bnn_table #(
    parameter int unsigned IN_BITS = 4,
    parameter int unsigned OUT_BITS = 4,
    parameter int unsigned LANES = 1,
    parameter TABLE_FILE = ""
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [ LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                      s_axis_tvalid,
    output logic                      s_axis_tready,
    output logic [LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  if (IN_BITS == 0 || IN_BITS > 8 || OUT_BITS == 0 || LANES == 0) begin : gen_bad_size
    $error("bnn_table: IN_BITS must be 1 to 8, OUT_BITS and LANES positive");
  end

  logic en;
  logic valid_q;

  assign en = m_axis_tready || !valid_q;
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (en) valid_q <= s_axis_tvalid;
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    bnn_rom #(
        .WIDTH(OUT_BITS),
        .DEPTH(1 << IN_BITS),
        .STYLE(1),
        .FILE (TABLE_FILE)
    ) u_table (
        .clk(clk),
        .en_i(en),
        .addr_i(s_axis_tdata[i*IN_BITS+:IN_BITS]),
        .data_o(m_axis_tdata[i*OUT_BITS+:OUT_BITS])
    );
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
