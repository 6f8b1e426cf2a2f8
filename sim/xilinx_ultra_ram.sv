// UltraRAM of Xilinx's UltraScale+ parts as Yosys uses it, for netlists under simulation: URAM288,
// 4096 words of 72 bits. Yosys's own library has no behaviour for it.
// Both ports work every cycle, A before B (AMD UG573): a read of A that collides with a write of B
// gives the old word, a read of B that collides with a write of A the new one. No output registers,
// no cascade, no ECC. A real one starts with zeros; here it starts as Verilator starts registers.
`unconnected_drive pull0
module URAM288 #(
    parameter BWE_MODE_A = "PARITY_INTERLEAVED",
    parameter BWE_MODE_B = "PARITY_INTERLEAVED",
    parameter EN_AUTO_SLEEP_MODE = "FALSE",
    parameter IREG_PRE_A = "FALSE",
    parameter IREG_PRE_B = "FALSE",
    parameter bit IS_CLK_INVERTED = 0,
    parameter OREG_A = "FALSE",
    parameter OREG_B = "FALSE",
    parameter RST_MODE_A = "SYNC",
    parameter RST_MODE_B = "SYNC"
) (
    input wire CLK,
    input wire SLEEP,
    input wire EN_A,
    input wire EN_B,
    input wire RDB_WR_A,
    input wire RDB_WR_B,
    input wire RST_A,
    input wire RST_B,
    input wire INJECT_SBITERR_A,
    input wire INJECT_SBITERR_B,
    input wire INJECT_DBITERR_A,
    input wire INJECT_DBITERR_B,
    input wire [8:0] BWE_A,
    input wire [8:0] BWE_B,
    input wire [22:0] ADDR_A,
    input wire [22:0] ADDR_B,
    input wire [71:0] DIN_A,
    input wire [71:0] DIN_B,
    output logic [71:0] DOUT_A,
    output logic [71:0] DOUT_B
);

  if (IREG_PRE_A != "FALSE" || IREG_PRE_B != "FALSE" || OREG_A != "FALSE" || OREG_B != "FALSE" ||
      IS_CLK_INVERTED) begin : gen_no_model
    $error("an UltraRAM with registers or an inverted clock has no model");
  end

  logic [71:0] mem[4096];
  logic unused;
  assign unused = ^{SLEEP, INJECT_SBITERR_A, INJECT_SBITERR_B, INJECT_DBITERR_A, INJECT_DBITERR_B};

  // The bits that each enable writes: eight of data, and one of parity of its own byte or, where
  // parity is independent, all parity by the last enable.
  function automatic logic [71:0] mask_of(input logic [8:0] enable, input bit interleaved);
    for (int i = 0; i < 8; i++) begin
      mask_of[8*i+:8] = {8{enable[i]}};
      mask_of[64+i]   = interleaved ? enable[i] : enable[8];
    end
  endfunction

  logic [71:0] mask_a, mask_b;
  assign mask_a = mask_of(BWE_A, BWE_MODE_A == "PARITY_INTERLEAVED");
  assign mask_b = mask_of(BWE_B, BWE_MODE_B == "PARITY_INTERLEAVED");

  // Blocking assignments: the order of the ports is that of the cell.
  always @(posedge CLK) begin
    if (RST_A) DOUT_A <= '0;
    else if (EN_A && !RDB_WR_A) DOUT_A <= mem[ADDR_A[11:0]];
    if (EN_A && RDB_WR_A) begin
      mem[ADDR_A[11:0]] = mem[ADDR_A[11:0]] & ~mask_a | DIN_A & mask_a;
    end
    if (RST_B) DOUT_B <= '0;
    else if (EN_B && !RDB_WR_B) DOUT_B <= mem[ADDR_B[11:0]];
    if (EN_B && RDB_WR_B) begin
      mem[ADDR_B[11:0]] = mem[ADDR_B[11:0]] & ~mask_b | DIN_B & mask_b;
    end
  end

  always @(posedge CLK) begin
    if ((EN_A && |ADDR_A[22:12]) || (EN_B && |ADDR_B[22:12])) $error("a cascade has no model");
    if ((RST_A && RST_MODE_A != "SYNC") || (RST_B && RST_MODE_B != "SYNC")) begin
      $error("an asynchronous reset of an UltraRAM has no model");
    end
  end

endmodule
`nounconnected_drive
