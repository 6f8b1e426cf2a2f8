// Number of positions, of at most three, in which a_i and w_i agree; one register.
//
// Two 6-input LUTs, written as their tables: from XNORs synthesis tends to share one of them
// between both outputs and to spend three LUTs.
module bnn_popcount_leaf #(
    parameter int unsigned N = 3
) (
    input  logic                   clk,
    input  logic                   en_i,
    input  logic [          N-1:0] a_i,
    input  logic [          N-1:0] w_i,
    output logic [$clog2(N+1)-1:0] count_o
);

  if (N < 1 || N > 3) begin : gen_bad_size
    $error("bnn_popcount_leaf: N must be 1 to 3");
  end

  // Bit i: parity, bit 64 + i: carry, of the agreements of i[5:3] and i[2:0].
  function automatic logic [127:0] make_tables();
    for (int unsigned i = 0; i < 64; i++) begin
      logic [2:0] match;
      match = i[5:3] ~^ i[2:0];
      make_tables[7'(i)] = ^match;
      make_tables[7'(64+i)] = (match[0] & match[1]) | (match[2] & (match[0] | match[1]));
    end
  endfunction

  localparam logic [127:0] Tables = make_tables();

  logic [2:0] a;
  logic [2:0] w;
  logic [1:0] count_q;

  // Positions beyond N disagree.
  assign a = 3'(a_i);
  assign w = 3'(w_i) | 3'(7 << N);

  always_ff @(posedge clk) begin
    if (en_i) begin
      count_q[0] <= Tables[{1'b0, a, w}];
      count_q[1] <= Tables[{1'b1, a, w}];
    end
  end

  assign count_o = count_q[$clog2(N+1)-1:0];
  if (N == 1) begin : gen_unused
    logic unused;
    assign unused = count_q[1];
  end

endmodule
