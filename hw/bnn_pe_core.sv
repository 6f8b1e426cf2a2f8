// Datapath of the binary PE arrays: PE popcounts of agreements, each added up over a window.
//
// x_i is the beat at the input, weights_i its weights one enabled clock later; init_i belongs to
// the beat that the accumulators read (acc_first_i, acc_en_i), 1 + STAGES enabled clocks later,
// STAGES = 1 + floor(L/2), L = max(0, ceil(log2(SIMD)) - 2): as bnn_pe_control counts them.
module bnn_pe_core #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 64,
    parameter int unsigned ACC_BITS = 12,
    parameter int unsigned ACC_SHIFT = 0,
    parameter int unsigned BINARY_OUT = 0,
    parameter int unsigned STAGES = 3
) (
    input  logic                                             clk,
    input  logic                                             en_i,
    input  logic                                             acc_en_i,
    input  logic                                             acc_first_i,
    input  logic [                                 SIMD-1:0] x_i,
    input  logic [                              PE*SIMD-1:0] weights_i,
    input  logic [                          PE*ACC_BITS-1:0] init_i,
    output logic [PE*((BINARY_OUT != 0) ? 1 : ACC_BITS)-1:0] data_o
);

  localparam int unsigned Level = (SIMD > 4) ? $clog2(SIMD) - 2 : 0;
  // One position is the accumulator's carry-in where that spares the popcount a level.
  localparam int unsigned CarryIn = (SIMD > 3 && SIMD == (4 << Level)) ? 1 : 0;
  localparam int unsigned Counted = SIMD - CarryIn;
  localparam int unsigned CountBits = $clog2(Counted + 1);

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_pe_core: PE and SIMD must be positive");
  end
  if (STAGES != 1 + Level / 2) begin : gen_bad_stages
    $error("bnn_pe_core: STAGES must be those of the popcount");
  end

  logic [SIMD-1:0] x_q;
  logic [SIMD-1:0] x_q2;

  always_ff @(posedge clk) begin
    if (en_i) begin
      x_q  <= x_i;
      x_q2 <= x_q;
    end
  end

  logic [PE*CountBits-1:0] counts;
  logic [PE-1:0] carries;

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    bnn_popcount #(
        .N(Counted)
    ) u_popcount (
        .clk(clk),
        .en_i(en_i),
        .a_i(x_q[Counted-1:0]),
        .a_q_i(x_q2[Counted-1:0]),
        .w_i(weights_i[p*SIMD+:Counted]),
        .count_o(counts[p*CountBits+:CountBits])
    );

    if (CarryIn == 1) begin : gen_carry
      logic [STAGES-1:0] carry_q;
      always_ff @(posedge clk) begin
        if (en_i) carry_q <= STAGES'({carry_q, x_q[SIMD-1] ~^ weights_i[p*SIMD+SIMD-1]});
      end
      assign carries[p] = carry_q[STAGES-1];
    end else begin : gen_no_carry
      assign carries[p] = 1'b0;
    end
  end

  bnn_accumulators #(
      .PE(PE),
      .ADDEND_BITS(CountBits),
      .ACC_BITS(ACC_BITS),
      .ACC_SHIFT(ACC_SHIFT),
      .BINARY_OUT(BINARY_OUT)
  ) u_accumulators (
      .clk(clk),
      .en_i(acc_en_i),
      .first_i(acc_first_i),
      .addend_i(counts),
      .carry_i(carries),
      .init_i(init_i),
      .data_o(data_o)
  );

  logic unused;
  assign unused = ^x_q2;

endmodule
