// bnn_affine with its parameters from a stream: tile by tile, a word for each tile.
//
// In: HOLD beats of LANES elements per tile on s_axis, and on p_axis the word of their parameters, in the
// low bits of WORD_BITS, which is taken with the tile's last beat. Fields, parameters and latency as
// those of bnn_affine. One beat per cycle; one enable: bubbles are not closed.
module bnn_stream_affine #(
    parameter int unsigned IN_BITS = 16,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned OUT_BITS = 16,
    parameter int unsigned OUT_SIGNED = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned HOLD = 49,
    parameter int unsigned WORD_BITS = 64,
    parameter int unsigned SHIFT = 8,
    parameter int unsigned MULTIPLIER_BITS = 12,
    parameter int unsigned OFFSET_BITS = 28,
    parameter int unsigned OFFSET_SHIFT = 0,
    parameter int unsigned OFFSET_LOW = 0,
    parameter int unsigned SEGMENTS = 1,
    parameter int unsigned MULTIPLY_STYLE = 0
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [ LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                      s_axis_tvalid,
    output logic                      s_axis_tready,
    input  logic [     WORD_BITS-1:0] p_axis_tdata,
    input  logic                      p_axis_tvalid,
    output logic                      p_axis_tready,
    output logic [LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  localparam int unsigned FieldBits =
      SEGMENTS * (OFFSET_BITS + MULTIPLIER_BITS) + (SEGMENTS - 1) * (IN_BITS + 1);

  if (HOLD == 0 || WORD_BITS < LANES * FieldBits) begin : gen_bad_size
    $error("bnn_stream_affine: HOLD must be positive and WORD_BITS hold a field per lane");
  end

  logic en;
  logic last_hold;
  logic take;
  logic [LANES*FieldBits-1:0] fields_q;

  assign take = s_axis_tvalid && p_axis_tvalid;
  assign s_axis_tready = en && p_axis_tvalid;
  assign p_axis_tready = en && s_axis_tvalid && last_hold;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_hold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && take),
      .last_o(last_hold)
  );

  always_ff @(posedge clk) begin
    if (en) fields_q <= p_axis_tdata[LANES*FieldBits-1:0];
  end

  bnn_affine_core #(
      .IN_BITS(IN_BITS),
      .IN_SIGNED(IN_SIGNED),
      .OUT_BITS(OUT_BITS),
      .OUT_SIGNED(OUT_SIGNED),
      .LANES(LANES),
      .SHIFT(SHIFT),
      .MULTIPLIER_BITS(MULTIPLIER_BITS),
      .OFFSET_BITS(OFFSET_BITS),
      .OFFSET_SHIFT(OFFSET_SHIFT),
      .OFFSET_LOW(OFFSET_LOW),
      .SEGMENTS(SEGMENTS),
      .MULTIPLY_STYLE(MULTIPLY_STYLE),
      .FIELD_BITS(FieldBits)
  ) u_core (
      .clk(clk),
      .rst_n(rst_n),
      .take_i(take),
      .en_o(en),
      .x_i(s_axis_tdata),
      .fields_i(fields_q),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

  if (WORD_BITS > LANES * FieldBits) begin : gen_filling
    logic unused;
    assign unused = &{1'b0, p_axis_tdata[WORD_BITS-1:LANES*FieldBits]};
  end

endmodule
