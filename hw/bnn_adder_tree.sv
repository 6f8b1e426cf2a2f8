// Sum of TERMS signed numbers, each with a carry (0 or 1) of its own: a register a level.
//
// The adders take the carries as carry-ins, all but one, which leaves at carry_o for the adder that
// follows: the sum is sum_o + carry_o, exact modulo 2^OUT_BITS. With CARRIES 0 there are none.
// Latency: ceil(log2(TERMS)) enabled clocks. One sum a clock.
module bnn_adder_tree #(
    parameter int unsigned TERMS = 3,
    parameter int unsigned BITS = 16,
    parameter int unsigned OUT_BITS = 18,
    parameter int unsigned CARRIES = 0
) (
    input  logic                  clk,
    input  logic                  en_i,
    input  logic [TERMS*BITS-1:0] terms_i,
    input  logic [     TERMS-1:0] carries_i,
    output logic [  OUT_BITS-1:0] sum_o,
    output logic                  carry_o
);

  localparam int unsigned Levels = $clog2(TERMS);

  if (TERMS == 0 || BITS == 0 || OUT_BITS == 0 || CARRIES > 1) begin : gen_bad_size
    $error("bnn_adder_tree: TERMS, BITS and OUT_BITS must be positive, CARRIES 0 or 1");
  end

  for (genvar l = 0; l <= Levels; l++) begin : gen_level
    localparam int unsigned Nodes = (TERMS + (1 << l) - 1) >> l;
    localparam int unsigned Width = (BITS + l < OUT_BITS) ? BITS + l : OUT_BITS;
    logic [Nodes*Width-1:0] sums;
    logic [Nodes-1:0] carries;

    if (l == 0) begin : gen_terms
      for (genvar i = 0; i < TERMS; i++) begin : gen_term
        assign sums[i*Width+:Width] = terms_i[i*BITS+:Width];
      end
      assign carries = (CARRIES == 1) ? carries_i : '0;
    end else begin : gen_sums
      localparam int unsigned Below = (TERMS + (1 << (l - 1)) - 1) >> (l - 1);
      localparam int unsigned Narrow = (BITS + l - 1 < OUT_BITS) ? BITS + l - 1 : OUT_BITS;
      logic [Nodes*Width-1:0] sums_q;
      logic [Nodes-1:0] carries_q;
      assign sums = sums_q;
      assign carries = (CARRIES == 1) ? carries_q : '0;

      for (genvar i = 0; i < Nodes; i++) begin : gen_node
        logic [Width-1:0] left;
        logic [Narrow-1:0] left_term;
        assign left_term = gen_level[l-1].sums[2*i*Narrow+:Narrow];
        assign left = Width'({{Width{left_term[Narrow-1]}}, left_term});
        if (2 * i + 1 < Below) begin : gen_add
          logic [Width-1:0] right;
          logic [Narrow-1:0] right_term;
          assign right_term = gen_level[l-1].sums[(2*i+1)*Narrow+:Narrow];
          assign right = Width'({{Width{right_term[Narrow-1]}}, right_term});
          always_ff @(posedge clk) begin
            if (en_i) begin
              sums_q[i*Width+:Width] <= left + right + Width'(gen_level[l-1].carries[2*i]);
              carries_q[i] <= gen_level[l-1].carries[2*i+1];
            end
          end
        end else begin : gen_pass
          always_ff @(posedge clk) begin
            if (en_i) begin
              sums_q[i*Width+:Width] <= left;
              carries_q[i] <= gen_level[l-1].carries[2*i];
            end
          end
        end
      end
    end
  end

  localparam int unsigned RootBits = (BITS + Levels < OUT_BITS) ? BITS + Levels : OUT_BITS;
  logic [RootBits-1:0] root;
  assign root    = gen_level[Levels].sums;
  assign sum_o   = OUT_BITS'({{OUT_BITS{root[RootBits-1]}}, root});
  assign carry_o = gen_level[Levels].carries[0];

  logic unused;
  assign unused = ^{clk, en_i, terms_i, carries_i};

endmodule
