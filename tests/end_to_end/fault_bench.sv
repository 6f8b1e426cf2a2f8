// Bench around a whole design for faults of its surroundings: a source whose packets begin and end
// where it is told to and that can be cut off, a sink that stops, a memory that answers with errors.
// cocotb sets what happens and owns clock, reset and the AXI4-Lite bus; beats are moved here, so
// that no Python runs in a cycle. Macros: BNN_TOP, IN_BITS, OUT_BITS, BEATS; with weights in memory
// BNN_MEMORY, ADDR_BITS, DATA_BITS, ID_BITS, WORDS, BURST.
//   +stimulus=FILE  BEATS beats, $readmemh     +captured=FILE  "data last" a line
`timescale 1ns / 1ps
`default_nettype none

module fault_bench (
    input  wire clk  /* verilator public_flat_rw */,
    input  wire rst_n  /* verilator public_flat_rw */,
    // The source plays beats [position, limit) after each seek; `last` is the one with tlast.
    input  wire seek  /* verilator public_flat_rw */,
    input  wire [31:0] position  /* verilator public_flat_rw */,
    input  wire [31:0] limit  /* verilator public_flat_rw */,
    input  wire [31:0] last  /* verilator public_flat_rw */,
    input  wire [7:0] idle_rate  /* verilator public_flat_rw */,
    input  wire [7:0] stall_rate  /* verilator public_flat_rw */,
    input  wire sink_on  /* verilator public_flat_rw */,
    input  wire bad_reads  /* verilator public_flat_rw */,
    output reg  [31:0] played  /* verilator public_flat_rw */,
    output reg  [31:0] received  /* verilator public_flat_rw */,
    input  wire [31:0] target  /* verilator public_flat_rw */,
    output wire reached  /* verilator public_flat_rw */,
    output reg  [31:0] faults  /* verilator public_flat_rw */,
    input  wire [7:0] s_axil_awaddr  /* verilator public_flat_rw */,
    input  wire [2:0] s_axil_awprot  /* verilator public_flat_rw */,
    input  wire s_axil_awvalid  /* verilator public_flat_rw */,
    output wire s_axil_awready  /* verilator public_flat_rw */,
    input  wire [31:0] s_axil_wdata  /* verilator public_flat_rw */,
    input  wire [3:0] s_axil_wstrb  /* verilator public_flat_rw */,
    input  wire s_axil_wvalid  /* verilator public_flat_rw */,
    output wire s_axil_wready  /* verilator public_flat_rw */,
    output wire [1:0] s_axil_bresp  /* verilator public_flat_rw */,
    output wire s_axil_bvalid  /* verilator public_flat_rw */,
    input  wire s_axil_bready  /* verilator public_flat_rw */,
    input  wire [7:0] s_axil_araddr  /* verilator public_flat_rw */,
    input  wire [2:0] s_axil_arprot  /* verilator public_flat_rw */,
    input  wire s_axil_arvalid  /* verilator public_flat_rw */,
    output wire s_axil_arready  /* verilator public_flat_rw */,
    output wire [31:0] s_axil_rdata  /* verilator public_flat_rw */,
    output wire [1:0] s_axil_rresp  /* verilator public_flat_rw */,
    output wire s_axil_rvalid  /* verilator public_flat_rw */,
    input  wire s_axil_rready  /* verilator public_flat_rw */
);
  // Inputs, too, power up with chance values: an edge of the clock may come before the reset does.
  reg awake = 1'b0;
  wire awake_rst_n = rst_n && awake;
  always @(posedge clk) awake <= awake || !rst_n;

  reg  [`IN_BITS-1:0] beats[`BEATS];
  reg  [`IN_BITS-1:0] s_axis_tdata;
  reg  s_axis_tvalid, s_axis_tlast;
  wire s_axis_tready;
  wire [`OUT_BITS-1:0] m_axis_tdata;
  wire m_axis_tvalid, m_axis_tlast;
  reg  m_axis_tready;

