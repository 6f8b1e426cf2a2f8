// Pipeline of bnn_affine and bnn_stream_affine: the affine function of each lane of a beat.
//
// A beat is taken with take_i while en_o; fields_i are its parameters, valid a cycle later, and later
// on while en_o is low. Parameters, latency: bnn_affine.
module bnn_affine_core #(
    parameter int unsigned IN_BITS = 16,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned OUT_BITS = 16,
    parameter int unsigned OUT_SIGNED = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned SHIFT = 8,
    parameter int unsigned MULTIPLIER_BITS = 12,
    parameter int unsigned OFFSET_BITS = 28,
    parameter int unsigned OFFSET_SHIFT = 0,
    parameter int unsigned OFFSET_LOW = 0,
    parameter int unsigned SEGMENTS = 1,
    parameter int unsigned MULTIPLY_STYLE = 0,
    parameter int unsigned FIELD_BITS = 40
) (
    input  logic                        clk,
    input  logic                        rst_n,
    input  logic                        take_i,
    output logic                        en_o,
    input  logic [   LANES*IN_BITS-1:0] x_i,
    input  logic [LANES*FIELD_BITS-1:0] fields_i,
    output logic [  LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready
);

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

  if (IN_BITS == 0 || OUT_BITS == 0 || LANES == 0) begin : gen_bad_size
    $error("bnn_affine: IN_BITS, OUT_BITS and LANES must be positive");
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

  logic [Latency-1:0] valid_q;
  logic [LANES*IN_BITS-1:0] x_q;

  assign en_o = m_axis_tready || !valid_q[Latency-1];
  assign m_axis_tvalid = valid_q[Latency-1];

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= '0;
    else if (en_o) valid_q <= {valid_q[Latency-2:0], take_i};
    if (en_o) x_q <= x_i;
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
        .en_i(en_o),
        .x_i(x_q[i*IN_BITS+:IN_BITS]),
        .field_i(fields_i[i*FIELD_BITS+:FIELD_BITS]),
        .y_o(m_axis_tdata[i*OUT_BITS+:OUT_BITS])
    );
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
