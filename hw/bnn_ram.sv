// Simple dual-port memory: one write and one registered read a cycle, old data on a collision.
// re_i takes a new word into rdata_o; with clear_i it takes RESET_VALUE instead. CLEARS 0: clear_i
// is never 1, which a tool that keeps the hierarchy does not see.
// STYLE 0 leaves the choice to the tool, 1 is distributed, 2 is block RAM, 3 is UltraRAM.
module bnn_ram #(
    parameter  int unsigned             WIDTH       = 8,
    parameter  int unsigned             DEPTH       = 64,
    parameter  int unsigned             STYLE       = 0,
    parameter  int unsigned             CLEARS      = 1,
    parameter  logic        [WIDTH-1:0] RESET_VALUE = '0,
    localparam int unsigned             AddrBits    = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  logic                clk,
    input  logic                we_i,
    input  logic [AddrBits-1:0] waddr_i,
    input  logic [   WIDTH-1:0] wdata_i,
    input  logic                re_i,
    input  logic                clear_i,
    input  logic [AddrBits-1:0] raddr_i,
    output logic [   WIDTH-1:0] rdata_o
);

  if (WIDTH < 1 || DEPTH < 1 || STYLE > 3) begin : gen_bad_parameters
    $error("bnn_ram: WIDTH and DEPTH must be at least 1 and STYLE 0 to 3");
  end

  if (STYLE == 1) begin : gen_distributed
    (* ram_style = "distributed" *) logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) begin
      if (we_i) mem[waddr_i] <= wdata_i;
      if (re_i) rdata_o <= clear_i ? RESET_VALUE : mem[raddr_i];
    end
  end else if (STYLE == 2) begin : gen_block
    (* ram_style = "block" *) logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) begin
      if (we_i) mem[waddr_i] <= wdata_i;
      if (re_i) rdata_o <= clear_i ? RESET_VALUE : mem[raddr_i];
    end
  end else if (STYLE == 3) begin : gen_ultra
    (* ram_style = "ultra" *) logic [WIDTH-1:0] mem[DEPTH];
    logic [WIDTH-1:0] read_q;
    always_ff @(posedge clk) begin
      if (we_i) mem[waddr_i] <= wdata_i;
      if (re_i) read_q <= mem[raddr_i];
    end
    if (CLEARS != 0) begin : gen_clear
      // An UltraRAM's output resets to 0 alone: RESET_VALUE is chosen behind it.
      logic clear_q;
      always_ff @(posedge clk) if (re_i) clear_q <= clear_i;
      assign rdata_o = clear_q ? RESET_VALUE : read_q;
    end else begin : gen_no_clear
      logic unused;
      assign unused  = clear_i;
      assign rdata_o = read_q;
    end
  end else begin : gen_auto
    logic [WIDTH-1:0] mem[DEPTH];
    always_ff @(posedge clk) begin
      if (we_i) mem[waddr_i] <= wdata_i;
      if (re_i) rdata_o <= clear_i ? RESET_VALUE : mem[raddr_i];
    end
  end

endmodule
