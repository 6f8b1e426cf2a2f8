// Max pool on bits with stride equal to kernel and no padding; flagged channels take the minimum.
//
// LANES channels per beat, CHANNELS/LANES beats per pixel; rows and columns left over are dropped.
// Keeps one output row of partial results in LUT memory. With TILES > 1, CHANNELS are those of a
// tile, one of TILES that come one after another, each as a frame. Latency 1 from the last beat an
// output needs; one input beat per cycle.
module bnn_max_pool #(
    parameter int unsigned CHANNELS = 8,
    parameter int unsigned LANES = 8,
    parameter int unsigned HEIGHT = 4,
    parameter int unsigned WIDTH = 4,
    parameter int unsigned POOL_H = 2,
    parameter int unsigned POOL_W = 2,
    parameter int unsigned TILES = 1,
    parameter MIN_FILE = ""
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [LANES-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [LANES-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  localparam int unsigned Folds = CHANNELS / LANES;
  localparam int unsigned OutW = WIDTH / POOL_W;
  localparam int unsigned OutH = HEIGHT / POOL_H;
  localparam int unsigned Words = OutW * Folds;
  localparam int unsigned AddrBits = (Words > 1) ? $clog2(Words) : 1;

  if (LANES == 0 || CHANNELS % LANES != 0 || CHANNELS == 0) begin : gen_bad_lanes
    $error("bnn_max_pool: LANES must divide CHANNELS");
  end
  if (POOL_H == 0 || POOL_W == 0 || POOL_H > HEIGHT || POOL_W > WIDTH) begin : gen_bad_pool
    $error("bnn_max_pool: the kernel must be at least 1x1 and fit the image");
  end
  if (TILES == 0 || (TILES > 1 && CHANNELS != LANES)) begin : gen_bad_tiles
    $error("bnn_max_pool: TILES must be positive, and CHANNELS be LANES where they are several");
  end

  // Position in the frame: fold, place in the pool, pool, each with its last value.
  localparam int unsigned FoldBits = (Folds > 1) ? $clog2(Folds) : 1;
  localparam int unsigned XBits = $clog2(WIDTH + 1);
  localparam int unsigned YBits = $clog2(HEIGHT + 1);
  localparam int unsigned InXBits = (POOL_W > 1) ? $clog2(POOL_W) : 1;
  localparam int unsigned InYBits = (POOL_H > 1) ? $clog2(POOL_H) : 1;
  logic [FoldBits-1:0] fold_q;
  logic [InXBits-1:0] in_x_q;
  logic [InYBits-1:0] in_y_q;
  logic [XBits-1:0] x_q;
  logic [YBits-1:0] y_q;
  logic [AddrBits-1:0] addr_q;
  logic last_fold, last_in_x, last_in_y, last_x, last_y, kept_x, kept_y;

  assign last_fold = fold_q == FoldBits'(Folds - 1);
  assign last_in_x = in_x_q == InXBits'(POOL_W - 1);
  assign last_in_y = in_y_q == InYBits'(POOL_H - 1);
  assign last_x = x_q == XBits'(WIDTH - 1);
  assign last_y = y_q == YBits'(HEIGHT - 1);
  assign kept_x = x_q < XBits'(OutW * POOL_W);
  assign kept_y = y_q < YBits'(OutH * POOL_H);

  logic accept, first, complete;
  logic out_valid_q;
  logic [LANES-1:0] out_q;
  logic [LANES-1:0] min;
  logic [LANES-1:0] partial;
  logic [LANES-1:0] merged;

  assign first = in_x_q == '0 && in_y_q == '0;
  assign complete = last_in_x && last_in_y && kept_x && kept_y;
  assign s_axis_tready = m_axis_tready || !out_valid_q;
  assign accept = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      fold_q <= '0;
      in_x_q <= '0;
      in_y_q <= '0;
      x_q <= '0;
      y_q <= '0;
      addr_q <= '0;
    end else if (accept) begin
      fold_q <= last_fold ? '0 : fold_q + 1'b1;
      addr_q <= addr_q + 1'b1;
      if (last_fold) begin
        x_q <= last_x ? '0 : x_q + 1'b1;
        in_x_q <= (last_x || last_in_x) ? '0 : in_x_q + 1'b1;
        if (last_x) begin
          addr_q <= '0;
          y_q <= last_y ? '0 : y_q + 1'b1;
          in_y_q <= (last_y || last_in_y) ? '0 : in_y_q + 1'b1;
        end else if (!last_in_x) begin
          addr_q <= addr_q - AddrBits'(Folds - 1);
        end
      end
    end
  end

  // Which channels take the minimum.
  localparam int unsigned MinWords = (TILES > 1) ? TILES : Folds;
  localparam int unsigned MinBits = (MinWords > 1) ? $clog2(MinWords) : 1;
  logic [MinBits-1:0] word;
  logic [LANES-1:0] min_mem[MinWords];
  initial $readmemh(MIN_FILE, min_mem);
  assign min = min_mem[word];

  if (TILES > 1) begin : gen_tiles
    logic [MinBits-1:0] tile_q;
    assign word = tile_q;
    always_ff @(posedge clk) begin
      if (!rst_n) tile_q <= '0;
      else if (accept && last_fold && last_x && last_y) begin
        tile_q <= (tile_q == MinBits'(TILES - 1)) ? '0 : tile_q + 1'b1;
      end
    end
  end else begin : gen_folds
    assign word = fold_q;
  end

  if (POOL_H * POOL_W == 1) begin : gen_copy
    assign partial = '0;
    assign merged  = s_axis_tdata;
    logic unused;
    assign unused = ^{first, min, partial, addr_q};
  end else begin : gen_pool
    (* ram_style = "distributed" *)
    logic [LANES-1:0] row[Words];
    assign partial = row[addr_q];
    assign merged = first ? s_axis_tdata :
        ((s_axis_tdata & partial) | ((s_axis_tdata | partial) & ~min));
    always_ff @(posedge clk) if (accept && kept_x) row[addr_q] <= merged;
  end

  always_ff @(posedge clk) begin
    if (!rst_n) out_valid_q <= 1'b0;
    else if (s_axis_tready) out_valid_q <= accept && complete;
    if (s_axis_tready) out_q <= merged;
  end

  assign m_axis_tdata  = out_q;
  assign m_axis_tvalid = out_valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