`ifdef BNN_MEMORY
  wire [`ID_BITS-1:0] arid, rid;
  wire [`ADDR_BITS-1:0] araddr;
  wire [7:0] arlen;
  wire [2:0] arsize;
  wire [1:0] arburst, rresp;
  wire arvalid, arready, rlast, rvalid, rready, memory_fault;
  wire [`DATA_BITS-1:0] rdata;

  bnn_read_memory #(
      .ADDR_BITS(`ADDR_BITS),
      .DATA_BITS(`DATA_BITS),
      .ID_BITS(`ID_BITS),
      .WORDS(`WORDS),
      .BURST(`BURST)
  ) u_memory (
      .clk(clk),
      .rst_n(awake_rst_n),
      .s_axi_arid(arid),
      .s_axi_araddr(araddr),
      .s_axi_arlen(arlen),
      .s_axi_arsize(arsize),
      .s_axi_arburst(arburst),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_rid(rid),
      .s_axi_rdata(rdata),
      .s_axi_rresp(rresp),
      .s_axi_rlast(rlast),
      .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .words_o(),
      .fault_o(memory_fault)
  );
`endif

  `BNN_TOP u_top (
      .clk(clk),
      .rst_n(awake_rst_n),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awprot(s_axil_awprot),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arprot(s_axil_arprot),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      .s_axil_rready(s_axil_rready),
`ifdef BNN_MEMORY
      .m_axi_arid(arid),
      .m_axi_araddr(araddr),
      .m_axi_arlen(arlen),
      .m_axi_arsize(arsize),
      .m_axi_arburst(arburst),
      .m_axi_arvalid(arvalid),
      .m_axi_arready(arready),
      .m_axi_arcache(),
      .m_axi_arprot(),
      .m_axi_rid(rid),
      .m_axi_rdata(bad_reads ? ~rdata : rdata),
      .m_axi_rresp(bad_reads ? 2'b10 : rresp),
      .m_axi_rlast(rlast),
      .m_axi_rvalid(rvalid),
      .m_axi_rready(rready),
`endif
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast(m_axis_tlast)
  );

  string stimulus_path, captured_path;
  int captured_file;
  reg [31:0] idle_lfsr, stall_lfsr;

  function automatic [31:0] next_random(input [31:0] x);
    next_random = {x[30:0], x[31] ^ x[21] ^ x[1] ^ x[0]};
  endfunction

  initial begin
    if (!$value$plusargs("stimulus=%s", stimulus_path)) $fatal(1, "+stimulus is missing");
    if (!$value$plusargs("captured=%s", captured_path)) $fatal(1, "+captured is missing");
    $readmemh(stimulus_path, beats);
    captured_file = $fopen(captured_path, "w");
    if (captured_file == 0) $fatal(1, "cannot open files");
  end

  assign reached = received >= target;

  wire taken = s_axis_tvalid && s_axis_tready;
  wire [31:0] next = played + 32'(taken);

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      s_axis_tvalid <= 0;
      m_axis_tready <= 0;
      played <= 0;
      received <= 0;
      idle_lfsr <= 32'h1ACE_B00C;
      stall_lfsr <= 32'h0BAD_CAFE;
    end else begin
      idle_lfsr <= next_random(idle_lfsr);
      stall_lfsr <= next_random(stall_lfsr);
      m_axis_tready <= sink_on && stall_lfsr[7:0] >= stall_rate;
      if (seek) begin
        s_axis_tvalid <= 0;
        played <= position;
      end else begin
        played <= next;
        if (!s_axis_tvalid || s_axis_tready) begin
          s_axis_tvalid <= next < limit && idle_lfsr[7:0] >= idle_rate;
          s_axis_tdata  <= beats[next];
          s_axis_tlast  <= next == last;
        end
      end
      if (m_axis_tvalid && m_axis_tready) begin
        received <= received + 1;
        $fdisplay(captured_file, "%h %b", m_axis_tdata, m_axis_tlast);
      end
    end
  end

  final $fclose(captured_file);

  // Bit 0: a beat was withdrawn or changed although the sink may still take it; bit 1: the memory
  // was asked wrongly; bit 2: a word came from memory while the core was in reset.
  reg waiting_q;
  reg [`OUT_BITS:0] beat_q;
  always_ff @(posedge clk) begin
    if (!rst_n) begin
      faults <= 0;
      waiting_q <= 0;
    end else begin
      waiting_q <= m_axis_tvalid && !m_axis_tready && sink_on;
      beat_q <= {m_axis_tlast, m_axis_tdata};
      if (waiting_q && !(m_axis_tvalid && beat_q == {m_axis_tlast, m_axis_tdata})) faults[0] <= 1;
`ifdef BNN_MEMORY
      if (memory_fault) faults[1] <= 1;
      if (!u_top.core_rst_n && (rvalid || arvalid)) faults[2] <= 1;
`endif
    end
  end
endmodule

`default_nettype wire
