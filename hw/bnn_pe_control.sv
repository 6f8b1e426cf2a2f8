// Sequencer of a PE array: handshake, fold, tile and border counters, shared by all PEs.
//
// A beat accepted at the input is at stage s after s enabled clocks; STAGES is the stage at which
// the accumulators read it. One enable drives the whole array: en_o is low only while a result
// waits at the output, so bubbles are kept, nothing is lost and nothing is repeated.
// weight_addr_o belongs to the beat at the input, init_addr_o to the one at stage STAGES - 1.
module bnn_pe_control #(
    parameter int unsigned FOLDS = 1,
    parameter int unsigned TILES = 1,
    parameter int unsigned STAGES = 2,
    parameter int unsigned OUT_H = 1,
    parameter int unsigned OUT_W = 1,
    parameter int unsigned BORDER_TOP = 0,
    parameter int unsigned BORDER_BOTTOM = 0,
    parameter int unsigned BORDER_LEFT = 0,
    parameter int unsigned BORDER_RIGHT = 0,
    parameter int unsigned WEIGHT_ADDR_BITS = 1,
    parameter int unsigned INIT_ADDR_BITS = 1
) (
    input  logic                        clk,
    input  logic                        rst_n,
    input  logic                        s_axis_tvalid,
    output logic                        s_axis_tready,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready,
    output logic                        en_o,
    output logic [WEIGHT_ADDR_BITS-1:0] weight_addr_o,
    output logic [  INIT_ADDR_BITS-1:0] init_addr_o,
    output logic                        acc_en_o,
    output logic                        acc_first_o
);

  // Rows and columns of border classes; the interior is one class if it exists.
  localparam int unsigned ColClasses = BORDER_LEFT + BORDER_RIGHT + 1;
  localparam int unsigned RowClasses = BORDER_TOP + BORDER_BOTTOM + 1;

  if (FOLDS == 0 || TILES == 0 || STAGES == 0) begin : gen_bad_folds
    $error("bnn_pe_control: FOLDS, TILES and STAGES must be positive");
  end
  if (OUT_H == 0 || OUT_W == 0) begin : gen_bad_size
    $error("bnn_pe_control: OUT_H and OUT_W must be positive");
  end
  if (BORDER_TOP + BORDER_BOTTOM > OUT_H || BORDER_LEFT + BORDER_RIGHT > OUT_W) begin : gen_bad
    $error("bnn_pe_control: borders overlap");
  end

  logic [STAGES:1] valid_q;
  logic [STAGES:1] first_q;
  logic [STAGES:1] last_q;
  logic [STAGES:0] valid;
  logic [STAGES:0] first;
  logic [STAGES:0] last;
  logic out_valid_q;
  logic accept;

  assign en_o = m_axis_tready || !out_valid_q;
  assign s_axis_tready = en_o;
  assign m_axis_tvalid = out_valid_q;
  assign accept = s_axis_tvalid && en_o;

  // Folds: first and last beat of a window.
  if (FOLDS == 1) begin : gen_one_fold
    assign first[0] = 1'b1;
    assign last[0]  = 1'b1;
  end else begin : gen_folds
    localparam int unsigned FoldBits = $clog2(FOLDS);
    logic [FoldBits-1:0] fold_q;
    logic first_fold_q;
    assign first[0] = first_fold_q;
    assign last[0]  = fold_q == FoldBits'(FOLDS - 1);
    always_ff @(posedge clk) begin
      if (!rst_n) begin
        fold_q <= '0;
        first_fold_q <= 1'b1;
      end else if (accept) begin
        fold_q <= last[0] ? '0 : fold_q + 1'b1;
        first_fold_q <= last[0];
      end
    end
  end

  if (TILES * FOLDS == 1) begin : gen_one_weight
    assign weight_addr_o = '0;
    logic unused;
    assign unused = accept;
  end else begin : gen_weights
    logic [WEIGHT_ADDR_BITS-1:0] weight_addr_q;
    assign weight_addr_o = weight_addr_q;
    always_ff @(posedge clk) begin
      if (!rst_n) weight_addr_q <= '0;
      else if (accept) begin
        weight_addr_q <= (weight_addr_q == WEIGHT_ADDR_BITS'(TILES * FOLDS - 1)) ? '0 :
            weight_addr_q + 1'b1;
      end
    end
  end

  // The beat's way to the accumulators.
  assign valid = {valid_q, s_axis_tvalid};
  assign first[STAGES:1] = first_q;
  assign last[STAGES:1] = last_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q <= '0;
      out_valid_q <= 1'b0;
    end else if (en_o) begin
      valid_q <= valid[STAGES-1:0];
      out_valid_q <= valid[STAGES] && last[STAGES];
    end
    if (en_o) begin
      first_q <= first[STAGES-1:0];
      last_q  <= last[STAGES-1:0];
    end
  end

  assign acc_en_o = en_o && valid[STAGES];
  assign acc_first_o = first[STAGES];

  // Initial values: the address steps past a window with its last beat.
  if (TILES * ColClasses * RowClasses == 1) begin : gen_one_init
    assign init_addr_o = '0;
  end else begin : gen_init
    localparam int unsigned ColStep = (BORDER_LEFT + BORDER_RIGHT == OUT_W) ? 2 : 1;
    localparam int unsigned RowStep = (BORDER_TOP + BORDER_BOTTOM == OUT_H) ? 2 : 1;
    logic [INIT_ADDR_BITS-1:0] addr_q;
    logic [INIT_ADDR_BITS-1:0] pixel_addr;
    logic [INIT_ADDR_BITS-1:0] next_pixel_addr;
    logic step;
    logic last_tile;

    assign init_addr_o = addr_q;
    assign step = en_o && valid[STAGES-1] && last[STAGES-1];

    always_ff @(posedge clk) begin
      if (!rst_n) addr_q <= '0;
      else if (step) addr_q <= last_tile ? next_pixel_addr : addr_q + 1'b1;
    end

    if (TILES == 1) begin : gen_one_tile
      assign last_tile  = 1'b1;
      assign pixel_addr = addr_q;
    end else begin : gen_tiles
      localparam int unsigned TileBits = $clog2(TILES);
      logic [TileBits-1:0] tile_q;
      assign last_tile  = tile_q == TileBits'(TILES - 1);
      // Only read in the last tile.
      assign pixel_addr = addr_q - INIT_ADDR_BITS'(TILES - 1);
      always_ff @(posedge clk) begin
        if (!rst_n) tile_q <= '0;
        else if (step) tile_q <= last_tile ? '0 : tile_q + 1'b1;
      end
    end

    if (ColClasses * RowClasses == 1) begin : gen_no_border
      assign next_pixel_addr = '0;
      logic unused;
      assign unused = ^pixel_addr;
    end else begin : gen_border
      localparam int unsigned XBits = (OUT_W > 1) ? $clog2(OUT_W) : 1;
      localparam int unsigned YBits = (OUT_H > 1) ? $clog2(OUT_H) : 1;
      localparam int unsigned RowWords = ColClasses * TILES;
      logic [XBits-1:0] x_q;
      logic [YBits-1:0] y_q;
      logic [INIT_ADDR_BITS-1:0] row_addr_q;
      logic [INIT_ADDR_BITS-1:0] next_row_addr;
      logic last_col, last_row;
      logic [1:0] col_step, row_step;

      // Classes that the step to the next column or row passes: 0, 1, or 2 over an empty interior.
      assign last_col = x_q == XBits'(OUT_W - 1);
      assign last_row = y_q == YBits'(OUT_H - 1);
      if (BORDER_LEFT == 0 || BORDER_RIGHT == 0 || ColStep == 1) begin : gen_col
        assign col_step = {
          1'b0, 32'(x_q) + 1 < BORDER_LEFT + 1 || 32'(x_q) + 1 + BORDER_RIGHT >= OUT_W
        };
      end else begin : gen_col_jump
        assign col_step = (32'(x_q) + 1 == BORDER_LEFT) ? 2'd2 : 2'd1;
      end
      if (BORDER_TOP == 0 || BORDER_BOTTOM == 0 || RowStep == 1) begin : gen_row
        assign row_step = {
          1'b0, 32'(y_q) + 1 < BORDER_TOP + 1 || 32'(y_q) + 1 + BORDER_BOTTOM >= OUT_H
        };
      end else begin : gen_row_jump
        assign row_step = (32'(y_q) + 1 == BORDER_TOP) ? 2'd2 : 2'd1;
      end

      always_comb begin
        case (row_step)
          2'd0: next_row_addr = row_addr_q;
          2'd1: next_row_addr = row_addr_q + INIT_ADDR_BITS'(RowWords);
          default: next_row_addr = row_addr_q + INIT_ADDR_BITS'(2 * RowWords);
        endcase
        if (last_row) next_row_addr = '0;
        case (col_step)
          2'd0: next_pixel_addr = pixel_addr;
          2'd1: next_pixel_addr = pixel_addr + INIT_ADDR_BITS'(TILES);
          default: next_pixel_addr = pixel_addr + INIT_ADDR_BITS'(2 * TILES);
        endcase
        if (last_col) next_pixel_addr = next_row_addr;
      end

      always_ff @(posedge clk) begin
        if (!rst_n) begin
          x_q <= '0;
          y_q <= '0;
          row_addr_q <= '0;
        end else if (step && last_tile) begin
          x_q <= last_col ? '0 : x_q + 1'b1;
          if (last_col) begin
            y_q <= last_row ? '0 : y_q + 1'b1;
            row_addr_q <= next_row_addr;
          end
        end
      end
    end
  end

endmodule
