// PE binary dot products at once: XNOR-popcount of a window against PE rows of weights.
//
// In: SIMD bits a beat, FOLDS beats a window, TILES windows (the window repeated) a pixel.
// Out: one beat a tile, PE accumulators of ACC_BITS, or with BINARY_OUT the bits acc >= 0.
// Latency: 3 + floor(L/2), L = max(0, ceil(log2(SIMD)) - 2). One input beat a cycle.
module bnn_pe_array #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 64,
    parameter int unsigned FOLDS = 9,
    parameter int unsigned TILES = 1,
    parameter int unsigned ACC_BITS = 12,
    parameter int unsigned ACC_SHIFT = 0,
    parameter int unsigned BINARY_OUT = 0,
    parameter int unsigned OUT_H = 1,
    parameter int unsigned OUT_W = 1,
    parameter int unsigned BORDER_TOP = 0,
    parameter int unsigned BORDER_BOTTOM = 0,
    parameter int unsigned BORDER_LEFT = 0,
    parameter int unsigned BORDER_RIGHT = 0,
    parameter WEIGHTS_FILE = "",
    parameter INIT_FILE = "",
    parameter int unsigned WEIGHTS_STYLE = 0,
    parameter int unsigned INIT_STYLE = 0
) (
    input  logic                                             clk,
    input  logic                                             rst_n,
    input  logic [                                 SIMD-1:0] s_axis_tdata,
    input  logic                                             s_axis_tvalid,
    output logic                                             s_axis_tready,
    output logic [PE*((BINARY_OUT != 0) ? 1 : ACC_BITS)-1:0] m_axis_tdata,
    output logic                                             m_axis_tvalid,
    input  logic                                             m_axis_tready
);

  localparam int unsigned WeightWords = TILES * FOLDS;
  localparam int unsigned InitWords =
      (BORDER_TOP + 1 + BORDER_BOTTOM) * (BORDER_LEFT + 1 + BORDER_RIGHT) * TILES;
  localparam int unsigned WeightAddrBits = (WeightWords > 1) ? $clog2(WeightWords) : 1;
  localparam int unsigned InitAddrBits = (InitWords > 1) ? $clog2(InitWords) : 1;
  localparam int unsigned Level = (SIMD > 4) ? $clog2(SIMD) - 2 : 0;
  localparam int unsigned CountStages = 1 + Level / 2;

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_pe_array: PE and SIMD must be positive");
  end
  if (ACC_BITS < 2 || ACC_BITS > 32 || ACC_SHIFT >= ACC_BITS) begin : gen_bad_bits
    $error("bnn_pe_array: ACC_BITS must be 2 to 32, ACC_SHIFT less");
  end
  if (BINARY_OUT > 1) begin : gen_bad_out
    $error("bnn_pe_array: BINARY_OUT must be 0 or 1");
  end

  logic en;
  logic acc_en;
  logic acc_first;
  logic [WeightAddrBits-1:0] weight_addr;
  logic [InitAddrBits-1:0] init_addr;
  logic [PE*SIMD-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;

  bnn_pe_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(1 + CountStages),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHT_ADDR_BITS(WeightAddrBits),
      .INIT_ADDR_BITS(InitAddrBits)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en),
      .weight_addr_o(weight_addr),
      .init_addr_o(init_addr),
      .acc_en_o(acc_en),
      .acc_first_o(acc_first)
  );

  bnn_rom #(
      .WIDTH(PE * SIMD),
      .DEPTH(WeightWords),
      .STYLE(WEIGHTS_STYLE),
      .FILE (WEIGHTS_FILE)
  ) u_weights (
      .clk(clk),
      .en_i(en),
      .addr_i(weight_addr),
      .data_o(weights)
  );

  bnn_rom #(
      .WIDTH(PE * ACC_BITS),
      .DEPTH(InitWords),
      .STYLE(INIT_STYLE),
      .FILE (INIT_FILE)
  ) u_init (
      .clk(clk),
      .en_i(en),
      .addr_i(init_addr),
      .data_o(init)
  );

  bnn_pe_core #(
      .PE(PE),
      .SIMD(SIMD),
      .ACC_BITS(ACC_BITS),
      .ACC_SHIFT(ACC_SHIFT),
      .BINARY_OUT(BINARY_OUT),
      .STAGES(CountStages)
  ) u_core (
      .clk(clk),
      .en_i(en),
      .acc_en_i(acc_en),
      .acc_first_i(acc_first),
      .x_i(s_axis_tdata),
      .weights_i(weights),
      .init_i(init),
      .data_o(m_axis_tdata)
  );

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
