// Three readers of different frames on one memory port, for the bench of the read master.
module read_bench #(
    parameter int unsigned DATA_BITS   = 64,
    parameter int unsigned WORDS0      = 100,
    parameter int unsigned WORDS1      = 64,
    parameter int unsigned WORDS2      = 7,
    parameter int unsigned BURST       = 16,
    parameter int unsigned OUTSTANDING = 4,
    parameter int unsigned DEPTH       = 64
) (
    input  logic                 clk,
    input  logic                 rst_n,
    input  logic                 enable_i,
    input  logic [         95:0] base_i,
    input  logic                 stop_i,
    output logic                 idle_o,
    output logic [          2:0] error_o,
    output logic [          1:0] m_axi_arid,
    output logic [         31:0] m_axi_araddr,
    output logic [          7:0] m_axi_arlen,
    output logic [          2:0] m_axi_arsize,
    output logic [          1:0] m_axi_arburst,
    output logic [          3:0] m_axi_arcache,
    output logic [          2:0] m_axi_arprot,
    output logic                 m_axi_arvalid,
    input  logic                 m_axi_arready,
    input  logic [          1:0] m_axi_rid,
    input  logic [DATA_BITS-1:0] m_axi_rdata,
    input  logic [          1:0] m_axi_rresp,
    input  logic                 m_axi_rlast,
    input  logic                 m_axi_rvalid,
    output logic                 m_axi_rready,
    output logic [DATA_BITS-1:0] m0_axis_tdata,
    output logic                 m0_axis_tvalid,
    input  logic                 m0_axis_tready,
    output logic [DATA_BITS-1:0] m1_axis_tdata,
    output logic                 m1_axis_tvalid,
    input  logic                 m1_axis_tready,
    output logic [DATA_BITS-1:0] m2_axis_tdata,
    output logic                 m2_axis_tvalid,
    input  logic                 m2_axis_tready
);
  logic [95:0] araddr;
  logic [23:0] arlen;
  logic [2:0] arvalid, arready, rlast, rvalid, rready, tvalid, tready;
  logic [3*DATA_BITS-1:0] rdata, tdata;
  logic [5:0] rresp;
  logic [2:0] idle;

  assign idle_o = &idle;

  for (genvar p = 0; p < 3; p++) begin : gen_reader
    bnn_axi_reader #(
        .DATA_BITS(DATA_BITS),
        .WORDS(p == 0 ? WORDS0 : p == 1 ? WORDS1 : WORDS2),
        .BURST(BURST),
        .OUTSTANDING(OUTSTANDING),
        .DEPTH(DEPTH)
    ) u_reader (
        .clk(clk),
        .rst_n(rst_n),
        .m_axi_araddr(araddr[p*32+:32]),
        .m_axi_arlen(arlen[p*8+:8]),
        .m_axi_arvalid(arvalid[p]),
        .m_axi_arready(arready[p]),
        .m_axi_rdata(rdata[p*DATA_BITS+:DATA_BITS]),
        .m_axi_rresp(rresp[p*2+:2]),
        .m_axi_rlast(rlast[p]),
        .m_axi_rvalid(rvalid[p]),
        .m_axi_rready(rready[p]),
        .m_axis_tdata(tdata[p*DATA_BITS+:DATA_BITS]),
        .m_axis_tvalid(tvalid[p]),
        .m_axis_tready(tready[p]),
        .enable_i(enable_i),
        .base_i(base_i[p*32+:32]),
        .stop_i(stop_i),
        .idle_o(idle[p]),
        .error_o(error_o[p])
    );
  end

  bnn_read_arbiter #(
      .PORTS(3),
      .DATA_BITS(DATA_BITS)
  ) u_arbiter (
      .clk(clk),
      .rst_n(rst_n),
      .s_axi_araddr(araddr),
      .s_axi_arlen(arlen),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_rdata(rdata),
      .s_axi_rresp(rresp),
      .s_axi_rlast(rlast),
      .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .m_axi_arid(m_axi_arid),
      .m_axi_araddr(m_axi_araddr),
      .m_axi_arlen(m_axi_arlen),
      .m_axi_arsize(m_axi_arsize),
      .m_axi_arburst(m_axi_arburst),
      .m_axi_arcache(m_axi_arcache),
      .m_axi_arprot(m_axi_arprot),
      .m_axi_arvalid(m_axi_arvalid),
      .m_axi_arready(m_axi_arready),
      .m_axi_rid(m_axi_rid),
      .m_axi_rdata(m_axi_rdata),
      .m_axi_rresp(m_axi_rresp),
      .m_axi_rlast(m_axi_rlast),
      .m_axi_rvalid(m_axi_rvalid),
      .m_axi_rready(m_axi_rready)
  );

  assign {m2_axis_tdata, m1_axis_tdata, m0_axis_tdata} = tdata;
  assign {m2_axis_tvalid, m1_axis_tvalid, m0_axis_tvalid} = tvalid;
  assign tready = {m2_axis_tready, m1_axis_tready, m0_axis_tready};
endmodule
