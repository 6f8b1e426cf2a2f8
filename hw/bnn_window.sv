// Line buffer and address generator: the input windows of a convolution or a pool, one beat a tap
// and channel fold, each window REPEATS times; order (ky, kx, fold) or, with CHANNEL_OUTER,
// (fold, ky, kx). With GROUPS, each group of channels is a window of its own, one after the other.
// A padded tap gives PAD_VALUE and raises m_axis_tuser.
// Streams: SIMD elements per beat; in raster order, channels innermost; frames without a gap.
// Latency 2 cycles from the beat that a tap needs; one beat out a cycle, one in a cycle.
module bnn_window #(
    parameter int unsigned ELEM_BITS     = 1,
    parameter int unsigned CHANNELS      = 64,
    parameter int unsigned HEIGHT        = 8,
    parameter int unsigned WIDTH         = 8,
    parameter int unsigned KERNEL_H      = 3,
    parameter int unsigned KERNEL_W      = 3,
    parameter int unsigned STRIDE_H      = 1,
    parameter int unsigned STRIDE_W      = 1,
    parameter int unsigned PAD_TOP       = 1,
    parameter int unsigned PAD_BOTTOM    = 1,
    parameter int unsigned PAD_LEFT      = 1,
    parameter int unsigned PAD_RIGHT     = 1,
    parameter int unsigned SIMD          = 64,
    parameter int unsigned REPEATS       = 1,
    parameter int unsigned GROUPS        = 1,
    parameter int unsigned CHANNEL_OUTER = 0,
    parameter int          PAD_VALUE     = 0,
    parameter int unsigned DEPTH         = 32,
    parameter int unsigned RAM_STYLE     = 0
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [SIMD*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                      s_axis_tvalid,
    output logic                      s_axis_tready,
    output logic [SIMD*ELEM_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tuser,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  // The sizes as signed numbers: no cast makes an unsigned parameter signed for every tool.
  localparam int Height = HEIGHT;
  localparam int Width = WIDTH;
  localparam int KernelH = KERNEL_H;
  localparam int KernelW = KERNEL_W;
  localparam int StrideH = STRIDE_H;
  localparam int StrideW = STRIDE_W;
  localparam int PadTop = PAD_TOP;
  localparam int PadLeft = PAD_LEFT;
  localparam int Depth = DEPTH;
  localparam int Groups = GROUPS;

  // Everything is counted in beats; signed, since windows begin in the padding.
  localparam int Folds = CHANNELS / SIMD;
  localparam int GroupFolds = CHANNELS / SIMD / GROUPS;
  localparam int Row = Width * Folds;
  localparam int Frame = Height * Row;
  localparam int OutH = (HEIGHT + PAD_TOP + PAD_BOTTOM - KERNEL_H) / STRIDE_H + 1;
  localparam int OutW = (WIDTH + PAD_LEFT + PAD_RIGHT - KERNEL_W) / STRIDE_W + 1;
  localparam bit Padded = PAD_TOP + PAD_BOTTOM + PAD_LEFT + PAD_RIGHT > 0;
  localparam bit Pointwise = KERNEL_H == 1 && KERNEL_W == 1 && !Padded;
  localparam int Span = ((KernelH - 1) * Width + KernelW) * Folds;

  // Where reading begins, and how far it moves at each kind of step.
  localparam int First = -((PadTop * Width + PadLeft) * Folds);
  localparam int StepTap = CHANNEL_OUTER != 0 ? Folds : 1;
  localparam int StepPixel = Folds - GroupFolds + 1;
  localparam int StepRow = CHANNEL_OUTER != 0 ? Row - (KernelW - 1) * Folds
                                              : Row - (KernelW - 1) * Folds - GroupFolds + 1;
  localparam int StepFold = Folds - Span + 1;
  localparam int StepRepeat = Folds - GroupFolds + 1 - Span;
  localparam int StepGroup = StepRepeat + GroupFolds;
  localparam int StepWindow = StepRepeat - (Groups - 1) * GroupFolds;
  localparam int MoveX = StrideW * Folds;
  localparam int MoveY = StrideH * Row - (OutW - 1) * MoveX;
  localparam int MoveFrame = Frame - (OutH - 1) * StrideH * Row - (OutW - 1) * MoveX;
  // Whether the last row of windows lies below the image, where beats are the next frame's.
  localparam bit Below = OutH * StrideH >= Height + PadTop + StrideH;

  localparam int AddrBits = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int ReachBits = $clog2(Depth + Frame + 2 * Span) + 1;
  localparam int XBits = $clog2(WIDTH + KERNEL_W + STRIDE_W) + 1;
  localparam int YBits = $clog2(HEIGHT + KERNEL_H + STRIDE_H) + 1;

  function automatic int modulo(int beats);
    modulo = ((beats % Depth) + Depth) % Depth;
  endfunction

  if (SIMD < 1 || CHANNELS % SIMD != 0) begin : gen_bad_simd
    $error("bnn_window: SIMD must divide CHANNELS");
  end
  if (HEIGHT + PAD_TOP + PAD_BOTTOM < KERNEL_H || WIDTH + PAD_LEFT + PAD_RIGHT < KERNEL_W)
  begin : gen_bad_kernel
    $error("bnn_window: the kernel must fit the padded image");
  end
  if (PAD_TOP > KERNEL_H || PAD_BOTTOM > KERNEL_H || PAD_LEFT > KERNEL_W ||
      PAD_RIGHT > KERNEL_W) begin : gen_bad_padding
    $error("bnn_window: each padding must be at most the kernel");
  end
  if (STRIDE_H < 1 || STRIDE_W < 1 || REPEATS < 1 || CHANNEL_OUTER > 1) begin : gen_bad_order
    $error("bnn_window: strides and REPEATS must be at least 1, CHANNEL_OUTER 0 or 1");
  end
  if (GROUPS < 1 || Folds % Groups != 0 || (GROUPS > 1 && CHANNEL_OUTER != 0)) begin : gen_bad_group
    $error("bnn_window: GROUPS must divide CHANNELS/SIMD, and be 1 with CHANNEL_OUTER");
  end
  if (DEPTH < 2 || (Depth < Span && !(Pointwise && REPEATS == 1))) begin : gen_bad_depth
    $error("bnn_window: DEPTH must be at least 2 and ((KERNEL_H-1)*WIDTH+KERNEL_W)*CHANNELS/SIMD");
  end
  if (Padded && Depth < Folds - First) begin : gen_short_depth
    $error("bnn_window: DEPTH must be at least (PAD_TOP*WIDTH+PAD_LEFT+1)*CHANNELS/SIMD");
  end

  // Loop counters, innermost first.
  logic last_fold;
  logic last_kx;
  logic last_ky;
  logic last_tap;
  logic last_repeat;
  logic last_group;
  logic last_window;
  logic last_x;
  logic last_y;
  logic step;

  bnn_loop #(
      .COUNT(GroupFolds)
  ) u_fold (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && (CHANNEL_OUTER == 0 || (last_kx && last_ky))),
      .last_o(last_fold)
  );
  bnn_loop #(
      .COUNT(KERNEL_W)
  ) u_kx (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && (CHANNEL_OUTER != 0 || last_fold)),
      .last_o(last_kx)
  );
  bnn_loop #(
      .COUNT(KERNEL_H)
  ) u_ky (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_kx && (CHANNEL_OUTER != 0 || last_fold)),
      .last_o(last_ky)
  );
  assign last_tap = last_fold && last_kx && last_ky;
  bnn_loop #(
      .COUNT(REPEATS)
  ) u_repeat (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_tap),
      .last_o(last_repeat)
  );
  bnn_loop #(
      .COUNT(GROUPS)
  ) u_group (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_tap && last_repeat),
      .last_o(last_group)
  );
  assign last_window = last_repeat && last_group;
  bnn_loop #(
      .COUNT(OutW)
  ) u_x (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_tap && last_window),
      .last_o(last_x)
  );
  bnn_loop #(
      .COUNT(OutH)
  ) u_y (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_tap && last_window && last_x),
      .last_o(last_y)
  );

  // The tap to read next: where it is (modulo DEPTH), and how many beats beyond it are there.
  logic signed [ReachBits-1:0] delta;
  logic signed [ReachBits-1:0] release_by;
  logic signed [ReachBits-1:0] ahead_q;  // beats written beyond the tap; -1: it comes next
  logic signed [ReachBits-1:0] room_q;  // beats that may come, less one
  logic        [ AddrBits-1:0] raddr_move;
  logic        [   AddrBits:0] raddr_sum;
  logic        [ AddrBits-1:0] raddr_q;
  logic        [ AddrBits-1:0] waddr_q;
  logic                        write;
  logic                        pad;
  logic                        load;
  logic                        valid_q;

  always_comb begin
    if (CHANNEL_OUTER == 0 ? !last_fold : !last_kx) begin
      delta = ReachBits'(StepTap);
      raddr_move = AddrBits'(modulo(StepTap));
    end else if (!last_kx) begin
      delta = ReachBits'(StepPixel);
      raddr_move = AddrBits'(modulo(StepPixel));
    end else if (!last_ky) begin
      delta = ReachBits'(StepRow);
      raddr_move = AddrBits'(modulo(StepRow));
    end else if (!last_tap) begin
      delta = ReachBits'(StepFold);
      raddr_move = AddrBits'(modulo(StepFold));
    end else if (!last_repeat) begin
      delta = ReachBits'(StepRepeat);
      raddr_move = AddrBits'(modulo(StepRepeat));
    end else if (!last_group) begin
      delta = ReachBits'(StepGroup);
      raddr_move = AddrBits'(modulo(StepGroup));
    end else if (!last_x) begin
      delta = ReachBits'(StepWindow + MoveX);
      raddr_move = AddrBits'(modulo(StepWindow + MoveX));
    end else if (!last_y) begin
      delta = ReachBits'(StepWindow + MoveY);
      raddr_move = AddrBits'(modulo(StepWindow + MoveY));
    end else begin
      delta = ReachBits'(StepWindow + MoveFrame);
      raddr_move = AddrBits'(modulo(StepWindow + MoveFrame));
    end
  end

  // A window's last read frees what lies before the next window; where the kernel is one pixel,
  // each last read of a beat frees it. Windows below the image free nothing until all are read.
  always_comb begin
    release_by = '0;
    if (Below && last_y) begin
      if (last_window && last_tap && last_x) begin
        release_by = ReachBits'(MoveFrame + (OutW - 1) * MoveX);
      end
    end else if (last_repeat && Pointwise) release_by = delta;
    else if (last_window && last_tap) begin
      if (!last_x) release_by = ReachBits'(MoveX);
      else if (!last_y) release_by = ReachBits'(MoveY);
      else release_by = ReachBits'(MoveFrame);
    end
  end

  assign s_axis_tready = !room_q[ReachBits-1];
  assign write = s_axis_tvalid && s_axis_tready;
  assign load = !valid_q || m_axis_tready;
  assign step = load && (pad || !ahead_q[ReachBits-1]);
  assign raddr_sum = {1'b0, raddr_q} + {1'b0, raddr_move};
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      ahead_q <= ReachBits'(-First - 1);
      room_q  <= ReachBits'(Depth + First - 1);
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
      .WIDTH      (SIMD * ELEM_BITS),
      .DEPTH      (DEPTH),
      .STYLE      (RAM_STYLE),
      .CLEARS     (32'(Padded)),
      .RESET_VALUE({SIMD{ELEM_BITS'(PAD_VALUE)}})
  ) u_ram (
      .clk    (clk),
      .we_i   (write),
      .waddr_i(waddr_q),
      .wdata_i(s_axis_tdata),
      .re_i   (step),
      .clear_i(pad),
      .raddr_i(raddr_q),
      .rdata_o(m_axis_tdata)
  );

  if (Padded) begin : gen_padding
    // Image coordinates of the tap to read; pad_q is known a cycle early.
    logic signed [XBits-1:0] x_q;
    logic signed [XBits-1:0] x_d;
    logic signed [YBits-1:0] y_q;
    logic signed [YBits-1:0] y_d;
    logic                    pad_q;
    logic                    user_q;

    always_comb begin
      x_d = x_q;
      y_d = y_q;
      if (CHANNEL_OUTER != 0 || last_fold) begin
        if (!last_kx) x_d = x_q + XBits'(1);
        else if (!(last_tap && last_window)) x_d = x_q - XBits'(KERNEL_W - 1);
        else if (!last_x) x_d = x_q + XBits'(StrideW - KernelW + 1);
        else x_d = XBits'(-PadLeft);
        if (last_kx) begin
          if (!last_ky) y_d = y_q + YBits'(1);
          else if (!(last_tap && last_window && last_x)) y_d = y_q - YBits'(KERNEL_H - 1);
          else if (!last_y) y_d = y_q + YBits'(StrideH - KernelH + 1);
          else y_d = YBits'(-PadTop);
        end
      end
    end

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        x_q    <= XBits'(-PadLeft);
        y_q    <= YBits'(-PadTop);
        pad_q  <= PAD_LEFT + PAD_TOP > 0;
        user_q <= 1'b0;
      end else if (step) begin
        x_q    <= x_d;
        y_q    <= y_d;
        pad_q  <= x_d < 0 || x_d >= XBits'(Width) || y_d < 0 || y_d >= YBits'(Height);
        user_q <= pad_q;
      end
    end

    assign pad = pad_q;
    assign m_axis_tuser = user_q;
  end else begin : gen_no_padding
    assign pad = 1'b0;
    assign m_axis_tuser = 1'b0;
  end

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH($bits(m_axis_tdata) + 1)
  ) u_check (
      .m_axis_tdata({m_axis_tuser, m_axis_tdata}),
      .*
  );
`endif

endmodule
