// The larger (OPERATION 0) or the sum (1) of two beats, element by element; where there is nothing
// so far, the element itself. Combinational.
module bnn_int_pool_step #(
    parameter int unsigned OPERATION = 0,
    parameter int unsigned BITS = 8,
    parameter int unsigned SIGNED = 1,
    parameter int unsigned LANES = 1
) (
    input  logic                  none_i,
    input  logic [LANES*BITS-1:0] so_far_i,
    input  logic [LANES*BITS-1:0] x_i,
    output logic [LANES*BITS-1:0] merged_o
);

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic [BITS-1:0] so_far;
    logic [BITS-1:0] x;

    assign so_far = so_far_i[i*BITS+:BITS];
    assign x = x_i[i*BITS+:BITS];
    if (OPERATION == 1) begin : gen_sum
      assign merged_o[i*BITS+:BITS] = x + (none_i ? '0 : so_far);
    end else if (SIGNED == 1) begin : gen_signed_max
      logic signed [BITS-1:0] signed_x;
      logic signed [BITS-1:0] signed_so_far;
      assign signed_x = x;
      assign signed_so_far = so_far;
      assign merged_o[i*BITS+:BITS] = (none_i || signed_x > signed_so_far) ? x : so_far;
    end else begin : gen_unsigned_max
      assign merged_o[i*BITS+:BITS] = (none_i || x > so_far) ? x : so_far;
    end
  end

endmodule
