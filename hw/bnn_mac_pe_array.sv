// PE dot products of integer activations with integer weights.
//
// In: SIMD elements of IN_BITS a beat, FOLDS beats a window, TILES windows (repeated) a pixel.
// Out: one beat a tile, PE accumulators of ACC_BITS. MULTIPLY_STYLE: 1 products in LUTs (Booth),
// 2 in a DSP48E1 each, 3 in a DSP48E1 for two channels, 4 so and two lanes added up there. Latency:
// ceil(log2(SIMD)) + (3 + ceil(WEIGHT_BITS / 4) in style 1, else 5). One input beat a cycle.
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

  localparam int unsigned WeightWords = TILES * FOLDS;
  localparam int unsigned InitWords =
      (BORDER_TOP + 1 + BORDER_BOTTOM) * (BORDER_LEFT + 1 + BORDER_RIGHT) * TILES;
  localparam int unsigned WeightAddrBits = (WeightWords > 1) ? $clog2(WeightWords) : 1;
  localparam int unsigned InitAddrBits = (InitWords > 1) ? $clog2(InitWords) : 1;
  localparam int unsigned MultiplyStages = (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 3;
  localparam int unsigned Levels = $clog2(SIMD);

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_mac_pe_array: PE and SIMD must be positive");
  end
  if (ACC_BITS < 2 || ACC_BITS > 32) begin : gen_bad_bits
    $error("bnn_mac_pe_array: ACC_BITS must be 2 to 32");
  end
  if (IN_BITS == 0 || WEIGHT_BITS == 0 || IN_SIGNED > 1) begin : gen_bad_input
    $error("bnn_mac_pe_array: IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1");
  end
  if (MULTIPLY_STYLE == 0 || MULTIPLY_STYLE > 4) begin : gen_bad_style
    $error("bnn_mac_pe_array: MULTIPLY_STYLE must be 1, 2, 3 or 4");
  end
  if (MULTIPLY_STYLE >= 3 && PE % 2 != 0) begin : gen_bad_pair
    $error("bnn_mac_pe_array: MULTIPLY_STYLE 3 and 4 need an even PE");
  end

  logic en;
  logic acc_en;
  logic acc_first;
  logic [WeightAddrBits-1:0] weight_addr;
  logic [InitAddrBits-1:0] init_addr;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;

  bnn_pe_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(1 + MultiplyStages + Levels),
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
      .WIDTH(PE * SIMD * WEIGHT_BITS),
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
