// Puts PORTS readers on one AXI4 memory port, burst by burst, round robin; arid is the port.
//
// Flat ports: reader p is field p of each. An address is registered: latency 1, one per cycle. Data
// goes to the reader whose number rid holds, in the same cycle; readers may get it in any order
// among each other. The constants of the address channel are added here.
module bnn_read_arbiter #(
    parameter  int unsigned PORTS     = 4,
    parameter  int unsigned ADDR_BITS = 32,
    parameter  int unsigned DATA_BITS = 64,
    localparam int unsigned IdBits    = PORTS > 1 ? $clog2(PORTS) : 1
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [PORTS*ADDR_BITS-1:0] s_axi_araddr,
    input  logic [        PORTS*8-1:0] s_axi_arlen,
    input  logic [          PORTS-1:0] s_axi_arvalid,
    output logic [          PORTS-1:0] s_axi_arready,
    output logic [PORTS*DATA_BITS-1:0] s_axi_rdata,
    output logic [        PORTS*2-1:0] s_axi_rresp,
    output logic [          PORTS-1:0] s_axi_rlast,
    output logic [          PORTS-1:0] s_axi_rvalid,
    input  logic [          PORTS-1:0] s_axi_rready,
    output logic [         IdBits-1:0] m_axi_arid,
    output logic [      ADDR_BITS-1:0] m_axi_araddr,
    output logic [                7:0] m_axi_arlen,
    output logic [                2:0] m_axi_arsize,
    output logic [                1:0] m_axi_arburst,
    output logic [                3:0] m_axi_arcache,
    output logic [                2:0] m_axi_arprot,
    output logic                       m_axi_arvalid,
    input  logic                       m_axi_arready,
    input  logic [         IdBits-1:0] m_axi_rid,
    input  logic [      DATA_BITS-1:0] m_axi_rdata,
    input  logic [                1:0] m_axi_rresp,
    input  logic                       m_axi_rlast,
    input  logic                       m_axi_rvalid,
    output logic                       m_axi_rready
);

  if (PORTS < 1 || DATA_BITS < 8 || DATA_BITS != (8 << $clog2(DATA_BITS / 8))) begin : gen_bad
    $error("bnn_read_arbiter: PORTS must be positive, DATA_BITS a power of two from 8");
  end

  // The first reader that asks behind the one that was served last, else the first that asks.
  logic [    PORTS-1:0] behind_q;  // readers behind the one served last
  logic [    PORTS-1:0] asking;
  logic [    PORTS-1:0] grant;  // at most one
  logic [    PORTS-1:0] up_to;  // readers up to the granted one
  logic [   IdBits-1:0] chosen;
  logic [ADDR_BITS-1:0] addr;
  logic [          7:0] len;
  logic                 load;
  logic                 valid_q;

  assign asking = |(s_axi_arvalid & behind_q) ? s_axi_arvalid & behind_q : s_axi_arvalid;
  assign grant = asking & (~asking + 1'b1);
  assign up_to = grant | (grant - 1'b1);
  assign load = !valid_q || m_axi_arready;
  assign s_axi_arready = load ? grant : '0;

  always_comb begin
    chosen = '0;
    addr = '0;
    len = '0;
    for (int p = 0; p < PORTS; p++) begin
      if (grant[p]) begin
        chosen |= IdBits'(p);
        addr |= s_axi_araddr[p*ADDR_BITS+:ADDR_BITS];
        len |= s_axi_arlen[p*8+:8];
      end
    end
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      behind_q <= '0;
      valid_q  <= 1'b0;
    end else if (load) begin
      valid_q <= |s_axi_arvalid;
      if (|s_axi_arvalid) behind_q <= ~up_to;
    end
    if (load) begin
      m_axi_arid   <= chosen;
      m_axi_araddr <= addr;
      m_axi_arlen  <= len;
    end
  end

  assign m_axi_arvalid = valid_q;
  assign m_axi_arsize  = 3'($clog2(DATA_BITS / 8));
  assign m_axi_arburst = 2'b01;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot  = 3'b000;

  for (genvar p = 0; p < PORTS; p++) begin : gen_port
    assign s_axi_rdata[p*DATA_BITS+:DATA_BITS] = m_axi_rdata;
    assign s_axi_rresp[p*2+:2] = m_axi_rresp;
    assign s_axi_rlast[p] = m_axi_rlast;
    assign s_axi_rvalid[p] = m_axi_rvalid && m_axi_rid == IdBits'(p);
  end
  assign m_axi_rready = |(s_axi_rvalid & s_axi_rready);

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH(IdBits + ADDR_BITS + 8)
  ) u_check (
      .m_axis_tdata ({m_axi_arid, m_axi_araddr, m_axi_arlen}),
      .m_axis_tvalid(m_axi_arvalid),
      .m_axis_tready(m_axi_arready),
      .*
  );
`endif

endmodule
