// Products of one x with two signed factors in one DSP48E1: (w1 * 2^K + w0) * x, K the product's
// bits. The pre-adder joins the factors.
//
// low_o is x_i * w0_i; high_o + borrow_o is x_i * w1_i: what the low product borrows from the high
// one is left to a carry-in of the adder that follows. Latency: 3 enabled clocks. One pair a clock.
module bnn_dsp_pair #(
    parameter int unsigned X_BITS   = 8,
    parameter int unsigned X_SIGNED = 1,
    parameter int unsigned W_BITS   = 8
) (
    input  logic                     clk,
    input  logic                     en_i,
    input  logic [       X_BITS-1:0] x_i,
    input  logic [       W_BITS-1:0] w0_i,
    input  logic [       W_BITS-1:0] w1_i,
    output logic [X_BITS+W_BITS-1:0] low_o,
    output logic [X_BITS+W_BITS-1:0] high_o,
    output logic                     borrow_o
);

  localparam int unsigned XBits = X_BITS + 1 - X_SIGNED;
  localparam int unsigned LowBits = X_BITS + W_BITS;
  localparam int unsigned PackedBits = LowBits + W_BITS + 1;

  if (X_BITS == 0 || W_BITS == 0 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_dsp_pair: X_BITS and W_BITS must be positive, X_SIGNED 0 or 1");
  end
  if (PackedBits > 25 || XBits > 18) begin : gen_too_wide
    $error("bnn_dsp_pair: X_BITS + 2 * W_BITS + 1 must be at most 25, X_BITS at most 18");
  end

  logic signed [XBits-1:0] x_q;
  logic signed [PackedBits-1:0] high_part;
  logic signed [PackedBits-1:0] low_part;
  logic signed [PackedBits-1:0] packed_q;
  (* use_dsp = "yes" *) logic signed [2*LowBits-1:0] product_q;
  logic signed [2*LowBits-1:0] result_q;

  assign high_part = {w1_i[W_BITS-1], w1_i, LowBits'(0)};
  assign low_part  = {{(LowBits + 1) {w0_i[W_BITS-1]}}, w0_i};

  always_ff @(posedge clk) begin
    if (en_i) begin
      x_q <= XBits'({(X_SIGNED == 1) && x_i[X_BITS-1], x_i});
      packed_q <= high_part + low_part;
      product_q <= (2 * LowBits)'(x_q * packed_q);
      result_q <= product_q;
    end
  end

  assign low_o = result_q[LowBits-1:0];
  assign high_o = result_q[LowBits+:LowBits];
  assign borrow_o = result_q[LowBits-1];

endmodule
