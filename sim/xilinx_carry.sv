// Carry chains of Xilinx parts, for netlists under simulation. Yosys's own models read the vector that
// they drive: to Verilator that is logic in a circle, which takes ten times as long.
module CARRY4 (
    output wire [3:0] CO,
    output wire [3:0] O,
    input wire CI,
    input wire CYINIT,
    input wire [3:0] DI,
    input wire [3:0] S
);

  wire c0 = CI | CYINIT;
  wire c1 = S[0] ? c0 : DI[0];
  wire c2 = S[1] ? c1 : DI[1];
  wire c3 = S[2] ? c2 : DI[2];
  wire c4 = S[3] ? c3 : DI[3];
  assign CO = {c4, c3, c2, c1};
  assign O  = S ^ {c3, c2, c1, c0};

endmodule

module CARRY8 #(
    parameter CARRY_TYPE = "SINGLE_CY8"
) (
    output wire [7:0] CO,
    output wire [7:0] O,
    input wire CI,
    input wire CI_TOP,
    input wire [7:0] DI,
    input wire [7:0] S
);

  wire [3:0] low, high;
  assign CO = {high, low};
  CARRY4 u_low (
      .CO(low),
      .O(O[3:0]),
      .CI(CI),
      .CYINIT(1'b0),
      .DI(DI[3:0]),
      .S(S[3:0])
  );
  CARRY4 u_high (
      .CO(high),
      .O(O[7:4]),
      .CI(CARRY_TYPE == "DUAL_CY4" ? CI_TOP : low[3]),
      .CYINIT(1'b0),
      .DI(DI[7:4]),
      .S(S[7:4])
  );

endmodule
