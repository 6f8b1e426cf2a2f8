// PE binary dot products at once: XNOR-popcount of a window against PE rows of weights.
//
// In: SIMD bits per beat, FOLDS beats per window, TILES windows (the window repeated) per pixel.
// Out: one beat per tile, PE accumulators of ACC_BITS, or with BINARY_OUT the bits acc >= 0.
// Latency: 3 + floor(L/2), L = max(0, ceil(log2(SIMD)) - 2). One input beat per cycle.
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

  localparam int unsigned Level = (SIMD > 4) ? $clog2(SIMD) - 2 : 0;
  localparam int unsigned CountStages = 1 + Level / 2;

  logic en;
  logic acc_en;
  logic acc_first;
  logic [PE*SIMD-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;

  bnn_rom_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(1 + CountStages),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHTS_BITS(PE * SIMD),
      .WEIGHTS_FILE(WEIGHTS_FILE),
      .WEIGHTS_STYLE(WEIGHTS_STYLE),
      .INIT_BITS(PE * ACC_BITS),
      .INIT_FILE(INIT_FILE),
      .INIT_STYLE(INIT_STYLE)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en),
      .acc_en_o(acc_en),
      .acc_first_o(acc_first),
      .weights_o(weights),
      .init_o(init)
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
