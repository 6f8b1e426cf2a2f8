// Fixed-point affine function per channel: y = saturate(floor((m * x + b) / 2^SHIFT)).
//
// FOLDS beats of LANES elements per pixel; or, tile by tile, HOLD beats for each of the FOLDS words. A
// field of the image: {knee2, knee1, b2, m2, b1, m1, b0, m0} of up to three segments, m0 in the low
// bits; the last with x >= its knee is taken. MULTIPLIER_BITS 0: m is 1. The OFFSET_SHIFT low bits of
// every b are those of OFFSET_LOW and not in the image, which holds the OFFSET_BITS above them.
// STYLE: 0 the tool's choice, 1 LUTs, 2 block RAM. MULTIPLY_STYLE: 0 a DSP48E1 if the factors fit
// one, 1 LUTs, 2 a DSP48E1. Latency: 5 with a DSP48E1, 3 where there is neither multiplier nor
// second segment, else 3 + max(1, ceil(MULTIPLIER_BITS / 4)). One beat per cycle; one enable: bubbles
// are not closed.
module bnn_affine #(
    parameter int unsigned IN_BITS = 16,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned OUT_BITS = 16,
    parameter int unsigned OUT_SIGNED = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned FOLDS = 1,
    parameter int unsigned HOLD = 1,
    parameter int unsigned SHIFT = 8,
    parameter int unsigned MULTIPLIER_BITS = 12,
    parameter int unsigned OFFSET_BITS = 28,
    parameter int unsigned OFFSET_SHIFT = 0,
    parameter int unsigned OFFSET_LOW = 0,
    parameter int unsigned SEGMENTS = 1,
    parameter PARAMETERS_FILE = "",
    parameter int unsigned STYLE = 0,
    parameter int unsigned MULTIPLY_STYLE = 0
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [ LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                      s_axis_tvalid,
    output logic                      s_axis_tready,
    output logic [LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  localparam int unsigned FoldBits = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned FieldBits =
      SEGMENTS * (OFFSET_BITS + MULTIPLIER_BITS) + (SEGMENTS - 1) * (IN_BITS + 1);

  if (FOLDS == 0 || HOLD == 0) begin : gen_bad_size
    $error("bnn_affine: FOLDS and HOLD must be positive");
  end

  logic en;
  logic last_hold;
  logic [FoldBits-1:0] fold_q;
  logic [LANES*FieldBits-1:0] fields;

  assign s_axis_tready = en;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_hold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && s_axis_tvalid),
      .last_o(last_hold)
  );

  bnn_rom #(
      .WIDTH(LANES * FieldBits),
      .DEPTH(FOLDS),
      .STYLE(STYLE),
      .FILE (PARAMETERS_FILE)
  ) u_parameters (
      .clk(clk),
      .en_i(en),
      .addr_i(fold_q),
      .data_o(fields)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) fold_q <= '0;
    else if (en && s_axis_tvalid && last_hold) begin
      fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
    end
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
      .take_i(s_axis_tvalid),
      .en_o(en),
      .x_i(s_axis_tdata),
      .fields_i(fields),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule
