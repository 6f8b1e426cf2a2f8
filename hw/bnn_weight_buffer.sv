// Holds the weights of a tile and plays them once per pixel while those of the next tile come in.
//
// In: words of WORD_BITS, FOLDS a tile. Out: each tile's FOLDS words in order, PIXELS times. A
// buffer of DEPTH words, in which a word's place is free once it has been played PIXELS times.
// Latency 2 from the word that comes next; one word out a cycle, one in.
module bnn_weight_buffer #(
    parameter int unsigned WORD_BITS = 64,
    parameter int unsigned FOLDS     = 9,
    parameter int unsigned PIXELS    = 49,
    parameter int unsigned DEPTH     = 18,
    parameter int unsigned RAM_STYLE = 0
) (
    input  logic                 clk,
    input  logic                 rst_n,
    input  logic [WORD_BITS-1:0] s_axis_tdata,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic [WORD_BITS-1:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready
);

  // A tile is the one window of a 1x1 image of FOLDS * WORD_BITS channels.
  logic unused;
  bnn_window #(
      .ELEM_BITS (1),
      .CHANNELS  (FOLDS * WORD_BITS),
      .HEIGHT    (1),
      .WIDTH     (1),
      .KERNEL_H  (1),
      .KERNEL_W  (1),
      .PAD_TOP   (0),
      .PAD_BOTTOM(0),
      .PAD_LEFT  (0),
      .PAD_RIGHT (0),
      .SIMD      (WORD_BITS),
      .REPEATS   (PIXELS),
      .DEPTH     (DEPTH),
      .RAM_STYLE (RAM_STYLE)
  ) u_window (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tuser (unused),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule
