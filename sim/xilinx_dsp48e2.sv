// DSP48E2 as Yosys uses it, for netlists under simulation: a signed product of 27 by 18 bits without
// registers. Yosys's own library has no behaviour for it. Other settings are refused.
`unconnected_drive pull0

module DSP48E2 #(
    parameter integer ACASCREG = 1,
    parameter integer ADREG = 1,
    parameter integer ALUMODEREG = 1,
    parameter AMULTSEL = "A",
    parameter integer AREG = 1,
    parameter A_INPUT = "DIRECT",
    parameter integer BCASCREG = 1,
    parameter BMULTSEL = "B",
    parameter integer BREG = 1,
    parameter B_INPUT = "DIRECT",
    parameter integer CARRYINREG = 1,
    parameter integer CARRYINSELREG = 1,
    parameter integer CREG = 1,
    parameter integer DREG = 1,
    parameter integer INMODEREG = 1,
    parameter integer MREG = 1,
    parameter integer OPMODEREG = 1,
    parameter integer PREG = 1,
    parameter USE_MULT = "MULTIPLY",
    parameter USE_SIMD = "ONE48"
) (
    input wire signed [29:0] A,
    input wire [29:0] ACIN,
    input wire [3:0] ALUMODE,
    input wire signed [17:0] B,
    input wire [17:0] BCIN,
    input wire [47:0] C,
    input wire CARRYIN,
    input wire [2:0] CARRYINSEL,
    input wire CLK,
    input wire [26:0] D,
    input wire [4:0] INMODE,
    input wire [8:0] OPMODE,
    input wire [47:0] PCIN,
    output wire signed [47:0] P
);

  if (AREG + BREG + MREG + PREG + ADREG + CREG + DREG + OPMODEREG + ALUMODEREG + INMODEREG != 0 ||
      AMULTSEL != "A" || BMULTSEL != "B" || A_INPUT != "DIRECT" || B_INPUT != "DIRECT" ||
      USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
    $error("a DSP48E2 with registers, pre-adder or cascade has no model");

  wire signed [26:0] factor = A[26:0];
  assign P = factor * B;

  always_comb begin
    if (OPMODE != 9'b000000101 || ALUMODE != '0 || INMODE != '0 || CARRYIN) begin
      $fatal(1, "a DSP48E2 that does more than multiply has no model");
    end
  end

endmodule

`nounconnected_drive
