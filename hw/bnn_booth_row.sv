// One row of a Booth multiplier: sum_o = acc_i + digit * x_i, digit in -2 .. 2. Combinational.
//
// digit_i are three overlapping bits of the recoded factor (bits 2j+1, 2j, 2j-1). A negative digit
// inverts, and its +1 is the carry-in, so that one 6-input LUT per bit and a carry chain do it all.
// acc_i is signed; SUM_BITS, at least X_BITS + 2, must hold the sum.
module bnn_booth_row #(
    parameter int unsigned X_BITS   = 8,
    parameter int unsigned X_SIGNED = 1,
    parameter int unsigned ACC_BITS = 8,
    parameter int unsigned SUM_BITS = 10
) (
    input  logic [  X_BITS-1:0] x_i,
    input  logic [         2:0] digit_i,
    input  logic [ACC_BITS-1:0] acc_i,
    output logic [SUM_BITS-1:0] sum_o
);

  if (X_BITS == 0 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_booth_row: X_BITS must be positive, X_SIGNED 0 or 1");
  end
  if (SUM_BITS < X_BITS + 2 || SUM_BITS < ACC_BITS || ACC_BITS == 0) begin : gen_bad_sum
    $error("bnn_booth_row: SUM_BITS must be at least X_BITS + 2 and ACC_BITS");
  end

  logic [X_BITS+1:0] once, twice, addend;
  logic is_once, is_twice;
  logic fill;

  assign fill = (X_SIGNED == 1) ? x_i[X_BITS-1] : 1'b0;
  assign once = {fill, fill, x_i};
  assign twice = {fill, x_i, 1'b0};
  assign is_once = digit_i[1] ^ digit_i[0];
  assign is_twice = (digit_i[2] ^ digit_i[1]) && !is_once;
  assign addend = {(X_BITS + 2) {digit_i[2]}} ^
      ((once & {(X_BITS + 2) {is_once}}) | (twice & {(X_BITS + 2) {is_twice}}));

  // Kept, so that synthesis does not merge the rows into one tree of LUTs.
  (* keep *) logic [SUM_BITS-1:0] sum;
  assign sum = SUM_BITS'({{SUM_BITS{acc_i[ACC_BITS-1]}}, acc_i}) +
      SUM_BITS'({{SUM_BITS{addend[X_BITS+1]}}, addend}) + SUM_BITS'(digit_i[2]);
  assign sum_o = sum;

endmodule
