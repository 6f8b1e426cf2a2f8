// Product of x and a signed factor w in one DSP48E1, all its registers used.
//
// product_o is x_i * w_i in X_BITS + W_BITS bits. Latency: 3 enabled clocks. One product a clock.
module bnn_dsp_product #(
    parameter int unsigned X_BITS   = 8,
    parameter int unsigned X_SIGNED = 1,
    parameter int unsigned W_BITS   = 8
) (
    input  logic                     clk,
    input  logic                     en_i,
    input  logic [       X_BITS-1:0] x_i,
    input  logic [       W_BITS-1:0] w_i,
    output logic [X_BITS+W_BITS-1:0] product_o
);

  localparam int unsigned XBits = X_BITS + 1 - X_SIGNED;
  localparam int unsigned Wider = (XBits > W_BITS) ? XBits : W_BITS;
  localparam int unsigned Narrower = (XBits > W_BITS) ? W_BITS : XBits;

  if (X_BITS == 0 || W_BITS == 0 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_dsp_product: X_BITS and W_BITS must be positive, X_SIGNED 0 or 1");
  end
  if (Wider > 25 || Narrower > 18) begin : gen_too_wide
    $error("bnn_dsp_product: a DSP48E1 multiplies 25 by 18 bits");
  end

  logic signed [XBits-1:0] x_q;
  logic signed [W_BITS-1:0] w_q;
  (* use_dsp = "yes" *) logic signed [X_BITS+W_BITS-1:0] product_q;
  logic signed [X_BITS+W_BITS-1:0] result_q;

  always_ff @(posedge clk) begin
    if (en_i) begin
      x_q <= XBits'({(X_SIGNED == 1) && x_i[X_BITS-1], x_i});
      w_q <= w_i;
      product_q <= x_q * w_q;
      result_q <= product_q;
    end
  end

  assign product_o = result_q;

endmodule
