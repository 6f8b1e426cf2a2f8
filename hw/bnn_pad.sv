// Pads images with their own pixels: by reflection (REFLECT=1; the outermost pixel is not repeated)
// or with the pixels of the edge (REFLECT=0).
// Streams: LANES elements per beat; in raster order, channels innermost; frames without a gap.
// Latency 2 cycles from the beat that a pixel needs; one beat out a cycle, one in a cycle. The
// first row out of a reflection is row PAD_TOP of the image.
module bnn_pad #(
    parameter int unsigned ELEM_BITS  = 1,
    parameter int unsigned CHANNELS   = 8,
    parameter int unsigned HEIGHT     = 8,
    parameter int unsigned WIDTH      = 8,
    parameter int unsigned PAD_TOP    = 1,
    parameter int unsigned PAD_BOTTOM = 1,
    parameter int unsigned PAD_LEFT   = 1,
    parameter int unsigned PAD_RIGHT  = 1,
    parameter int unsigned REFLECT    = 1,
    parameter int unsigned LANES      = 8,
    parameter int unsigned DEPTH      = 26,
    parameter int unsigned RAM_STYLE  = 0
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    output logic [LANES*ELEM_BITS-1:0] m_axis_tdata,
    output logic                       m_axis_tvalid,
    input  logic                       m_axis_tready
);

  // The sizes as signed numbers: no cast makes an unsigned parameter signed for every tool.
  localparam int Height = HEIGHT;
  localparam int Width = WIDTH;
  localparam int Depth = DEPTH;

  // Everything is counted in beats. What a reflection reaches beyond a pixel; of an edge nothing.
  localparam int Folds = CHANNELS / LANES;
  localparam int Row = Width * Folds;
  localparam int Frame = Height * Row;
  localparam int Top = REFLECT != 0 ? PAD_TOP : 0;
  localparam int Bottom = REFLECT != 0 ? PAD_BOTTOM : 0;
  localparam int Left = REFLECT != 0 ? PAD_LEFT : 0;
  localparam int Right = REFLECT != 0 ? PAD_RIGHT : 0;

  // Where reading begins, and how far it moves at each kind of step: in the padding a reflection
  // goes back, an edge stays.
  localparam int First = Top * Row + Left * Folds;
  localparam int Back = REFLECT != 0 ? 1 : 0;
  localparam int StepPad = 1 - Folds - Back * Folds;
  localparam int StepRow = 1 - Folds - (Width - 1 - Right - Left) * Folds;
  localparam int StepPadRow = StepRow - Back * Row;
  localparam int StepNextRow = StepRow + Row;
  localparam int StepFrame = StepRow + (1 + Bottom + Top) * Row;
  localparam int LastRows = (Bottom + 1) * Row;

  localparam int AddrBits = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int ReachBits = $clog2(Depth + Frame + StepFrame + First + 2) + 1;

  function automatic int modulo(int beats);
    modulo = ((beats % Depth) + Depth) % Depth;
  endfunction

  if (ELEM_BITS < 1 || HEIGHT < 1 || WIDTH < 1 || REFLECT > 1) begin : gen_bad_size
    $error("bnn_pad: ELEM_BITS, HEIGHT and WIDTH must be at least 1, REFLECT 0 or 1");
  end
  if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : gen_bad_lanes
    $error("bnn_pad: LANES must divide CHANNELS");
  end
  if (Top >= Height || Bottom >= Height || Left >= Width || Right >= Width) begin : gen_bad_reach
    $error("bnn_pad: a reflection must be less than the image");
  end
  if (DEPTH < 2 || Depth < (Top + 1) * Row || Depth < LastRows) begin : gen_bad_depth
    $error("bnn_pad: DEPTH must be at least 2 and a row, reflected rows more");
  end

  // Loop counters, innermost first.
  logic last_fold;
  logic inside_x;
  logic last_x;
  logic inside_y;
  logic frees_y;
  logic last_y;
  logic step;

  bnn_loop #(
      .COUNT(Folds)
  ) u_fold (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step),
      .last_o(last_fold)
  );
  logic unused;  // columns are not freed one by one
  bnn_pad_axis #(
      .SIZE  (WIDTH),
      .BEFORE(PAD_LEFT),
      .BEHIND(PAD_RIGHT)
  ) u_x (
      .clk     (clk),
      .rst_n   (rst_n),
      .step_i  (step && last_fold),
      .inside_o(inside_x),
      .frees_o (unused),
      .last_o  (last_x)
  );
  bnn_pad_axis #(
      .SIZE  (HEIGHT),
      .BEFORE(PAD_TOP),
      .BEHIND(PAD_BOTTOM),
      .HOLD  (32'(Bottom))
  ) u_y (
      .clk     (clk),
      .rst_n   (rst_n),
      .step_i  (step && last_fold && last_x),
      .inside_o(inside_y),
      .frees_o (frees_y),
      .last_o  (last_y)
  );

  // The beat to read next: where it is (modulo DEPTH), and how many beats beyond it are there.
  logic signed [ReachBits-1:0] delta;
  logic signed [ReachBits-1:0] release_by;
  logic signed [ReachBits-1:0] ahead_q;  // beats written beyond it; -1: it comes next
  logic signed [ReachBits-1:0] room_q;  // beats that may come, less one
  logic        [ AddrBits-1:0] raddr_move;
  logic        [   AddrBits:0] raddr_sum;
  logic        [ AddrBits-1:0] raddr_q;
  logic        [ AddrBits-1:0] waddr_q;
  logic                        write;
  logic                        load;
  logic                        valid_q;

  always_comb begin
    if (!last_fold || (!last_x && inside_x)) begin
      delta = ReachBits'(1);
      raddr_move = AddrBits'(modulo(1));
    end else if (!last_x) begin
      delta = ReachBits'(StepPad);
      raddr_move = AddrBits'(modulo(StepPad));
    end else if (last_y) begin
      delta = ReachBits'(StepFrame);
      raddr_move = AddrBits'(modulo(StepFrame));
    end else if (inside_y) begin
      delta = ReachBits'(StepNextRow);
      raddr_move = AddrBits'(modulo(StepNextRow));
    end else begin
      delta = ReachBits'(StepPadRow);
      raddr_move = AddrBits'(modulo(StepPadRow));
    end
  end

  // A row that is read for the last time is free at its end, the rows that the bottom reflects at
  // the end of the frame.
  always_comb begin
    release_by = '0;
    if (last_fold && last_x && last_y) release_by = ReachBits'(LastRows);
    else if (last_fold && last_x && frees_y) release_by = ReachBits'(Row);
  end

  assign s_axis_tready = !room_q[ReachBits-1];
  assign write = s_axis_tvalid && s_axis_tready;
  assign load = !valid_q || m_axis_tready;
  assign step = load && !ahead_q[ReachBits-1];
  assign raddr_sum = {1'b0, raddr_q} + {1'b0, raddr_move};
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      ahead_q <= ReachBits'(-First - 1);
      room_q  <= ReachBits'(Depth - 1);
      raddr_q <= AddrBits'(modulo(First));
      waddr_q <= '0;
      valid_q <= 1'b0;
    end else begin
      ahead_q <= ahead_q - (step ? delta : '0) + ReachBits'(write);
      room_q  <= room_q + (step ? release_by : '0) - ReachBits'(write);
      if (step) begin
        if (raddr_sum < (AddrBits + 1)'(DEPTH)) raddr_q <= AddrBits'(raddr_sum);
        else raddr_q <= AddrBits'(raddr_sum - (AddrBits + 1)'(DEPTH));
      end
      if (write) waddr_q <= waddr_q == AddrBits'(DEPTH - 1) ? '0 : waddr_q + 1'b1;
      if (load) valid_q <= step;
    end
  end

  bnn_ram #(
      .WIDTH (LANES * ELEM_BITS),
      .DEPTH (DEPTH),
      .STYLE (RAM_STYLE),
      .CLEARS(0)
  ) u_ram (
      .clk    (clk),
      .we_i   (write),
      .waddr_i(waddr_q),
      .wdata_i(s_axis_tdata),
      .re_i   (step),
      .clear_i(1'b0),
      .raddr_i(raddr_q),
      .rdata_o(m_axis_tdata)
  );

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
