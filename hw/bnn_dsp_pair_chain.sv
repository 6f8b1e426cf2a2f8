// Sums of two products each with two signed factors, in two chained DSP48E1:
// (wa1 * 2^K + wa0) * xa + (wb1 * 2^K + wb0) * xb, K one more than a product's bits, so that the sum
// of the low products fits; wa1 and wb1 must not be the lowest number of W_BITS.
//
// low_o is xa_i * wa0_i + xb_i * wb0_i; high_o + borrow_o is the same of wa1_i and wb1_i, as in
// bnn_dsp_pair. Latency: 4 enabled clocks. One pair of sums a clock.
module bnn_dsp_pair_chain #(
    parameter int unsigned X_BITS   = 8,
    parameter int unsigned X_SIGNED = 1,
    parameter int unsigned W_BITS   = 8
) (
    input  logic                   clk,
    input  logic                   en_i,
    input  logic [     X_BITS-1:0] xa_i,
    input  logic [     W_BITS-1:0] wa0_i,
    input  logic [     W_BITS-1:0] wa1_i,
    input  logic [     X_BITS-1:0] xb_i,
    input  logic [     W_BITS-1:0] wb0_i,
    input  logic [     W_BITS-1:0] wb1_i,
    output logic [X_BITS+W_BITS:0] low_o,
    output logic [X_BITS+W_BITS:0] high_o,
    output logic                   borrow_o
);

  localparam int unsigned XBits = X_BITS + 1 - X_SIGNED;
  localparam int unsigned LowBits = X_BITS + W_BITS + 1;
  localparam int unsigned PackedBits = LowBits + W_BITS;
  // No register is wider than its product: Yosys drops copies of a sign bit in the registers of a
  // DSP48E1.
  localparam int unsigned ProductBits = X_BITS + PackedBits;

  if (X_BITS == 0 || W_BITS < 2 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_dsp_pair_chain: X_BITS must be positive, W_BITS at least 2, X_SIGNED 0 or 1");
  end
  if (PackedBits > 25 || XBits > 18) begin : gen_too_wide
    $error("bnn_dsp_pair_chain: X_BITS + 2 * W_BITS + 1 must be at most 25, X_BITS at most 18");
  end

  logic signed [XBits-1:0] xa_q;
  logic signed [PackedBits-1:0] high_a;
  logic signed [PackedBits-1:0] low_a;
  logic signed [PackedBits-1:0] packed_a_q;
  (* use_dsp = "yes" *) logic signed [ProductBits-1:0] product_a_q;
  logic signed [ProductBits-1:0] result_a_q;

  // The second block works a clock later, so that it adds what the first has given.
  logic [X_BITS-1:0] xb_in_q;
  logic [W_BITS-1:0] wb0_q;
  logic [W_BITS-1:0] wb1_q;
  logic signed [XBits-1:0] xb_q;
  logic signed [PackedBits-1:0] high_b;
  logic signed [PackedBits-1:0] low_b;
  logic signed [PackedBits-1:0] packed_b_q;
  (* use_dsp = "yes" *) logic signed [ProductBits-1:0] product_b_q;
  logic signed [2*LowBits-1:0] result_q;

  assign high_a = {wa1_i, LowBits'(0)};
  assign low_a  = {{LowBits{wa0_i[W_BITS-1]}}, wa0_i};
  assign high_b = {wb1_q, LowBits'(0)};
  assign low_b  = {{LowBits{wb0_q[W_BITS-1]}}, wb0_q};

  always_ff @(posedge clk) begin
    if (en_i) begin
      xa_q <= XBits'({(X_SIGNED == 1) && xa_i[X_BITS-1], xa_i});
      packed_a_q <= high_a + low_a;
      product_a_q <= ProductBits'(xa_q * packed_a_q);
      result_a_q <= product_a_q;
      xb_in_q <= xb_i;
      wb0_q <= wb0_i;
      wb1_q <= wb1_i;
      xb_q <= XBits'({(X_SIGNED == 1) && xb_in_q[X_BITS-1], xb_in_q});
      packed_b_q <= high_b + low_b;
      product_b_q <= ProductBits'(xb_q * packed_b_q);
      result_q <= (2 * LowBits)'(product_b_q) + (2 * LowBits)'(result_a_q);
    end
  end

  assign low_o = result_q[LowBits-1:0];
  assign high_o = result_q[LowBits+:LowBits];
  assign borrow_o = result_q[LowBits-1];

endmodule
