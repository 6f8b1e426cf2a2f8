// Inside bnn_transpose: visits all SLOTS slots once per round, each step_i one.
//
// The slot of step j in a round is j * stride modulo SLOTS - 1, but SLOTS - 1 in the last step. A
// round takes its stride, which has no divisor in common with SLOTS - 1, from stride_i with its
// first step. So slot 0 is the first alone, and a sum of exactly SLOTS - 1 the last.
module bnn_stride_walk #(
    parameter  int unsigned SLOTS    = 8,
    localparam int unsigned AddrBits = SLOTS > 2 ? $clog2(SLOTS) : 1
) (
    input  logic                clk,
    input  logic                rst_n,
    input  logic                step_i,
    input  logic [AddrBits-1:0] stride_i,
    output logic [AddrBits-1:0] addr_o,
    output logic [AddrBits-1:0] next_o
);

  if (SLOTS < 2) begin : gen_bad_slots
    $error("bnn_stride_walk: SLOTS must be at least 2");
  end

  localparam logic [AddrBits:0] Last = (AddrBits + 1)'(SLOTS - 1);

  logic [AddrBits-1:0] addr_q;
  logic [AddrBits-1:0] stride_q;
  logic [  AddrBits:0] sum;
  logic [AddrBits-1:0] excess;

  assign addr_o = addr_q;
  assign sum = {1'b0, addr_q} + {1'b0, stride_q};
  assign excess = sum[AddrBits-1:0] - Last[AddrBits-1:0];

  always_comb begin
    if (addr_q == '0) next_o = stride_i;
    else if (addr_q == Last[AddrBits-1:0]) next_o = '0;
    else next_o = sum > Last ? excess : sum[AddrBits-1:0];
  end

  always_ff @(posedge clk) begin
    if (!rst_n) addr_q <= '0;
    else if (step_i) addr_q <= next_o;
    if (step_i && addr_q == '0) stride_q <= stride_i;
  end

endmodule
