// Front of a PE array whose weights come from a stream: joins activations and weights, sequences the
// pipeline as bnn_pe_control does, and gives each tile's initial values for all of its PIXELS
// windows. STAGES is the stage at which the accumulators read a beat, as in bnn_pe_control.
module bnn_stream_control #(
    parameter int unsigned FOLDS = 1,
    parameter int unsigned TILES = 1,
    parameter int unsigned PIXELS = 1,
    parameter int unsigned STAGES = 2,
    parameter int unsigned INIT_BITS = 12,
    parameter INIT_FILE = "",
    parameter int unsigned INIT_STYLE = 0
) (
    input  logic                 clk,
    input  logic                 rst_n,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,
    input  logic                 w_axis_tvalid,
    output logic                 w_axis_tready,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready,
    output logic                 en_o,
    output logic                 acc_en_o,
    output logic                 acc_first_o,
    output logic [INIT_BITS-1:0] init_o
);

  localparam int unsigned AddrBits = (TILES > 1) ? $clog2(TILES) : 1;

  if (FOLDS == 0 || TILES == 0 || PIXELS == 0) begin : gen_bad_size
    $error("bnn_stream_control: FOLDS, TILES and PIXELS must be positive");
  end

  logic ready;
  logic [AddrBits-1:0] tile;
  logic unused_weight_addr;
  logic unused_init_addr;

  assign s_axis_tready = ready && w_axis_tvalid;
  assign w_axis_tready = ready && s_axis_tvalid;

  bnn_pe_control #(
      .FOLDS (FOLDS),
      .STAGES(STAGES)
  ) u_control (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tvalid(s_axis_tvalid && w_axis_tvalid),
      .s_axis_tready(ready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o         (en_o),
      .weight_addr_o(unused_weight_addr),
      .init_addr_o  (unused_init_addr),
      .acc_en_o     (acc_en_o),
      .acc_first_o  (acc_first_o)
  );

  // The address steps past a tile as its last window begins to be summed.
  if (TILES == 1) begin : gen_one_tile
    assign tile = 1'b0;
  end else begin : gen_tiles
    logic [AddrBits-1:0] tile_q;
    logic last_pixel;

    bnn_loop #(
        .COUNT(PIXELS)
    ) u_pixel (
        .clk   (clk),
        .rst_n (rst_n),
        .step_i(acc_en_o && acc_first_o),
        .last_o(last_pixel)
    );

    always_comb begin
      tile = tile_q;
      if (acc_en_o && acc_first_o && last_pixel) begin
        tile = (tile_q == AddrBits'(TILES - 1)) ? '0 : tile_q + 1'b1;
      end
    end
    always_ff @(posedge clk) begin
      if (!rst_n) tile_q <= '0;
      else tile_q <= tile;
    end
  end

  bnn_rom #(
      .WIDTH(INIT_BITS),
      .DEPTH(TILES),
      .STYLE(INIT_STYLE),
      .FILE (INIT_FILE)
  ) u_init (
      .clk   (clk),
      .en_i  (en_o),
      .addr_i(tile),
      .data_o(init_o)
  );

  logic unused;
  assign unused = ^{unused_weight_addr, unused_init_addr};

endmodule
