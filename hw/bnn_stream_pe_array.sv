// PE binary dot products at once, with weights from a stream: tile by tile, each for all pixels.
//
// In: SIMD bits per beat on s_axis and the PE * SIMD weights for it on w_axis, taken together; FOLDS
// beats per window, PIXELS windows per tile, TILES tiles per frame. With PAD_HALF a beat marked by tuser,
// whose bits are 0, counts SIMD / 2: padding that is neither -1 nor +1.
// Out: one beat a window, PE accumulators of ACC_BITS, or with BINARY_OUT the bits acc >= 0.
// Latency as bnn_pe_array: 3 + floor(L/2), L = max(0, ceil(log2(SIMD)) - 2). One beat in a cycle.
module bnn_stream_pe_array #(
    parameter int unsigned PE = 1,
    parameter int unsigned SIMD = 64,
    parameter int unsigned FOLDS = 9,
    parameter int unsigned TILES = 4,
    parameter int unsigned PIXELS = 49,
    parameter int unsigned ACC_BITS = 12,
    parameter int unsigned ACC_SHIFT = 0,
    parameter int unsigned BINARY_OUT = 0,
    parameter int unsigned PAD_HALF = 1,
    parameter INIT_FILE = "",
    parameter int unsigned INIT_STYLE = 0
) (
    input  logic                                             clk,
    input  logic                                             rst_n,
    input  logic [                                 SIMD-1:0] s_axis_tdata,
    input  logic                                             s_axis_tuser,
    input  logic                                             s_axis_tvalid,
    output logic                                             s_axis_tready,
    input  logic [                              PE*SIMD-1:0] w_axis_tdata,
    input  logic                                             w_axis_tvalid,
    output logic                                             w_axis_tready,
    output logic [PE*((BINARY_OUT != 0) ? 1 : ACC_BITS)-1:0] m_axis_tdata,
    output logic                                             m_axis_tvalid,
    input  logic                                             m_axis_tready
);

  localparam int unsigned Level = (SIMD > 4) ? $clog2(SIMD) - 2 : 0;
  localparam int unsigned CountStages = 1 + Level / 2;
  // Weights of a padded beat: half of its zeros agree with them.
  localparam logic [SIMD-1:0] Half = SIMD'({(SIMD + 1) / 2{2'b01}});

  if (PAD_HALF > 1 || (PAD_HALF == 1 && SIMD % 2 != 0)) begin : gen_bad_mode
    $error("bnn_stream_pe_array: PAD_HALF must be 0 or 1, SIMD even with PAD_HALF");
  end

  logic en;
  logic acc_en;
  logic acc_first;
  logic [PE*SIMD-1:0] weights_q;
  logic [PE*ACC_BITS-1:0] init;

  bnn_stream_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .PIXELS(PIXELS),
      .STAGES(1 + CountStages),
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

  always_ff @(posedge clk) begin
    if (en) begin
      if (PAD_HALF == 1 && s_axis_tuser) weights_q <= {PE{Half}};
      else weights_q <= w_axis_tdata;
    end
  end

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
      .weights_i(weights_q),
      .init_i(init),
      .data_o(m_axis_tdata)
  );

  logic unused;
  assign unused = s_axis_tuser;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
  if (PAD_HALF == 1) begin : gen_check_padding
    assert property (@(posedge clk) disable iff (!rst_n)
      s_axis_tvalid && s_axis_tuser |-> s_axis_tdata == '0)
    else $error("bnn_stream_pe_array: a padded beat must be 0");
  end
`endif

endmodule
