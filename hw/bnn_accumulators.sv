// Accumulators of PE PEs: init_i or what is summed so far, plus addend_i << ACC_SHIFT, plus carry_i
// at that place. Out: sums of ACC_BITS, or with BINARY_OUT the bits sum >= 0. SIGNED says whether
// the addends are; the ACC_SHIFT low bits are those of init_i. first_i comes with a window's first
// addend.
module bnn_accumulators #(
    parameter int unsigned PE = 4,
    parameter int unsigned ADDEND_BITS = 8,
    parameter int unsigned SIGNED = 0,
    parameter int unsigned ACC_BITS = 12,
    parameter int unsigned ACC_SHIFT = 0,
    parameter int unsigned BINARY_OUT = 0
) (
    input  logic                                             clk,
    input  logic                                             en_i,
    input  logic                                             first_i,
    input  logic [                       PE*ADDEND_BITS-1:0] addend_i,
    input  logic [                                   PE-1:0] carry_i,
    input  logic [                          PE*ACC_BITS-1:0] init_i,
    output logic [PE*((BINARY_OUT != 0) ? 1 : ACC_BITS)-1:0] data_o
);

  localparam int unsigned SumBits = ACC_BITS - ACC_SHIFT;

  if (ACC_BITS < 2 || ACC_BITS > 32 || ACC_SHIFT >= ACC_BITS) begin : gen_bad_bits
    $error("bnn_accumulators: ACC_BITS must be 2 to 32, ACC_SHIFT less");
  end
  if (BINARY_OUT > 1 || SIGNED > 1) begin : gen_bad_out
    $error("bnn_accumulators: BINARY_OUT and SIGNED must be 0 or 1");
  end

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    logic sign;
    logic [SumBits-1:0] addend;
    logic [SumBits-1:0] base;
    logic [SumBits-1:0] sum_q;

    // The addend comes first, so that it is the carry chain's data input and the choice between
    // accumulator and initial value shares the LUT of the sum.
    assign sign   = SIGNED == 1 && addend_i[(p+1)*ADDEND_BITS-1];
    assign addend = SumBits'({{SumBits{sign}}, addend_i[p*ADDEND_BITS+:ADDEND_BITS]});
    assign base   = first_i ? init_i[p*ACC_BITS+ACC_SHIFT+:SumBits] : sum_q;
    always_ff @(posedge clk) if (en_i) sum_q <= addend + base + SumBits'(carry_i[p]);

    if (BINARY_OUT == 1) begin : gen_bit
      assign data_o[p] = !sum_q[SumBits-1];
    end else begin : gen_acc
      assign data_o[p*ACC_BITS+ACC_SHIFT+:SumBits] = sum_q;
      if (ACC_SHIFT > 0) begin : gen_low
        logic [ACC_SHIFT-1:0] low_q;
        always_ff @(posedge clk) if (en_i && first_i) low_q <= init_i[p*ACC_BITS+:ACC_SHIFT];
        assign data_o[p*ACC_BITS+:ACC_SHIFT] = low_q;
      end
    end
  end

  logic unused;
  assign unused = ^init_i;

endmodule
