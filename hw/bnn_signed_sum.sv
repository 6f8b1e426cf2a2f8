// Sum of TERMS signed numbers, each to be negated or not: a tree of adders, one register a level.
//
// A negation is an inversion here and a carry-in of 1 further on: the tree's TERMS - 1 adders take
// the carries of as many terms, and the last one leaves at carry_o, for the adder that follows:
// the sum is sum_o + carry_o. sum_o has BITS + LEVELS bits. LEVELS is at least
// ceil(log2(TERMS)), and the latency in enabled clocks. One sum a clock.
module bnn_signed_sum #(
    parameter int unsigned TERMS  = 3,
    parameter int unsigned BITS   = 11,
    parameter int unsigned LEVELS = 2
) (
    input  logic                   clk,
    input  logic                   en_i,
    input  logic [ TERMS*BITS-1:0] terms_i,
    input  logic [      TERMS-1:0] negate_i,
    output logic [BITS+LEVELS-1:0] sum_o,
    output logic                   carry_o
);

  if (TERMS == 0 || LEVELS < $clog2(TERMS)) begin : gen_bad_size
    $error("bnn_signed_sum: LEVELS must be at least ceil(log2(TERMS))");
  end

  if (LEVELS == 0) begin : gen_term
    assign sum_o   = terms_i ^ {BITS{negate_i[0]}};
    assign carry_o = negate_i[0];
    logic unused;
    assign unused = ^{clk, en_i};
  end else if (TERMS == 1) begin : gen_wait
    logic [BITS+LEVELS-2:0] sum;
    logic [BITS+LEVELS-1:0] sum_q;
    logic carry;
    logic carry_q;

    bnn_signed_sum #(
        .TERMS (1),
        .BITS  (BITS),
        .LEVELS(LEVELS - 1)
    ) u_term (
        .clk(clk),
        .en_i(en_i),
        .terms_i(terms_i),
        .negate_i(negate_i),
        .sum_o(sum),
        .carry_o(carry)
    );

    always_ff @(posedge clk) begin
      if (en_i) begin
        sum_q   <= {sum[BITS+LEVELS-2], sum};
        carry_q <= carry;
      end
    end
    assign sum_o   = sum_q;
    assign carry_o = carry_q;
  end else begin : gen_node
    localparam int unsigned Left = (TERMS + 1) / 2;
    localparam int unsigned Right = TERMS - Left;
    logic [BITS+LEVELS-2:0] left, right;
    logic [BITS+LEVELS-1:0] sum_q;
    logic left_carry, right_carry;
    logic carry_q;

    bnn_signed_sum #(
        .TERMS (Left),
        .BITS  (BITS),
        .LEVELS(LEVELS - 1)
    ) u_left (
        .clk(clk),
        .en_i(en_i),
        .terms_i(terms_i[0+:Left*BITS]),
        .negate_i(negate_i[0+:Left]),
        .sum_o(left),
        .carry_o(left_carry)
    );

    bnn_signed_sum #(
        .TERMS (Right),
        .BITS  (BITS),
        .LEVELS(LEVELS - 1)
    ) u_right (
        .clk(clk),
        .en_i(en_i),
        .terms_i(terms_i[Left*BITS+:Right*BITS]),
        .negate_i(negate_i[Left+:Right]),
        .sum_o(right),
        .carry_o(right_carry)
    );

    always_ff @(posedge clk) begin
      if (en_i) begin
        sum_q <= {left[BITS+LEVELS-2], left} + {right[BITS+LEVELS-2], right} +
            (BITS + LEVELS)'(left_carry);
        carry_q <= right_carry;
      end
    end
    assign sum_o   = sum_q;
    assign carry_o = carry_q;
  end

endmodule
