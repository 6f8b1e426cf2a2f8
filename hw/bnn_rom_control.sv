// Front of a PE array whose weights are in memory: sequences the pipeline as bnn_pe_control does,
// and reads the weights and the initial values of each beat. STAGES is the stage at which the
// accumulators read a beat, as in bnn_pe_control, and init_o belongs to that beat; weights_o belongs
// to the beat 1 + WEIGHTS_DELAY enabled clocks after the input. WEIGHTS_BITS and INIT_BITS are those
// of all PEs.
module bnn_rom_control #(
    parameter int unsigned FOLDS = 1,
    parameter int unsigned TILES = 1,
    parameter int unsigned STAGES = 2,
    parameter int unsigned OUT_H = 1,
    parameter int unsigned OUT_W = 1,
    parameter int unsigned BORDER_TOP = 0,
    parameter int unsigned BORDER_BOTTOM = 0,
    parameter int unsigned BORDER_LEFT = 0,
    parameter int unsigned BORDER_RIGHT = 0,
    parameter int unsigned WEIGHTS_BITS = 64,
    parameter int unsigned WEIGHTS_DELAY = 0,
    parameter WEIGHTS_FILE = "",
    parameter int unsigned WEIGHTS_STYLE = 0,
    parameter int unsigned INIT_BITS = 12,
    parameter INIT_FILE = "",
    parameter int unsigned INIT_STYLE = 0
) (
    input  logic                    clk,
    input  logic                    rst_n,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready,
    output logic                    en_o,
    output logic                    acc_en_o,
    output logic                    acc_first_o,
    output logic [WEIGHTS_BITS-1:0] weights_o,
    output logic [   INIT_BITS-1:0] init_o
);

  localparam int unsigned WeightWords = TILES * FOLDS;
  localparam int unsigned InitWords =
      (BORDER_TOP + 1 + BORDER_BOTTOM) * (BORDER_LEFT + 1 + BORDER_RIGHT) * TILES;
  localparam int unsigned WeightAddrBits = (WeightWords > 1) ? $clog2(WeightWords) : 1;
  localparam int unsigned InitAddrBits = (InitWords > 1) ? $clog2(InitWords) : 1;

  if (WEIGHTS_DELAY > 1) begin : gen_bad_delay
    $error("bnn_rom_control: WEIGHTS_DELAY must be 0 or 1");
  end

  logic [WeightAddrBits-1:0] weight_addr;
  logic [WeightAddrBits-1:0] weight_read_addr;
  logic [  InitAddrBits-1:0] init_addr;

  bnn_pe_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(STAGES),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHT_ADDR_BITS(WeightAddrBits),
      .INIT_ADDR_BITS(InitAddrBits)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en_o),
      .weight_addr_o(weight_addr),
      .init_addr_o(init_addr),
      .acc_en_o(acc_en_o),
      .acc_first_o(acc_first_o)
  );

  if (WEIGHTS_DELAY == 1) begin : gen_delay
    logic [WeightAddrBits-1:0] weight_addr_q;
    always_ff @(posedge clk) if (en_o) weight_addr_q <= weight_addr;
    assign weight_read_addr = weight_addr_q;
  end else begin : gen_no_delay
    assign weight_read_addr = weight_addr;
  end

  bnn_rom #(
      .WIDTH(WEIGHTS_BITS),
      .DEPTH(WeightWords),
      .STYLE(WEIGHTS_STYLE),
      .FILE (WEIGHTS_FILE)
  ) u_weights (
      .clk(clk),
      .en_i(en_o),
      .addr_i(weight_read_addr),
      .data_o(weights_o)
  );

  bnn_rom #(
      .WIDTH(INIT_BITS),
      .DEPTH(InitWords),
      .STYLE(INIT_STYLE),
      .FILE (INIT_FILE)
  ) u_init (
      .clk(clk),
      .en_i(en_o),
      .addr_i(init_addr),
      .data_o(init_o)
  );

endmodule
