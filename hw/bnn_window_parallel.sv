// Input windows of a convolution, flattened as (ky, kx, channel) and given SIMD elements per beat,
// each window REPEATS times. In: one pixel (CHANNELS elements) a beat, in raster order; frames
// follow without a gap. Columns of KERNEL_H pixels shift through the window, while the window
// before is folded out of a holding register. Latency from the last pixel that a window needs:
// 4 cycles, 3 where a window is one beat. See README.md for the cycles per frame.
module bnn_window_parallel #(
    parameter int unsigned ELEM_BITS  = 8,
    parameter int unsigned CHANNELS   = 3,
    parameter int unsigned HEIGHT     = 8,
    parameter int unsigned WIDTH      = 8,
    parameter int unsigned KERNEL_H   = 3,
    parameter int unsigned KERNEL_W   = 3,
    parameter int unsigned STRIDE_H   = 1,
    parameter int unsigned STRIDE_W   = 1,
    parameter int unsigned PAD_TOP    = 1,
    parameter int unsigned PAD_BOTTOM = 1,
    parameter int unsigned PAD_LEFT   = 1,
    parameter int unsigned PAD_RIGHT  = 1,
    parameter int unsigned SIMD       = 9,
    parameter int unsigned REPEATS    = 1,
    parameter int          PAD_VALUE  = 0,
    parameter int unsigned LINES      = KERNEL_H,
    parameter int unsigned RAM_STYLE  = 0
) (
    input  logic                          clk,
    input  logic                          rst_n,
    input  logic [CHANNELS*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                          s_axis_tvalid,
    output logic                          s_axis_tready,
    output logic [    SIMD*ELEM_BITS-1:0] m_axis_tdata,
    output logic                          m_axis_tvalid,
    input  logic                          m_axis_tready
);

  // The sizes as signed numbers: no cast makes an unsigned parameter signed for every tool.
  localparam int H = HEIGHT;
  localparam int W = WIDTH;
  localparam int Rows = KERNEL_H;
  localparam int KernelW = KERNEL_W;
  localparam int MoveX = STRIDE_W;
  localparam int MoveY = STRIDE_H;
  localparam int PadTop = PAD_TOP;
  localparam int PadLeft = PAD_LEFT;
  localparam int Lines = LINES;

  localparam int PixelBits = CHANNELS * ELEM_BITS;
  localparam int RowBits = KernelW * PixelBits;
  localparam int WindowBits = Rows * RowBits;
  localparam int Folds = KERNEL_H * KERNEL_W * CHANNELS / SIMD;
  localparam int Beats = KERNEL_H * KERNEL_W * CHANNELS / SIMD * REPEATS;
  localparam int OutH = (HEIGHT + PAD_TOP + PAD_BOTTOM - KERNEL_H) / STRIDE_H + 1;
  localparam int OutW = (WIDTH + PAD_LEFT + PAD_RIGHT - KERNEL_W) / STRIDE_W + 1;

  // A pass gives one row of windows: Used columns are read; columns of padding follow, which are
  // both the padding at the right of this pass and at the left of the next.
  localparam int LastX = KernelW - 1 - PadLeft + (OutW - 1) * MoveX;
  localparam int Used = LastX + 1 < W ? LastX + 1 : W;
  localparam int Pass = LastX + 1 > Used + PadLeft ? LastX + 1 : Used + PadLeft;
  localparam int XBits = Pass > 1 ? $clog2(Pass) : 1;
  localparam int LineBits = W > 1 ? $clog2(W) : 1;
  localparam int LaneBits = Lines > 1 ? $clog2(Lines) : 1;
  localparam int YBits = $clog2(HEIGHT + KERNEL_H + STRIDE_H) + 1;
  localparam int MoveFrame = H - (OutH - 1) * MoveY;
  // By how many line memories the window's top moves on, within a frame and to the next.
  localparam int TurnPass = MoveY % Lines;
  localparam int TurnFrame = ((MoveFrame % Lines) + Lines) % Lines;
  localparam int ReachBits = $clog2((2 * H + 3 * Rows + Lines + MoveY) * W) + 1;

  // The last image row that a pass needs, and the first pass whose next has rows below the image.
  function automatic int bottom(int pass);
    bottom = pass * MoveY - PadTop + Rows - 1;
    if (bottom > H - 1) bottom = H - 1;
  endfunction

  function automatic int clipped_pass();
    clipped_pass = 0;
    while (clipped_pass < OutH && (clipped_pass + 1) * MoveY - PadTop + Rows <= H) begin
      clipped_pass = clipped_pass + 1;
    end
  endfunction

  localparam int Clipped = clipped_pass();
  localparam int ClippedTop = Clipped * MoveY - PadTop;
  localparam int FirstAhead = -bottom(0) * W - 1;

  if (SIMD < 1 || KERNEL_H * KERNEL_W * CHANNELS % SIMD != 0) begin : gen_bad_simd
    $error("bnn_window_parallel: SIMD must divide KERNEL_H*KERNEL_W*CHANNELS");
  end
  if (HEIGHT + PAD_TOP + PAD_BOTTOM < KERNEL_H || WIDTH + PAD_LEFT + PAD_RIGHT < KERNEL_W)
  begin : gen_bad_kernel
    $error("bnn_window_parallel: the kernel must fit the padded image");
  end
  if (PAD_TOP >= KERNEL_H || PAD_BOTTOM >= KERNEL_H || PAD_LEFT >= KERNEL_W ||
      PAD_RIGHT >= KERNEL_W) begin : gen_bad_padding
    $error("bnn_window_parallel: each padding must be less than the kernel");
  end
  if (LINES < KERNEL_H) begin : gen_bad_lines
    $error("bnn_window_parallel: LINES must be at least KERNEL_H");
  end
  if (STRIDE_H < 1 || STRIDE_W < 1 || REPEATS < 1) begin : gen_bad_order
    $error("bnn_window_parallel: strides and REPEATS must be at least 1");
  end

  // Writing: pixel by pixel into the line memories, taken in turn.
  logic                        write;
  logic        [ LineBits-1:0] write_x_q;
  logic        [ LaneBits-1:0] write_lane_q;
  // Reading: column by column; top_q is the image row of the window's top, lane_q its memory.
  logic                        step;
  logic                        real_column;
  logic                        last_column;
  logic                        last_pass;
  logic        [    XBits-1:0] x_q;
  logic signed [    YBits-1:0] top_q;
  logic        [ LaneBits-1:0] lane_q;
  logic signed [ReachBits-1:0] ahead_q;  // pixels written beyond the one to read; -1: comes next
  logic signed [ReachBits-1:0] room_q;  // pixels that may come, less one
  logic signed [ReachBits-1:0] pass_need;
  logic signed [ReachBits-1:0] pass_release;
  logic                        emit;

  assign s_axis_tready = !room_q[ReachBits-1];
  assign write = s_axis_tvalid && s_axis_tready;
  assign last_column = x_q == XBits'(Pass - 1);

  if (Pass > Used) begin : gen_padding_columns
    assign real_column = x_q < XBits'(Used);
  end else begin : gen_no_padding_columns
    assign real_column = 1'b1;
  end

  bnn_loop #(
      .COUNT(OutH)
  ) u_pass (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_column),
      .last_o(last_pass)
  );

  always_comb begin
    if (last_pass) begin
      pass_need = ReachBits'((H - bottom(OutH - 1) + bottom(0)) * W - Used);
      pass_release = ReachBits'(MoveFrame * W - Used);
    end else begin
      pass_release = ReachBits'(MoveY * W - Used);
      if (PAD_BOTTOM == 0 || top_q < YBits'(ClippedTop)) pass_need = pass_release;
      else if (top_q == YBits'(ClippedTop))
        pass_need = ReachBits'((bottom(Clipped + 1) - bottom(Clipped)) * W - Used);
      else pass_need = ReachBits'(-Used);
    end
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      x_q <= '0;
      top_q <= YBits'(-PadTop);
      lane_q <= LaneBits'((Lines - PadTop) % Lines);
      write_x_q <= '0;
      write_lane_q <= '0;
      ahead_q <= ReachBits'(FirstAhead);
      room_q <= ReachBits'((Lines - PadTop) * W - 1);
    end else begin
      if (write) begin
        write_x_q <= write_x_q == LineBits'(W - 1) ? '0 : write_x_q + 1'b1;
        if (write_x_q == LineBits'(W - 1)) begin
          write_lane_q <= write_lane_q == LaneBits'(Lines - 1) ? '0 : write_lane_q + 1'b1;
        end
      end
      if (step) begin
        x_q <= last_column ? '0 : x_q + 1'b1;
        if (last_column) begin
          if (last_pass) begin
            top_q  <= YBits'(-PadTop);
            lane_q <= turn(lane_q, (LaneBits + 1)'(TurnFrame));
          end else begin
            top_q  <= top_q + YBits'(MoveY);
            lane_q <= turn(lane_q, (LaneBits + 1)'(TurnPass));
          end
        end
      end
      ahead_q <= ahead_q + ReachBits'(write) - ReachBits'(step && real_column)
               - (step && last_column ? pass_need : '0);
      room_q <= room_q - ReachBits'(write) + ReachBits'(step && real_column)
              + (step && last_column ? pass_release : '0);
    end
  end

  function automatic logic [LaneBits-1:0] turn(logic [LaneBits-1:0] lane, logic [LaneBits:0] by);
    if ({1'b0, lane} + by >= (LaneBits + 1)'(Lines)) begin
      turn = LaneBits'({1'b0, lane} + by - (LaneBits + 1)'(Lines));
    end else turn = LaneBits'({1'b0, lane} + by);
  endfunction

  // A window is complete KERNEL_W - PAD_LEFT columns into a pass, then every STRIDE_W columns.
  localparam int WaitMax = KernelW > MoveX ? KernelW : MoveX;
  localparam int WaitBits = $clog2(WaitMax + 1);
  logic [WaitBits-1:0] wait_q;
  logic                more_q;
  logic                last_x;

  assign emit = more_q && wait_q == '0;

  bnn_loop #(
      .COUNT(OutW)
  ) u_x (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && emit),
      .last_o(last_x)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      wait_q <= WaitBits'(KERNEL_W - 1 - PAD_LEFT);
      more_q <= 1'b1;
    end else if (step) begin
      if (last_column) begin
        wait_q <= WaitBits'(KERNEL_W - 1 - PAD_LEFT);
        more_q <= 1'b1;
      end else if (emit) begin
        wait_q <= WaitBits'(STRIDE_W - 1);
        more_q <= !last_x;
      end else begin
        wait_q <= wait_q - 1'b1;
      end
    end
  end

  // The column read, its rows still in the order of the line memories.
  logic [Lines*PixelBits-1:0] lanes;
  logic [Rows*PixelBits-1:0] column;
  logic [          Rows-1:0] in_image;
  logic [          Rows-1:0] inside_q;
  logic [      LaneBits-1:0] column_lane_q;
  logic                      column_valid_q;
  logic                      column_emit_q;
  logic                      column_load;
  logic                      shift;

  assign column_load = !column_valid_q || shift;
  assign step = column_load && (!real_column || !ahead_q[ReachBits-1]);

  for (genvar i = 0; i < Lines; i++) begin : gen_line
    bnn_ram #(
        .WIDTH (PixelBits),
        .DEPTH (WIDTH),
        .STYLE (RAM_STYLE),
        .CLEARS(0)
    ) u_line (
        .clk    (clk),
        .we_i   (write && write_lane_q == LaneBits'(i)),
        .waddr_i(write_x_q),
        .wdata_i(s_axis_tdata),
        .re_i   (step && real_column),
        .clear_i(1'b0),
        .raddr_i(LineBits'(x_q)),
        .rdata_o(lanes[i*PixelBits+:PixelBits])
    );
  end

  for (genvar i = 0; i < Rows; i++) begin : gen_row
    assign in_image[i] = real_column && top_q >= YBits'(-i) && top_q < YBits'(H - i);

    always_comb begin
      column[i*PixelBits+:PixelBits] = {CHANNELS{ELEM_BITS'(PAD_VALUE)}};
      for (int j = 0; j < Lines; j++) begin
        if (inside_q[i] && column_lane_q == LaneBits'(j)) begin
          column[i*PixelBits+:PixelBits] = lanes[((i+j)%Lines)*PixelBits+:PixelBits];
        end
      end
    end
  end

  always_ff @(posedge clk) begin
    if (!rst_n) column_valid_q <= 1'b0;
    else if (column_load) column_valid_q <= step;
    if (step) begin
      inside_q      <= in_image;
      column_lane_q <= lane_q;
      column_emit_q <= emit;
    end
  end

  // The shift window. Its reset is the padding at the left of the very first pass.
  logic [WindowBits-1:0] window_q;
  logic                  window_valid_q;
  logic                  window_take;

  assign shift = !window_valid_q || window_take;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      window_valid_q <= 1'b0;
      window_q       <= {KERNEL_H * KERNEL_W * CHANNELS{ELEM_BITS'(PAD_VALUE)}};
    end else if (shift) begin
      window_valid_q <= column_valid_q && column_emit_q;
      if (column_valid_q) begin
        for (int i = 0; i < Rows; i++) begin
          window_q[i*RowBits+:RowBits] <= RowBits'(
              {column[i*PixelBits+:PixelBits], window_q[i*RowBits+:RowBits]} >> PixelBits);
        end
      end
    end
  end

  if (Beats == 1) begin : gen_direct
    assign window_take   = m_axis_tready;
    assign m_axis_tvalid = window_valid_q;
    assign m_axis_tdata  = window_q;
  end else begin : gen_fold
    logic [WindowBits-1:0] hold_q;
    logic                  hold_valid_q;
    logic                  last_beat;
    logic                  give;

    assign give = hold_valid_q && m_axis_tready;
    assign window_take = !hold_valid_q || (m_axis_tready && last_beat);
    assign m_axis_tvalid = hold_valid_q;
    assign m_axis_tdata = hold_q[SIMD*ELEM_BITS-1:0];

    bnn_loop #(
        .COUNT(Beats)
    ) u_beat (
        .clk   (clk),
        .rst_n (rst_n),
        .step_i(give),
        .last_o(last_beat)
    );

    always_ff @(posedge clk) begin
      if (!rst_n) hold_valid_q <= 1'b0;
      else if (window_take) hold_valid_q <= window_valid_q;
      if (window_take) hold_q <= window_q;
      else if (give && Folds > 1) begin
        hold_q <= WindowBits'({hold_q, hold_q} >> (SIMD * ELEM_BITS));
      end
    end
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
