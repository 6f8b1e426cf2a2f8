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
  // The two factors, signed; a DSP48E1 multiplies 25 by 18 bits and adds 48.
  localparam int unsigned XBits = IN_BITS + 1 - IN_SIGNED;
  localparam int unsigned Wider = (XBits > MULTIPLIER_BITS) ? XBits : MULTIPLIER_BITS;
  localparam int unsigned Narrower = (XBits > MULTIPLIER_BITS) ? MULTIPLIER_BITS : XBits;
  localparam int unsigned FitsDsp =
      (Wider <= 25 && Narrower <= 18 && OFFSET_BITS + OFFSET_SHIFT < 48 && MULTIPLIER_BITS > 0) ?
      1 : 0;
  localparam int unsigned UseDsp = (MULTIPLY_STYLE != 1) ? FitsDsp : 0;
  localparam int unsigned Select = (SEGMENTS > 1 || MULTIPLIER_BITS > 0) ? 1 : 0;
  localparam int unsigned Rows = (MULTIPLIER_BITS > 4) ? (MULTIPLIER_BITS + 3) / 4 : 1;
  localparam int unsigned Latency = 2 + Select + ((UseDsp == 1) ? 2 : Rows);

  if (IN_BITS == 0 || OUT_BITS == 0 || LANES == 0 || FOLDS == 0 || HOLD == 0) begin : gen_bad_size
    $error("bnn_affine: IN_BITS, OUT_BITS, LANES, FOLDS and HOLD must be positive");
  end
  if (IN_SIGNED > 1 || OUT_SIGNED > 1) begin : gen_bad_sign
    $error("bnn_affine: IN_SIGNED and OUT_SIGNED must be 0 or 1");
  end
  if (OFFSET_BITS == 0 || SEGMENTS == 0 || SEGMENTS > 3) begin : gen_bad_segments
    $error("bnn_affine: OFFSET_BITS must be positive, SEGMENTS 1 to 3");
  end
  if (OFFSET_SHIFT > 31 || (OFFSET_LOW >> OFFSET_SHIFT) != 0) begin : gen_bad_low
    $error("bnn_affine: OFFSET_SHIFT must be at most 31 and OFFSET_LOW have so many bits");
  end
  if (MULTIPLY_STYLE > 2) begin : gen_bad_style
    $error("bnn_affine: MULTIPLY_STYLE must be 0, 1 or 2");
  end
  if (MULTIPLY_STYLE == 2 && MULTIPLIER_BITS > 0 && FitsDsp == 0) begin : gen_bad_dsp
    $error("bnn_affine: a DSP48E1 takes factors of 25 and 18 bits and an offset of 47");
  end

  logic en;
  logic [Latency-1:0] valid_q;
  logic last_hold;
  logic [FoldBits-1:0] fold_q;
  logic [LANES*IN_BITS-1:0] x_q;
  logic [LANES*FieldBits-1:0] fields;

  assign en = m_axis_tready || !valid_q[Latency-1];
  assign s_axis_tready = en;
  assign m_axis_tvalid = valid_q[Latency-1];

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
    if (!rst_n) begin
      valid_q <= '0;
      fold_q  <= '0;
    end else if (en) begin
      valid_q <= {valid_q[Latency-2:0], s_axis_tvalid};
      if (s_axis_tvalid && last_hold) begin
        fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
      end
    end
    if (en) x_q <= s_axis_tdata;
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    bnn_affine_lane #(
        .IN_BITS(IN_BITS),
        .IN_SIGNED(IN_SIGNED),
        .OUT_BITS(OUT_BITS),
        .OUT_SIGNED(OUT_SIGNED),
        .SHIFT(SHIFT),
        .MULTIPLIER_BITS(MULTIPLIER_BITS),
        .OFFSET_BITS(OFFSET_BITS),
        .OFFSET_SHIFT(OFFSET_SHIFT),
        .OFFSET_LOW(OFFSET_LOW),
        .SEGMENTS(SEGMENTS),
        .USE_DSP(UseDsp)
    ) u_lane (
        .clk(clk),
        .en_i(en),
        .x_i(x_q[i*IN_BITS+:IN_BITS]),
        .field_i(fields[i*FieldBits+:FieldBits]),
        .y_o(m_axis_tdata[i*OUT_BITS+:OUT_BITS])
    );
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
