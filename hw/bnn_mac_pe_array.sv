// PE dot products of integer activations with integer weights.
//
// In: SIMD elements of IN_BITS a beat, FOLDS beats per window, TILES windows (repeated) a pixel.
// Out: one beat per tile, PE accumulators of ACC_BITS. MULTIPLY_STYLE: 1 products in LUTs (Booth),
// 2 in a DSP48E1 each, 3 in a DSP48E1 for two channels, 4 so and two lanes added up there. Latency:
// ceil(log2(SIMD)) + (3 + ceil(WEIGHT_BITS / 4) in style 1, else 5). One input beat per cycle.
module bnn_mac_pe_array #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 3,
    parameter int unsigned FOLDS = 9,
    parameter int unsigned TILES = 1,
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 0,
    parameter int unsigned WEIGHT_BITS = 8,
    parameter int unsigned ACC_BITS = 22,
    parameter int unsigned OUT_H = 1,
    parameter int unsigned OUT_W = 1,
    parameter int unsigned BORDER_TOP = 0,
    parameter int unsigned BORDER_BOTTOM = 0,
    parameter int unsigned BORDER_LEFT = 0,
    parameter int unsigned BORDER_RIGHT = 0,
    parameter WEIGHTS_FILE = "",
    parameter INIT_FILE = "",
    parameter int unsigned WEIGHTS_STYLE = 0,
    parameter int unsigned INIT_STYLE = 0,
    parameter int unsigned MULTIPLY_STYLE = 2
) (
    input  logic                    clk,
    input  logic                    rst_n,
    input  logic [SIMD*IN_BITS-1:0] s_axis_tdata,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,
    output logic [ PE*ACC_BITS-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready
);

  localparam int unsigned MultiplyStages = (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 3;
  localparam int unsigned Levels = $clog2(SIMD);

  logic en;
  logic acc_en;
  logic acc_first;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;

  bnn_rom_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(1 + MultiplyStages + Levels),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHTS_BITS(PE * SIMD * WEIGHT_BITS),
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

  bnn_mac_core #(
      .PE(PE),
      .SIMD(SIMD),
      .IN_BITS(IN_BITS),
      .IN_SIGNED(IN_SIGNED),
      .WEIGHT_BITS(WEIGHT_BITS),
      .ACC_BITS(ACC_BITS),
      .MULTIPLY_STYLE(MULTIPLY_STYLE),
      .STAGES(MultiplyStages + Levels)
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
