// Number of positions in which the bit vectors a_i and w_i agree (XNOR-popcount), pipelined.
//
// A tree of carry chains. Three positions make a 2-bit count in two 6-input LUTs; a 2-bit chain
// adds to it two more positions fused into its LUTs, a third as an addend and a fourth as its
// carry-in, so that 7 positions make a full 3-bit count; above, every chain adds two subtrees and
// takes one further position as its carry-in: level L counts up to 2^(L+2)-1 positions.
// a_q_i is a_i one enabled clock later. Latency: 1 + floor(L/2) enabled clocks; one input a clock.
module bnn_popcount #(
    parameter int unsigned N = 31
) (
    input  logic                   clk,
    input  logic                   en_i,
    input  logic [          N-1:0] a_i,
    input  logic [          N-1:0] a_q_i,
    input  logic [          N-1:0] w_i,
    output logic [$clog2(N+1)-1:0] count_o
);

  localparam int unsigned CountBits = $clog2(N + 1);
  localparam int unsigned Level = (CountBits < 2) ? 0 : CountBits - 2;

  if (N == 0) begin : gen_bad_size
    $error("bnn_popcount: N must be positive");
  end

  if (Level == 0) begin : gen_leaf
    bnn_popcount_leaf #(
        .N(N)
    ) u_leaf (
        .clk(clk),
        .en_i(en_i),
        .a_i(a_i),
        .w_i(w_i),
        .count_o(count_o)
    );
    logic unused;
    assign unused = ^a_q_i;
  end else if (Level == 1) begin : gen_seven
    // Positions: [2:0] the leaf, [3] the carry-in, [4] the addend, [6:5] fused. Missing ones are 0.
    localparam int unsigned Fused = (N > 5) ? N - 5 : 0;
    logic [1:0] leaf;
    logic carry_q;
    logic addend;
    logic [1:0] fused;
    logic [2:0] other;
    (* keep *) logic [2:0] sum;

    bnn_popcount_leaf #(
        .N(3)
    ) u_leaf (
        .clk(clk),
        .en_i(en_i),
        .a_i(a_i[2:0]),
        .w_i(w_i[2:0]),
        .count_o(leaf)
    );

    always_ff @(posedge clk) if (en_i) carry_q <= a_i[3] ~^ w_i[3];

    if (N > 4) begin : gen_addend
      logic addend_q;
      always_ff @(posedge clk) if (en_i) addend_q <= a_i[4] ~^ w_i[4];
      assign addend = addend_q;
    end else begin : gen_no_addend
      assign addend = 1'b0;
    end

    if (Fused > 0) begin : gen_fused
      logic [Fused-1:0] w_q;
      always_ff @(posedge clk) if (en_i) w_q <= w_i[N-1:5];
      assign fused = 2'({a_q_i[N-1:5] ~^ w_q});
    end else begin : gen_no_fused
      assign fused = 2'b00;
    end

    assign other[0] = addend ^ fused[0] ^ fused[1];
    assign other[1] = (addend & fused[0]) | (fused[1] & (addend | fused[0]));
    // Always 0, but wider than the leaf: Yosys takes the narrower addend as the data input of the
    // carry chain, which must be a plain register for the other one to share the LUT of the sum.
    assign other[2] = other[1] & other[0] & ~addend;
    assign sum = 3'(leaf) + other + 3'(carry_q);
    assign count_o = sum;

    logic unused;
    assign unused = ^{a_i, a_q_i};
  end else begin : gen_node
    // Left a full subtree, right the rest, the last position the carry-in.
    localparam int unsigned Left = (1 << (Level + 1)) - 1;
    localparam int unsigned Right = N - 1 - Left;
    localparam int unsigned LeftStages = 1 + (Level - 1) / 2;
    logic [Level:0] left;
    logic [Level:0] right;
    logic [LeftStages-1:0] carry_q;
    // Kept, here and below, so that synthesis does not merge the chains into one tree of LUTs.
    (* keep *) logic [CountBits-1:0] sum;

    bnn_popcount #(
        .N(Left)
    ) u_left (
        .clk(clk),
        .en_i(en_i),
        .a_i(a_i[Left-1:0]),
        .a_q_i(a_q_i[Left-1:0]),
        .w_i(w_i[Left-1:0]),
        .count_o(left)
    );

    if (Right == 0) begin : gen_no_right
      assign right = '0;
    end else begin : gen_right
      localparam int unsigned RightBits = $clog2(Right + 1);
      localparam int unsigned RightLevel = (RightBits < 2) ? 0 : RightBits - 2;
      localparam int unsigned Delay = LeftStages - 1 - RightLevel / 2;
      logic [RightBits-1:0] count;
      logic [RightBits-1:0] aligned;

      bnn_popcount #(
          .N(Right)
      ) u_right (
          .clk(clk),
          .en_i(en_i),
          .a_i(a_i[Left+:Right]),
          .a_q_i(a_q_i[Left+:Right]),
          .w_i(w_i[Left+:Right]),
          .count_o(count)
      );

      if (Delay == 0) begin : gen_no_delay
        assign aligned = count;
      end else begin : gen_delay
        logic [Delay*RightBits-1:0] delay_q;
        always_ff @(posedge clk) if (en_i) delay_q <= (Delay * RightBits)'({delay_q, count});
        assign aligned = delay_q[(Delay-1)*RightBits+:RightBits];
      end
      assign right = (Level + 1)'(aligned);
    end

    always_ff @(posedge clk) begin
      if (en_i) carry_q <= LeftStages'({carry_q, a_i[N-1] ~^ w_i[N-1]});
    end

    assign sum = CountBits'(left) + CountBits'(right) + CountBits'(carry_q[LeftStages-1]);

    if (Level % 2 == 0) begin : gen_register
      logic [CountBits-1:0] count_q;
      always_ff @(posedge clk) if (en_i) count_q <= sum;
      assign count_o = count_q;
    end else begin : gen_comb
      assign count_o = sum;
    end

    logic unused;
    assign unused = a_q_i[N-1];
  end

endmodule
