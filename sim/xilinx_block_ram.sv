// Block RAM of Xilinx parts as Yosys uses it, for netlists under simulation: RAMB18E1, RAMB36E1 and
// their UltraScale+ forms. Yosys's own library has no behaviour for them.
// One clock for both ports, no output registers, no ECC. A read that collides with a write of the
// other port returns inverted bits, unless the writer is READ_FIRST: a real block gives anything.
`define BNN_INIT(p) \
    parameter logic [255:0] p``0 = 0, parameter logic [255:0] p``1 = 0, \
    parameter logic [255:0] p``2 = 0, parameter logic [255:0] p``3 = 0, \
    parameter logic [255:0] p``4 = 0, parameter logic [255:0] p``5 = 0, \
    parameter logic [255:0] p``6 = 0, parameter logic [255:0] p``7 = 0
`define BNN_INIT_HIGH(p) \
    parameter logic [255:0] p``8 = 0, parameter logic [255:0] p``9 = 0, \
    parameter logic [255:0] p``A = 0, parameter logic [255:0] p``B = 0, \
    parameter logic [255:0] p``C = 0, parameter logic [255:0] p``D = 0, \
    parameter logic [255:0] p``E = 0, parameter logic [255:0] p``F = 0
`define BNN_INIT_16(p) `BNN_INIT(p), `BNN_INIT_HIGH(p)
`define BNN_LOW(p) {p``7, p``6, p``5, p``4, p``3, p``2, p``1, p``0}
`define BNN_ALL(p) {p``F, p``E, p``D, p``C, p``B, p``A, p``9, p``8, `BNN_LOW(p)}

`define BNN_INIT_18 `BNN_INIT_16(INIT_0), `BNN_INIT_16(INIT_1), `BNN_INIT_16(INIT_2), \
    `BNN_INIT_16(INIT_3), `BNN_INIT(INITP_0)
`define BNN_INIT_36 `BNN_INIT_16(INIT_0), `BNN_INIT_16(INIT_1), `BNN_INIT_16(INIT_2), \
    `BNN_INIT_16(INIT_3), `BNN_INIT_16(INIT_4), `BNN_INIT_16(INIT_5), `BNN_INIT_16(INIT_6), \
    `BNN_INIT_16(INIT_7), `BNN_INIT_16(INITP_0)
