// Multiply-add x * w + c in LUTs, w and c signed: radix-4 Booth rows, two rows a clock.
//
// The first row starts from c, so that adding it takes no adder of its own. With ADDEND_BITS 0 there
// is no c, and the rows are only as wide as the product needs. sum_o has SUM_BITS, exact for all
// values: X_BITS + W_BITS without c, else one more than the wider of product and c.
// Latency: ceil(W_BITS / 4) enabled clocks. One result a clock.
module bnn_booth #(
    parameter int unsigned X_BITS = 8,
    parameter int unsigned X_SIGNED = 1,
    parameter int unsigned W_BITS = 8,
    parameter int unsigned ADDEND_BITS = 0,
    parameter int unsigned SUM_BITS = 16
) (
    input  logic                                             clk,
    input  logic                                             en_i,
    input  logic [                               X_BITS-1:0] x_i,
    input  logic [                               W_BITS-1:0] w_i,
    input  logic [((ADDEND_BITS > 0) ? ADDEND_BITS : 1)-1:0] c_i,
    output logic [                             SUM_BITS-1:0] sum_o
);

  localparam int unsigned Stages = (W_BITS + 3) / 4;
  localparam int unsigned Rows = (W_BITS + 1) / 2;
  localparam int unsigned ProductBits = X_BITS + W_BITS;
  localparam int unsigned WiderBits = (ProductBits > ADDEND_BITS) ? ProductBits : ADDEND_BITS;
  localparam int unsigned FullBits = (ADDEND_BITS == 0) ? ProductBits : WiderBits + 1;

  if (X_BITS == 0 || W_BITS == 0 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_booth: X_BITS and W_BITS must be positive, X_SIGNED 0 or 1");
  end
  if (SUM_BITS != FullBits) begin : gen_bad_sum
    $error("bnn_booth: SUM_BITS must be what product and addend need");
  end

  // Between stages: x, the bits of w still to recode (one below them), and the sum so far, of which
  // the lowest 2 bits per row are final.
  for (genvar s = 0; s < Stages; s++) begin : gen_stage
    localparam int unsigned Here = (Rows - 2 * s < 2) ? 1 : 2;
    localparam int unsigned Done = 4 * s;
    localparam int unsigned Left = 2 * (Rows - 2 * s) + 1;
    // Bits of the sum in each row, its own two final ones included, and of the accumulator before.
    localparam int unsigned LowBits = (ADDEND_BITS == 0) ? X_BITS + 2 : SUM_BITS - Done;
    localparam int unsigned HighBits = (ADDEND_BITS == 0) ? X_BITS + 2 : SUM_BITS - Done - 2;
    localparam int unsigned AccBits = (ADDEND_BITS == 0) ? X_BITS : SUM_BITS - Done;
    localparam int unsigned TopBits = (Here == 2) ? HighBits + 2 : LowBits;
    logic [X_BITS-1:0] x;
    logic [Left-1:0] w;
    logic [AccBits-1:0] acc;
    logic [LowBits-1:0] low_sum;
    logic [TopBits-1:0] sum;

    if (s == 0) begin : gen_first
      assign x = x_i;
      assign w = Left'({{Left{w_i[W_BITS-1]}}, w_i, 1'b0});
      if (ADDEND_BITS == 0) begin : gen_zero
        assign acc = '0;
      end else begin : gen_addend
        assign acc = AccBits'({{AccBits{c_i[ADDEND_BITS-1]}}, c_i});
      end
    end else begin : gen_next
      assign x   = gen_stage[s-1].gen_more.x_q;
      assign w   = gen_stage[s-1].gen_more.w_q;
      assign acc = gen_stage[s-1].sum_q[Done+:AccBits];
    end

    bnn_booth_row #(
        .X_BITS  (X_BITS),
        .X_SIGNED(X_SIGNED),
        .ACC_BITS(AccBits),
        .SUM_BITS(LowBits)
    ) u_low (
        .x_i(x),
        .digit_i(w[2:0]),
        .acc_i(acc),
        .sum_o(low_sum)
    );

    if (Here == 2) begin : gen_two
      bnn_booth_row #(
          .X_BITS  (X_BITS),
          .X_SIGNED(X_SIGNED),
          .ACC_BITS(LowBits - 2),
          .SUM_BITS(HighBits)
      ) u_high (
          .x_i(x),
          .digit_i(w[4:2]),
          .acc_i(low_sum[LowBits-1:2]),
          .sum_o(sum[TopBits-1:2])
      );
      assign sum[1:0] = low_sum[1:0];
    end else begin : gen_one
      assign sum = low_sum;
    end

    logic [Done+TopBits-1:0] sum_q;
    always_ff @(posedge clk) if (en_i) sum_q[Done+:TopBits] <= sum;
    if (s > 0) begin : gen_final
      always_ff @(posedge clk) if (en_i) sum_q[0+:Done] <= gen_stage[s-1].sum_q[0+:Done];
    end

    if (s < Stages - 1) begin : gen_more
      logic [X_BITS-1:0] x_q;
      logic [  Left-5:0] w_q;
      always_ff @(posedge clk) begin
        if (en_i) begin
          x_q <= x;
          w_q <= w[Left-1:4];
        end
      end
    end
  end

  // An odd factor's last row has a bit to spare.
  assign sum_o = gen_stage[Stages-1].sum_q[SUM_BITS-1:0];
  logic unused;
  assign unused = ^{c_i, gen_stage[Stages-1].sum_q};

endmodule
