// PE dot products of integer activations with integer weights from a stream: tile by tile, each
// for all pixels.
//
// In: SIMD elements of IN_BITS a beat on s_axis and the PE * SIMD weights of WEIGHT_BITS for it on
// w_axis, taken together; FOLDS beats per window, PIXELS windows per tile, TILES tiles per frame. tuser
// marks padding: its elements are 0, and so is what it adds.
// Out: one beat a window, PE accumulators of ACC_BITS. MULTIPLY_STYLE and latency as in
// bnn_mac_pe_array. One beat in a cycle.
module bnn_stream_mac_pe_array #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 4,
    parameter int unsigned FOLDS = 8,
    parameter int unsigned TILES = 4,
    parameter int unsigned PIXELS = 1,
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 0,
    parameter int unsigned WEIGHT_BITS = 8,
    parameter int unsigned ACC_BITS = 22,
    parameter INIT_FILE = "",
    parameter int unsigned INIT_STYLE = 0,
    parameter int unsigned MULTIPLY_STYLE = 2
) (
    input  logic                           clk,
    input  logic                           rst_n,
    input  logic [       SIMD*IN_BITS-1:0] s_axis_tdata,
    input  logic                           s_axis_tuser,
    input  logic                           s_axis_tvalid,
    output logic                           s_axis_tready,
    input  logic [PE*SIMD*WEIGHT_BITS-1:0] w_axis_tdata,
    input  logic                           w_axis_tvalid,
    output logic                           w_axis_tready,
    output logic [        PE*ACC_BITS-1:0] m_axis_tdata,
    output logic                           m_axis_tvalid,
    input  logic                           m_axis_tready
);

  localparam int unsigned MultiplyStages = (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 3;
  localparam int unsigned Levels = $clog2(SIMD);

  logic en;
  logic acc_en;
  logic acc_first;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights_q;
  logic [PE*ACC_BITS-1:0] init;

  bnn_stream_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .PIXELS(PIXELS),
      .STAGES(1 + MultiplyStages + Levels),
      .INIT_BITS(PE * ACC_BITS),
      .INIT_FILE(INIT_FILE),
      .INIT_STYLE(INIT_STYLE)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .w_axis_tvalid(w_axis_tvalid),
      .w_axis_tready(w_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en),
      .acc_en_o(acc_en),
      .acc_first_o(acc_first),
      .init_o(init)
  );

  always_ff @(posedge clk) if (en) weights_q <= w_axis_tdata;

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
      .weights_i(weights_q),
      .init_i(init),
      .data_o(m_axis_tdata)
  );

  logic unused;
  assign unused = s_axis_tuser;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
  assert property (@(posedge clk) disable iff (!rst_n)
    s_axis_tvalid && s_axis_tuser |-> s_axis_tdata == '0)
  else $error("bnn_stream_mac_pe_array: a padded beat must be 0");
`endif

endmodule
