// Reads WORDS bus words from memory over AXI4, in order, again and again, as a stream.
//
// AXI4 read channels only (AR, R): INCR bursts of at most BURST words that stay within 4 KiB, up to
// OUTSTANDING at once. A burst is only asked for once a queue of DEPTH words has room for all of
// it, so R is always ready. Begins while enable_i, at base_i, which each frame of WORDS reads anew.
// While stop_i no more is asked for; idle_o then says that nothing is on its way any more.
// Out: one word per beat, without a gap between frames; at most one per cycle.
module bnn_axi_reader #(
    parameter int unsigned ADDR_BITS   = 32,
    parameter int unsigned DATA_BITS   = 64,
    parameter int unsigned WORDS       = 1024,
    parameter int unsigned BURST       = 16,
    parameter int unsigned OUTSTANDING = 4,
    parameter int unsigned DEPTH       = 64
) (
    input  logic                 clk,
    input  logic                 rst_n,
    output logic [ADDR_BITS-1:0] m_axi_araddr,
    output logic [          7:0] m_axi_arlen,
    output logic                 m_axi_arvalid,
    input  logic                 m_axi_arready,
    input  logic [DATA_BITS-1:0] m_axi_rdata,
    input  logic [          1:0] m_axi_rresp,
    input  logic                 m_axi_rlast,
    input  logic                 m_axi_rvalid,
    output logic                 m_axi_rready,
    output logic [DATA_BITS-1:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready,
    input  logic                 enable_i,
    input  logic [ADDR_BITS-1:0] base_i,
    input  logic                 stop_i,
    output logic                 idle_o,
    output logic                 error_o
);

  localparam int unsigned ByteBits = $clog2(DATA_BITS / 8);
  localparam int unsigned PageWords = 4096 / (DATA_BITS / 8);
  localparam int unsigned PageBits = $clog2(PageWords);
  localparam int unsigned LeftBits = $clog2(WORDS + 1);
  localparam int unsigned LenBits = $clog2(BURST + 1);
  localparam int unsigned RoomBits = $clog2(DEPTH + 1);
  localparam int unsigned FlightBits = $clog2(OUTSTANDING + 1);

  if (DATA_BITS < 32 || DATA_BITS > 1024 || DATA_BITS != (8 << ByteBits)) begin : gen_bad_data
    $error("bnn_axi_reader: DATA_BITS must be a power of two from 32 to 1024");
  end
  if (ADDR_BITS < 13 || ADDR_BITS > 64) begin : gen_bad_address
    $error("bnn_axi_reader: ADDR_BITS must be 13 to 64");
  end
  if (BURST < 1 || BURST > 256 || BURST > PageWords) begin : gen_bad_burst
    $error("bnn_axi_reader: BURST must be 1 to 256 words, at most 4 KiB");
  end
  if (WORDS < 1 || OUTSTANDING < 1 || DEPTH < BURST || DEPTH < 2) begin : gen_bad_size
    $error("bnn_axi_reader: WORDS and OUTSTANDING must be positive, DEPTH at least BURST and 2");
  end

  // A burst is planned in one cycle and asked for in a later one.
  logic [ADDR_BITS-1:0] addr_q;  // of the next burst
  logic [ LeftBits-1:0] left_q;  // words of the frame that no burst has asked for
  logic [  LenBits-1:0] burst_q;  // words of the planned burst
  logic                 planned_q;
  logic                 plan;
  logic                 issue;

  logic [   PageBits:0] page_left;
  logic [  LenBits-1:0] burst;

  assign page_left = (PageBits + 1)'(PageWords) - {1'b0, addr_q[ByteBits+:PageBits]};
  always_comb begin
    burst = LenBits'(BURST);
    if (32'(left_q) < BURST) burst = LenBits'(left_q);
    if (32'(page_left) < 32'(burst)) burst = LenBits'(page_left);
  end
  assign plan = !planned_q && left_q != '0;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      left_q <= '0;
      planned_q <= 1'b0;
    end else begin
      if (left_q == '0 && !planned_q && enable_i) left_q <= LeftBits'(WORDS);
      if (plan) begin
        left_q <= left_q - LeftBits'(burst);
        planned_q <= 1'b1;
      end
      if (issue) planned_q <= 1'b0;
    end
    if (plan) burst_q <= burst;
    if (left_q == '0 && !planned_q) addr_q <= base_i;
    else if (issue) addr_q <= addr_q + (ADDR_BITS'(burst_q) << ByteBits);
  end

  // What is asked for has room: words that are neither in the queue nor on their way.
  logic [  RoomBits-1:0] room_q;
  logic [FlightBits-1:0] flight_q;  // bursts on their way
  logic                  ar_valid_q;
  logic [ ADDR_BITS-1:0] ar_addr_q;
  logic [   LenBits-1:0] ar_words_q;
  logic                  pop;
  logic                  landed;

  assign issue = planned_q && !stop_i && (!ar_valid_q || m_axi_arready) &&
      32'(room_q) >= 32'(burst_q) && flight_q != FlightBits'(OUTSTANDING);
  assign idle_o = flight_q == '0;  // of a burst from its address on
  assign pop = m_axis_tvalid && m_axis_tready;
  assign landed = m_axi_rvalid && m_axi_rlast;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      room_q <= RoomBits'(DEPTH);
      flight_q <= '0;
      ar_valid_q <= 1'b0;
    end else begin
      room_q   <= room_q + RoomBits'(pop) - (issue ? RoomBits'(burst_q) : '0);
      flight_q <= flight_q + FlightBits'(issue) - FlightBits'(landed);
      if (issue) ar_valid_q <= 1'b1;
      else if (m_axi_arready) ar_valid_q <= 1'b0;
    end
    if (issue) begin
      ar_addr_q  <= addr_q;
      ar_words_q <= burst_q;
    end
  end

  assign m_axi_arvalid = ar_valid_q;
  assign m_axi_araddr  = ar_addr_q;
  assign m_axi_arlen   = 8'(ar_words_q - 1'b1);

  bnn_fifo #(
      .WIDTH(DATA_BITS),
      .DEPTH(DEPTH),
      .RAM_STYLE(1)
  ) u_queue (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (m_axi_rdata),
      .s_axis_tvalid(m_axi_rvalid),
      .s_axis_tready(m_axi_rready),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) error_o <= 1'b0;
    else error_o <= m_axi_rvalid && m_axi_rresp[1];
  end

  logic unused;
  assign unused = m_axi_rresp[0];

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH(ADDR_BITS + 8)
  ) u_check (
      .m_axis_tdata ({m_axi_araddr, m_axi_arlen}),
      .m_axis_tvalid(m_axi_arvalid),
      .m_axis_tready(m_axi_arready),
      .*
  );
  assert property (@(posedge clk) disable iff (!rst_n) m_axi_rvalid |-> m_axi_rready)
  else $error("bnn_axi_reader: a word came that has no room");
  assert property (@(posedge clk) disable iff (!rst_n) enable_i |-> base_i[ByteBits-1:0] == '0)
  else $error("bnn_axi_reader: base_i must be the address of a whole bus word");
`endif

endmodule
