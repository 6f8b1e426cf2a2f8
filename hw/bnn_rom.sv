// Read-only memory of DEPTH words of WIDTH bits from a $readmemh file, with a registered output.
//
// data_o is word addr_i one enabled clock later and holds while en_i is low. A memory of one word
// is a constant. STYLE: 0 leaves the choice to the tool, 1 LUTs, 2 block RAM.
module bnn_rom #(
    parameter int unsigned WIDTH = 32,
    parameter int unsigned DEPTH = 16,
    parameter int unsigned STYLE = 0,
    parameter FILE = ""
) (
    input  logic                                             clk,
    input  logic                                             en_i,
    input  logic [((DEPTH > 1) ? $clog2(DEPTH) : 1) - 1 : 0] addr_i,
    output logic [                                WIDTH-1:0] data_o
);

  if (WIDTH == 0 || DEPTH == 0) begin : gen_bad_size
    $error("bnn_rom: WIDTH and DEPTH must be positive");
  end
  if (STYLE > 2) begin : gen_bad_style
    $error("bnn_rom: STYLE must be 0, 1 or 2");
  end

  if (DEPTH == 1) begin : gen_constant
    logic [WIDTH-1:0] mem[1];
    initial $readmemh(FILE, mem);
    assign data_o = mem[0];
    logic unused;
    assign unused = ^{clk, en_i, addr_i};
  end else if (STYLE == 1) begin : gen_lut
`ifdef YOSYS
    (* rom_style = "logic" *)
`else
    (* rom_style = "distributed" *)
`endif
    logic [WIDTH-1:0] mem[DEPTH];
    logic [WIDTH-1:0] data_q;
    initial $readmemh(FILE, mem);
    always_ff @(posedge clk) if (en_i) data_q <= mem[addr_i];
    assign data_o = data_q;
  end else if (STYLE == 2) begin : gen_block
    (* rom_style = "block" *)
    logic [WIDTH-1:0] mem[DEPTH];
    logic [WIDTH-1:0] data_q;
    initial $readmemh(FILE, mem);
    always_ff @(posedge clk) if (en_i) data_q <= mem[addr_i];
    assign data_o = data_q;
  end else begin : gen_auto
    logic [WIDTH-1:0] mem[DEPTH];
    logic [WIDTH-1:0] data_q;
    initial $readmemh(FILE, mem);
    always_ff @(posedge clk) if (en_i) data_q <= mem[addr_i];
    assign data_o = data_q;
  end

endmodule
