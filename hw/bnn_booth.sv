// Product of x and a signed factor w in LUTs: radix-4 Booth rows, two rows a clock.
//
// product_o is x_i * w_i in X_BITS + W_BITS bits, exact for all values.
// Latency: ceil(W_BITS / 4) enabled clocks. One product a clock.
module bnn_booth #(
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

  localparam int unsigned Stages = (W_BITS + 3) / 4;
  localparam int unsigned Rows = (W_BITS + 1) / 2;

  if (X_BITS == 0 || W_BITS == 0 || X_SIGNED > 1) begin : gen_bad_size
    $error("bnn_booth: X_BITS and W_BITS must be positive, X_SIGNED 0 or 1");
  end

  // Between stages: x, the bits of w still to recode (one below them), the finished low bits of the
  // product, and the accumulator above those.
  for (genvar s = 0; s < Stages; s++) begin : gen_stage
    localparam int unsigned Here = (Rows - 2 * s < 2) ? 1 : 2;
    localparam int unsigned Done = 4 * s;
    localparam int unsigned Left = 2 * (Rows - 2 * s) + 1;
    logic [X_BITS-1:0] x;
    logic [Left-1:0] w;
    logic [X_BITS-1:0] acc;
    logic [X_BITS+1:0] low_sum;
    logic [X_BITS+2*Here-1:0] sum;

    if (s == 0) begin : gen_first
      assign x   = x_i;
      assign w   = {(Left - 1)'($signed(w_i)), 1'b0};
      assign acc = '0;
    end else begin : gen_next
      assign x   = gen_stage[s-1].gen_more.x_q;
      assign w   = gen_stage[s-1].gen_more.w_q;
      assign acc = gen_stage[s-1].sum_q[X_BITS+Done-1:Done];
    end

    bnn_booth_row #(
        .X_BITS  (X_BITS),
        .X_SIGNED(X_SIGNED)
    ) u_low (
        .x_i(x),
        .digit_i(w[2:0]),
        .acc_i(acc),
        .sum_o(low_sum)
    );

    if (Here == 2) begin : gen_two
      bnn_booth_row #(
          .X_BITS  (X_BITS),
          .X_SIGNED(X_SIGNED)
      ) u_high (
          .x_i(x),
          .digit_i(w[4:2]),
          .acc_i(low_sum[X_BITS+1:2]),
          .sum_o(sum[X_BITS+3:2])
      );
      assign sum[1:0] = low_sum[1:0];
    end else begin : gen_one
      assign sum = low_sum;
    end

    logic [X_BITS+Done+2*Here-1:0] sum_q;
    always_ff @(posedge clk) if (en_i) sum_q[Done+:X_BITS+2*Here] <= sum;
    if (s > 0) begin : gen_low
      always_ff @(posedge clk) if (en_i) sum_q[0+:Done] <= gen_stage[s-1].sum_q[0+:Done];
    end

    if (s < Stages - 1) begin : gen_more
      logic [X_BITS-1:0] x_q;
      logic [ Left-5:0] w_q;
      always_ff @(posedge clk) begin
        if (en_i) begin
          x_q <= x;
          w_q <= w[Left-1:4];
        end
      end
    end
  end

  // An odd factor's last row has a bit to spare.
  assign product_o = gen_stage[Stages-1].sum_q[X_BITS+W_BITS-1:0];
  logic unused;
  assign unused = ^gen_stage[Stages-1].sum_q;

endmodule
