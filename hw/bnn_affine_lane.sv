// One lane of bnn_affine: y = saturate((m * x + b) >> SHIFT), arithmetic shift, all of it pipelined.
//
// field_i holds the parameters that belong to x_i: {knee2, knee1, b2, m2, b1, m1, b0, m0}, of up to
// three segments; b is OFFSET_BITS of it above OFFSET_SHIFT bits of OFFSET_LOW. Comparing x with the
// knees picks m and b first, so that one multiplier does.
// Latency in enabled clocks: 4 with a DSP48E1, 2 where there is neither multiplier nor second
// segment, else 2 + max(1, ceil(MULTIPLIER_BITS / 4)). One result a clock.
module bnn_affine_lane #(
    parameter int unsigned IN_BITS = 16,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned OUT_BITS = 16,
    parameter int unsigned OUT_SIGNED = 1,
    parameter int unsigned SHIFT = 8,
    parameter int unsigned MULTIPLIER_BITS = 12,
    parameter int unsigned OFFSET_BITS = 28,
    parameter int unsigned OFFSET_SHIFT = 0,
    parameter int unsigned OFFSET_LOW = 0,
    parameter int unsigned SEGMENTS = 1,
    parameter int unsigned USE_DSP = 1
) (
    input logic clk,
    input logic en_i,
    input logic [IN_BITS-1:0] x_i,
    input  logic [SEGMENTS*(OFFSET_BITS+MULTIPLIER_BITS)
                  + (SEGMENTS-1)*(IN_BITS+1)-1:0] field_i,
    output logic [OUT_BITS-1:0] y_o
);

  localparam int unsigned AddendBits = OFFSET_BITS + OFFSET_SHIFT;
  localparam int unsigned SegmentBits = OFFSET_BITS + MULTIPLIER_BITS;
  // Without a multiplier, unsigned x takes a sign bit; a product has one to spare.
  localparam int unsigned ProductBits = (MULTIPLIER_BITS == 0) ?
      IN_BITS + 1 - IN_SIGNED : IN_BITS + MULTIPLIER_BITS;
  localparam int unsigned SumBits = ((ProductBits > AddendBits) ? ProductBits : AddendBits) + 1;
  localparam int unsigned KeptBits = (SumBits > SHIFT) ? SumBits - SHIFT : 1;
  localparam int unsigned MBits = (MULTIPLIER_BITS > 0) ? MULTIPLIER_BITS : 1;
  localparam int unsigned Select = (SEGMENTS > 1 || MULTIPLIER_BITS > 0) ? 1 : 0;

  // Signed throughout: unsigned x gets a sign bit.
  logic signed [IN_BITS:0] x;
  logic [SegmentBits-1:0] chosen;
  assign x = {(IN_SIGNED == 1) && x_i[IN_BITS-1], x_i};

  if (SEGMENTS == 2) begin : gen_two
    logic signed [IN_BITS:0] knee;
    assign knee   = field_i[2*SegmentBits+:IN_BITS+1];
    assign chosen = (x >= knee) ? field_i[SegmentBits+:SegmentBits] : field_i[0+:SegmentBits];
  end else if (SEGMENTS == 3) begin : gen_three
    logic signed [IN_BITS:0] first_knee, second_knee;
    assign first_knee  = field_i[3*SegmentBits+:IN_BITS+1];
    assign second_knee = field_i[3*SegmentBits+IN_BITS+1+:IN_BITS+1];
    always_comb begin
      chosen = field_i[0+:SegmentBits];
      if (x >= first_knee) chosen = field_i[SegmentBits+:SegmentBits];
      if (x >= second_knee) chosen = field_i[2*SegmentBits+:SegmentBits];
    end
  end else begin : gen_one
    assign chosen = field_i;
  end

  logic [IN_BITS-1:0] operand;
  logic [SegmentBits-1:0] segment;
  if (Select == 1) begin : gen_select
    logic [IN_BITS-1:0] operand_q;
    logic [SegmentBits-1:0] segment_q;
    always_ff @(posedge clk) begin
      if (en_i) begin
        operand_q <= x_i;
        segment_q <= chosen;
      end
    end
    assign operand = operand_q;
    assign segment = segment_q;
  end else begin : gen_direct
    assign operand = x_i;
    assign segment = chosen;
  end

  logic signed [AddendBits-1:0] offset;
  logic [SumBits-1:0] sum;
  assign offset = (AddendBits'(segment[MULTIPLIER_BITS+:OFFSET_BITS]) << OFFSET_SHIFT)
      | AddendBits'(OFFSET_LOW);

  if (MULTIPLIER_BITS == 0) begin : gen_add
    logic signed [IN_BITS:0] wide;
    logic [SumBits-1:0] sum_q;
    assign wide = {(IN_SIGNED == 1) && operand[IN_BITS-1], operand};
    assign sum  = sum_q;
    always_ff @(posedge clk) if (en_i) sum_q <= SumBits'(wide) + SumBits'(offset);
  end else if (USE_DSP == 1) begin : gen_dsp
    // The registers of a DSP48E1: A and B are those of the selection, then M and C, then P.
    localparam int unsigned XBits = IN_BITS + 1 - IN_SIGNED;
    logic signed [XBits-1:0] factor;
    logic signed [MBits-1:0] multiplier;
    (* use_dsp = "yes" *) logic signed [IN_BITS+MBits-1:0] product_q;
    logic signed [AddendBits-1:0] offset_q;
    logic [SumBits-1:0] sum_q;
    assign factor = XBits'({(IN_SIGNED == 1) && operand[IN_BITS-1], operand});
    assign multiplier = segment[0+:MBits];
    assign sum = sum_q;
    always_ff @(posedge clk) begin
      if (en_i) begin
        product_q <= factor * multiplier;
        offset_q <= offset;
        sum_q <= SumBits'(product_q) + SumBits'(offset_q);
      end
    end
  end else begin : gen_booth
    bnn_booth #(
        .X_BITS(IN_BITS),
        .X_SIGNED(IN_SIGNED),
        .W_BITS(MBits),
        .ADDEND_BITS(AddendBits),
        .SUM_BITS(SumBits)
    ) u_booth (
        .clk  (clk),
        .en_i (en_i),
        .x_i  (operand),
        .w_i  (segment[0+:MBits]),
        .c_i  (offset),
        .sum_o(sum)
    );
  end

  // Saturation of the shifted sum.
  logic [KeptBits-1:0] kept;
  logic [OUT_BITS-1:0] y_q;
  logic negative;
  assign negative = sum[SumBits-1];
  assign kept = sum[SumBits-1-:KeptBits];

  if (OUT_SIGNED == 1 && KeptBits > OUT_BITS) begin : gen_signed
    logic [KeptBits-OUT_BITS:0] upper;
    assign upper = kept[KeptBits-1:OUT_BITS-1];
    always_ff @(posedge clk) begin
      if (en_i) begin
        y_q <= kept[OUT_BITS-1:0];
        if (upper != '0 && upper != '1) begin
          y_q <= {OUT_BITS{!negative}};
          y_q[OUT_BITS-1] <= negative;
        end
      end
    end
  end else if (OUT_SIGNED == 1) begin : gen_signed_fits
    always_ff @(posedge clk) if (en_i) y_q <= OUT_BITS'({{OUT_BITS{negative}}, kept});
  end else if (KeptBits > OUT_BITS + 1) begin : gen_unsigned
    logic high;
    assign high = kept[KeptBits-2:OUT_BITS] != '0;
    always_ff @(posedge clk) if (en_i) y_q <= negative ? '0 : kept[OUT_BITS-1:0] | {OUT_BITS{high}};
  end else begin : gen_unsigned_fits
    always_ff @(posedge clk) if (en_i) y_q <= negative ? '0 : OUT_BITS'(kept);
  end
  assign y_o = y_q;

  logic unused;
  assign unused = ^{x, segment, sum, kept, negative};

endmodule