`define BNN_DATA_18 {`BNN_ALL(INIT_3), `BNN_ALL(INIT_2), `BNN_ALL(INIT_1), `BNN_ALL(INIT_0)}
`define BNN_DATA_36 {`BNN_ALL(INIT_7), `BNN_ALL(INIT_6), `BNN_ALL(INIT_5), `BNN_ALL(INIT_4), \
    `BNN_DATA_18}

`define BNN_COMMON \
    parameter integer DOA_REG = 0, parameter integer DOB_REG = 0, \
    parameter logic [35:0] INIT_A = 0, parameter logic [35:0] INIT_B = 0, \
    parameter logic [35:0] SRVAL_A = 0, parameter logic [35:0] SRVAL_B = 0, \
    parameter integer READ_WIDTH_A = 0, parameter integer READ_WIDTH_B = 0, \
    parameter integer WRITE_WIDTH_A = 0, parameter integer WRITE_WIDTH_B = 0, \
    parameter WRITE_MODE_A = "WRITE_FIRST", parameter WRITE_MODE_B = "WRITE_FIRST", \
    parameter bit IS_CLKARDCLK_INVERTED = 0, parameter bit IS_CLKBWRCLK_INVERTED = 0, \
    parameter bit IS_ENARDEN_INVERTED = 0, parameter bit IS_ENBWREN_INVERTED = 0, \
    parameter bit IS_RSTRAMARSTRAM_INVERTED = 0, parameter bit IS_RSTRAMB_INVERTED = 0, \
    parameter bit IS_RSTREGARSTREG_INVERTED = 0, parameter bit IS_RSTREGB_INVERTED = 0
`define BNN_PORTS_IN \
    input wire CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, \
    input wire RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, input wire [3:0] WEA

`define BNN_MODEL(words, data, parity, wide, do_a, dop_a, do_b, dop_b, di_a, dip_a, di_b, dip_b) \
  if (DOA_REG != 0 || DOB_REG != 0 || IS_CLKARDCLK_INVERTED || IS_CLKBWRCLK_INVERTED) $error( \
      "a block RAM with output registers or an inverted clock has no model"); \
  wire [63:0] out_a, out_b; \
  wire [7:0] outp_a, outp_b; \
  localparam bit WideRead = READ_WIDTH_A == wide; \
  localparam bit WideWrite = WRITE_WIDTH_B == wide; \
  localparam int Half = (wide / 9) * 4; \
  localparam int HalfP = wide / 18; \
  xilinx_block_ram #( \
      .WORDS(words), \
      .INIT(data), \
      .INITP(parity), \
      .READ_WIDTH_A(READ_WIDTH_A), \
      .READ_WIDTH_B(READ_WIDTH_B), \
      .WRITE_WIDTH_A(WRITE_WIDTH_A), \
      .WRITE_WIDTH_B(WRITE_WIDTH_B), \
      .WRITE_MODE_A(WRITE_MODE_A), \
      .WRITE_MODE_B(WRITE_MODE_B), \
      .START_A(WideRead ? 64'({INIT_B[Half-1:0], INIT_A[Half-1:0]}) : 64'(INIT_A[31:0])), \
      .RESET_A(WideRead ? 64'({SRVAL_B[Half-1:0], SRVAL_A[Half-1:0]}) : 64'(SRVAL_A)), \
      .RESETP_A(WideRead ? 8'({SRVAL_B[Half+:HalfP], SRVAL_A[Half+:HalfP]}) : 8'(SRVAL_A >> \
                READ_WIDTH_A / 9 * 8)), \
      .RESET_B(64'(SRVAL_B)), \
      .RESETP_B(8'(SRVAL_B >> READ_WIDTH_B / 9 * 8)) \
  ) u_ram ( \
      .clk(CLKARDCLK), \
      .en_a(ENARDEN ^ IS_ENARDEN_INVERTED), \
      .rst_a(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED), \
      .we_a(WEA), \
      .addr_a(15'(ADDRARDADDR)), \
      .data_a(64'(di_a)), \
      .parity_a(8'(dip_a)), \
      .out_a(out_a), \
      .outp_a(outp_a), \
      .en_b(ENBWREN ^ IS_ENBWREN_INVERTED), \
      .rst_b(RSTRAMB ^ IS_RSTRAMB_INVERTED), \
      .we_b(8'(WEBWE)), \
      .addr_b(15'(ADDRBWRADDR)), \
      .data_b(WideWrite ? 64'({di_b, di_a}) : 64'(di_b)), \
      .parity_b(WideWrite ? 8'({dip_b, dip_a}) : 8'(dip_b)), \
      .out_b(out_b), \
      .outp_b(outp_b) \
  ); \
  assign do_a  = out_a[Half-1:0]; \
  assign dop_a = outp_a[HalfP-1:0]; \
  assign do_b  = WideRead ? out_a[Half+:Half] : out_b[Half-1:0]; \
  assign dop_b = WideRead ? outp_a[HalfP+:HalfP] : outp_b[HalfP-1:0];

module xilinx_block_ram #(
    parameter int WORDS = 512,
    parameter logic [WORDS*64-1:0] INIT = 0,
    parameter logic [WORDS*8-1:0] INITP = 0,
    parameter int READ_WIDTH_A = 0,
    parameter int READ_WIDTH_B = 0,
    parameter int WRITE_WIDTH_A = 0,
    parameter int WRITE_WIDTH_B = 0,
    parameter WRITE_MODE_A = "WRITE_FIRST",
    parameter WRITE_MODE_B = "WRITE_FIRST",
    parameter logic [63:0] START_A = 0,
    parameter logic [63:0] RESET_A = 0,
    parameter logic [7:0] RESETP_A = 0,
    parameter logic [63:0] RESET_B = 0,
    parameter logic [7:0] RESETP_B = 0
) (
    input logic clk,
    input logic en_a,
    input logic rst_a,
    input logic [3:0] we_a,
    input logic [14:0] addr_a,
    input logic [63:0] data_a,
    input logic [7:0] parity_a,
    output logic [63:0] out_a,
    output logic [7:0] outp_a,
    input logic en_b,
    input logic rst_b,
    input logic [7:0] we_b,
    input logic [14:0] addr_b,
    input logic [63:0] data_b,
    input logic [7:0] parity_b,
    output logic [63:0] out_b,
    output logic [7:0] outp_b
);

  // Words of 64 bits and 8 parity bits; an address counts bits, and a port sees aligned parts.
  logic [63:0] words[WORDS];
  logic [7:0] parities[WORDS];
  localparam int Index = $clog2(WORDS);

  initial begin
    for (int i = 0; i < WORDS; i++) begin
      words[i] = INIT[i*64+:64];
      parities[i] = INITP[i*8+:8];
    end
    out_a = START_A;
    outp_a = '0;
    out_b = '0;
    outp_b = '0;
  end

  function automatic int data_bits(int width);
    data_bits = width >= 9 ? width / 9 * 8 : width;
  endfunction

  localparam int ReadA = data_bits(READ_WIDTH_A);
  localparam int ReadB = data_bits(READ_WIDTH_B);
  localparam int WriteA = data_bits(WRITE_WIDTH_A);
  localparam int WriteB = data_bits(WRITE_WIDTH_B);
  localparam int WideA = ReadA > WriteA ? ReadA : WriteA;
  localparam int WideB = ReadB > WriteB ? ReadB : WriteB;
  localparam int Wide = WideA > WideB ? WideA : WideB;  // what a collision shares

  function automatic logic [63:0] mask(int bits);
    mask = bits == 64 ? '1 : (64'd1 << bits) - 64'd1;
  endfunction

  function automatic logic [63:0] enabled(logic [7:0] we, int bits);
    enabled = '0;
    for (int i = 0; i < 8; i++) enabled[i*8+:8] = {8{we[i]}};
    if (bits < 8) enabled = we[0] ? '1 : '0;
    enabled = enabled & mask(bits);
  endfunction

  function automatic logic [5:0] aligned(logic [14:0] addr, int bits);
    aligned = addr[5:0] & ~6'(bits - 1);
  endfunction

  logic [5:0] at;
  logic [Index-1:0] word_a, word_b;
  logic [63:0] old_a, old_b, bit_mask;
  logic [7:0] oldp_a, oldp_b, parity_mask;
  logic wrote_a, wrote_b, collide;

  always @(posedge clk) begin
    word_a = addr_a[6+:Index];
    word_b = addr_b[6+:Index];
    wrote_a = WriteA != 0 && en_a && enabled({4'b0, we_a}, WriteA) != '0;
    wrote_b = WriteB != 0 && en_b && enabled(we_b, WriteB) != '0;
    collide = word_a == word_b && aligned(addr_a, Wide) == aligned(addr_b, Wide);
    old_a = words[word_a] >> aligned(addr_a, ReadA);
    oldp_a = parities[word_a] >> (aligned(addr_a, ReadA) >> 3);
    old_b = words[word_b] >> aligned(addr_b, ReadB);
    oldp_b = parities[word_b] >> (aligned(addr_b, ReadB) >> 3);
    if (wrote_a) begin
      at = aligned(addr_a, WriteA);
      bit_mask = enabled({4'b0, we_a}, WriteA) << at;
      parity_mask = ({4'b0, we_a} & 8'(mask(WriteA / 8))) << (at >> 3);
      words[word_a] = (words[word_a] & ~bit_mask) | ((data_a << at) & bit_mask);
      parities[word_a] = (parities[word_a] & ~parity_mask) |
          ((parity_a << (at >> 3)) & parity_mask);
    end
    if (wrote_b) begin
      at = aligned(addr_b, WriteB);
      bit_mask = enabled(we_b, WriteB) << at;
      parity_mask = (we_b & 8'(mask(WriteB / 8))) << (at >> 3);
      words[word_b] = (words[word_b] & ~bit_mask) | ((data_b << at) & bit_mask);
      parities[word_b] = (parities[word_b] & ~parity_mask) |
          ((parity_b << (at >> 3)) & parity_mask);
    end
    if (wrote_a && WRITE_MODE_A == "WRITE_FIRST") begin
      old_a = words[word_a] >> aligned(addr_a, ReadA);
      oldp_a = parities[word_a] >> (aligned(addr_a, ReadA) >> 3);
    end
    if (wrote_b && WRITE_MODE_B == "WRITE_FIRST") begin
      old_b = words[word_b] >> aligned(addr_b, ReadB);
      oldp_b = parities[word_b] >> (aligned(addr_b, ReadB) >> 3);
    end
    if (collide && wrote_b && WRITE_MODE_B != "READ_FIRST") {oldp_a, old_a} = {~oldp_a, ~old_a};
    if (collide && wrote_a && WRITE_MODE_A != "READ_FIRST") {oldp_b, old_b} = {~oldp_b, ~old_b};
    if (ReadA != 0 && en_a) begin
      if (rst_a) {outp_a, out_a} <= {RESETP_A, RESET_A & mask(ReadA)};
      else if (!wrote_a || WRITE_MODE_A != "NO_CHANGE") begin
        out_a  <= old_a & mask(ReadA);
        outp_a <= oldp_a & 8'(mask(ReadA / 8));
      end
    end
    if (ReadB != 0 && en_b) begin
      if (rst_b) {outp_b, out_b} <= {RESETP_B, RESET_B & mask(ReadB)};
      else if (!wrote_b || WRITE_MODE_B != "NO_CHANGE") begin
        out_b  <= old_b & mask(ReadB);
        outp_b <= oldp_b & 8'(mask(ReadB / 8));
      end
    end
  end

endmodule

`unconnected_drive pull0

module RAMB18E1 #(
    `BNN_INIT_18,
    `BNN_COMMON,
    parameter RAM_MODE = "TDP"
) (
    `BNN_PORTS_IN,
    input wire [13:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [15:0] DIADI, DIBDI,
    input wire [1:0] DIPADIP, DIPBDIP,
    input wire [3:0] WEBWE,
    output wire [15:0] DOADO, DOBDO,
    output wire [1:0] DOPADOP, DOPBDOP
);
  `BNN_MODEL(256, `BNN_DATA_18, `BNN_LOW(INITP_0), 36, DOADO, DOPADOP, DOBDO, DOPBDOP, DIADI,
             DIPADIP, DIBDI, DIPBDIP)
endmodule

module RAMB36E1 #(
    `BNN_INIT_36,
    `BNN_COMMON,
    parameter RAM_MODE = "TDP",
    parameter RAM_EXTENSION_A = "NONE",
    parameter RAM_EXTENSION_B = "NONE"
) (
    `BNN_PORTS_IN,
    input wire CASCADEINA, CASCADEINB,
    input wire [15:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [31:0] DIADI, DIBDI,
    input wire [3:0] DIPADIP, DIPBDIP,
    input wire [7:0] WEBWE,
    output wire CASCADEOUTA, CASCADEOUTB,
    output wire [31:0] DOADO, DOBDO,
    output wire [3:0] DOPADOP, DOPBDOP
);
  if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE")
    $error("a cascade of block RAMs has no model");
  `BNN_MODEL(512, `BNN_DATA_36, `BNN_ALL(INITP_0), 72, DOADO, DOPADOP, DOBDO, DOPBDOP, DIADI,
             DIPADIP, DIBDI, DIPBDIP)
endmodule

module RAMB18E2 #(
    `BNN_INIT_18,
    `BNN_COMMON
) (
    `BNN_PORTS_IN,
    input wire ADDRENA, ADDRENB, SLEEP,
    input wire [13:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [15:0] DINADIN, DINBDIN,
    input wire [1:0] DINPADINP, DINPBDINP,
    input wire [3:0] WEBWE,
    output wire [15:0] DOUTADOUT, DOUTBDOUT,
    output wire [1:0] DOUTPADOUTP, DOUTPBDOUTP
);
  `BNN_MODEL(256, `BNN_DATA_18, `BNN_LOW(INITP_0), 36, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT,
             DOUTPBDOUTP, DINADIN, DINPADINP, DINBDIN, DINPBDINP)
endmodule

module RAMB36E2 #(
    `BNN_INIT_36,
    `BNN_COMMON
) (
    `BNN_PORTS_IN,
    input wire ADDRENA, ADDRENB, SLEEP,
    input wire [14:0] ADDRARDADDR, ADDRBWRADDR,
    input wire [31:0] DINADIN, DINBDIN,
    input wire [3:0] DINPADINP, DINPBDINP,
    input wire [7:0] WEBWE,
    output wire [31:0] DOUTADOUT, DOUTBDOUT,
    output wire [3:0] DOUTPADOUTP, DOUTPBDOUTP
);
  `BNN_MODEL(512, `BNN_DATA_36, `BNN_ALL(INITP_0), 72, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT,
             DOUTPBDOUTP, DINADIN, DINPADINP, DINBDIN, DINPBDINP)
endmodule

`nounconnected_drive
