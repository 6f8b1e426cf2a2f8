// Frame buffer and address generator: the input windows of a whole frame, PASSES times over.
//
// In: IN_LANES elements per beat, IN_LANES dividing SIMD; in raster order with channels innermost, or
// (TILE_MAJOR) IN_LANES channels of all pixels after IN_LANES channels of all pixels.
// Out: for each pass, for each output pixel, for ky, kx, channel fold: SIMD elements per beat. Of the
// passes the first PASSES / GROUPS play the first CHANNELS / GROUPS channels, and so on. A padded tap
// gives PAD_VALUE and raises m_axis_tuser. Two frames fit: one comes in while one is read.
// Latency 2 from a frame's last beat to its first; one beat out a cycle, one in a cycle.
module bnn_frame_window #(
    parameter int unsigned ELEM_BITS  = 1,
    parameter int unsigned CHANNELS   = 64,
    parameter int unsigned HEIGHT     = 7,
    parameter int unsigned WIDTH      = 7,
    parameter int unsigned KERNEL_H   = 3,
    parameter int unsigned KERNEL_W   = 3,
    parameter int unsigned STRIDE_H   = 1,
    parameter int unsigned STRIDE_W   = 1,
    parameter int unsigned PAD_TOP    = 1,
    parameter int unsigned PAD_BOTTOM = 1,
    parameter int unsigned PAD_LEFT   = 1,
    parameter int unsigned PAD_RIGHT  = 1,
    parameter int unsigned SIMD       = 64,
    parameter int unsigned PASSES     = 4,
    parameter int unsigned GROUPS     = 1,
    parameter int unsigned IN_LANES   = 64,
    parameter int unsigned TILE_MAJOR = 0,
    parameter int          PAD_VALUE  = 0,
    parameter int unsigned RAM_STYLE  = 0
) (
    input  logic                          clk,
    input  logic                          rst_n,
    input  logic [IN_LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                          s_axis_tvalid,
    output logic                          s_axis_tready,
    output logic [    SIMD*ELEM_BITS-1:0] m_axis_tdata,
    output logic                          m_axis_tuser,
    output logic                          m_axis_tvalid,
    input  logic                          m_axis_tready
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

  // Addresses count words of SIMD elements; signed, since windows begin in the padding.
  localparam int Words = CHANNELS / SIMD;  // of a pixel
  localparam int Folds = CHANNELS / GROUPS / SIMD;  // of a pixel, those of a group
  localparam int Columns = SIMD / IN_LANES;
  localparam int Row = Width * Words;
  localparam int Frame = Height * Row;
  localparam int OutH = (HEIGHT + PAD_TOP + PAD_BOTTOM - KERNEL_H) / STRIDE_H + 1;
  localparam int OutW = (WIDTH + PAD_LEFT + PAD_RIGHT - KERNEL_W) / STRIDE_W + 1;
  localparam int First = -((PadTop * Width + PadLeft) * Words);
  localparam int StepTap = Words - Folds + 1;
  localparam int StepRow = Row - (KernelW - 1) * Words - Folds + 1;
  localparam int StepWindow = 1 - ((KernelH - 1) * Width + KernelW - 1) * Words - Folds;
  localparam int MoveX = StrideW * Words;
  localparam int MoveY = StrideH * Row - (OutW - 1) * MoveX;
  localparam int StepPass = StepWindow - (OutH - 1) * StrideH * Row - (OutW - 1) * MoveX;
  localparam int AddrBits = $clog2(2 * Frame);

  if (SIMD < 1 || CHANNELS < 1 || GROUPS < 1 || CHANNELS % (GROUPS * SIMD) != 0)
  begin : gen_bad_simd
    $error("bnn_frame_window: SIMD must divide the CHANNELS of each of GROUPS");
  end
  if (PASSES % GROUPS != 0) begin : gen_bad_passes
    $error("bnn_frame_window: GROUPS must divide PASSES");
  end
  if (IN_LANES < 1 || SIMD % IN_LANES != 0) begin : gen_bad_lanes
    $error("bnn_frame_window: IN_LANES must divide SIMD");
  end
  if (HEIGHT + PAD_TOP + PAD_BOTTOM < KERNEL_H || WIDTH + PAD_LEFT + PAD_RIGHT < KERNEL_W)
  begin : gen_bad_kernel
    $error("bnn_frame_window: the kernel must fit the padded image");
  end
  if (PAD_TOP > KERNEL_H || PAD_BOTTOM > KERNEL_H || PAD_LEFT > KERNEL_W ||
      PAD_RIGHT > KERNEL_W) begin : gen_bad_padding
    $error("bnn_frame_window: each padding must be at most the kernel");
  end
  if (STRIDE_H < 1 || STRIDE_W < 1 || PASSES < 1 || TILE_MAJOR > 1) begin : gen_bad_order
    $error("bnn_frame_window: strides and PASSES must be at least 1, TILE_MAJOR 0 or 1");
  end

  // Two halves: the writer fills one, the reader empties the other.
  logic [1:0] full_q;
  logic       write_half_q;
  logic       read_half_q;
  logic       write;
  logic       write_done;  // with a frame's last beat
  logic       step;
  logic       read_done;  // with a frame's last read

  assign s_axis_tready = !full_q[write_half_q];
  assign write = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      full_q <= '0;
      write_half_q <= 1'b0;
      read_half_q <= 1'b0;
    end else begin
      if (write_done) begin
        full_q[write_half_q] <= 1'b1;
        write_half_q <= !write_half_q;
      end
      if (read_done) begin
        full_q[read_half_q] <= 1'b0;
        read_half_q <= !read_half_q;
      end
    end
  end

  // Writer: the word, and which column of IN_LANES elements of it.
  logic [AddrBits-1:0] waddr_q;
  logic                last_column;
  logic                last_fold_in;
  logic                last_pixel_in;

  assign write_done = write && last_column && last_fold_in && last_pixel_in;

  bnn_loop #(
      .COUNT(Columns)
  ) u_column (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(write && (TILE_MAJOR == 0 || last_pixel_in)),
      .last_o(last_column)
  );
  bnn_loop #(
      .COUNT(Words)
  ) u_fold_in (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(write && last_column && (TILE_MAJOR == 0 || last_pixel_in)),
      .last_o(last_fold_in)
  );
  bnn_loop #(
      .COUNT(HEIGHT * WIDTH)
  ) u_pixel_in (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(write && (TILE_MAJOR != 0 || (last_column && last_fold_in))),
      .last_o(last_pixel_in)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) waddr_q <= '0;
    else if (write_done) waddr_q <= write_half_q ? '0 : AddrBits'(Frame);
    else if (write) begin
      if (TILE_MAJOR == 0) waddr_q <= waddr_q + AddrBits'(last_column);
      else if (!last_pixel_in) waddr_q <= waddr_q + AddrBits'(Words);
      else waddr_q <= waddr_q - AddrBits'(Frame - Words) + AddrBits'(last_column);
    end
  end

  // Reader: loop counters, innermost first.
  logic last_fold;
  logic last_kx;
  logic last_ky;
  logic last_tap;
  logic last_x;
  logic last_y;
  logic last_pass;  // of a group
  logic last_group;
  logic end_row;
  logic end_pass;

  assign last_tap  = last_fold && last_kx && last_ky;
  assign end_row   = last_tap && last_x;
  assign end_pass  = end_row && last_y;
  assign read_done = step && end_pass && last_pass && last_group;

  bnn_loop #(
      .COUNT(Folds)
  ) u_fold (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step),
      .last_o(last_fold)
  );
  bnn_loop #(
      .COUNT(KERNEL_W)
  ) u_kx (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_fold),
      .last_o(last_kx)
  );
  bnn_loop #(
      .COUNT(KERNEL_H)
  ) u_ky (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_fold && last_kx),
      .last_o(last_ky)
  );
  bnn_loop #(
      .COUNT(OutW)
  ) u_x (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && last_tap),
      .last_o(last_x)
  );
  bnn_loop #(
      .COUNT(OutH)
  ) u_y (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && end_row),
      .last_o(last_y)
  );
  bnn_loop #(
      .COUNT(PASSES / GROUPS)
  ) u_pass (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && end_pass),
      .last_o(last_pass)
  );
  bnn_loop #(
      .COUNT(GROUPS)
  ) u_group (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step && end_pass && last_pass),
      .last_o(last_group)
  );

  // The word to read: a sum modulo a power of two, right wherever the tap is inside the image.
  logic [AddrBits-1:0] raddr_q;
  logic [AddrBits-1:0] raddr_move;
  logic                next_half;
  logic                pad;
  logic                load;
  logic                valid_q;

  assign load = !valid_q || m_axis_tready;
  assign step = load && full_q[read_half_q];
  assign next_half = read_half_q ^ (last_pass && last_group);
  assign m_axis_tvalid = valid_q;

  always_comb begin
    if (!last_fold) raddr_move = AddrBits'(1);
    else if (!last_kx) raddr_move = AddrBits'(StepTap);
    else if (!last_ky) raddr_move = AddrBits'(StepRow);
    else if (!last_x) raddr_move = AddrBits'(StepWindow + MoveX);
    else raddr_move = AddrBits'(StepWindow + MoveY);
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      raddr_q <= AddrBits'(First);
      valid_q <= 1'b0;
    end else begin
      if (step) begin
        if (!end_pass) raddr_q <= raddr_q + raddr_move;
        else if (GROUPS == 1 || (last_pass && last_group)) begin
          raddr_q <= next_half ? AddrBits'(Frame + First) : AddrBits'(First);
        end else begin
          raddr_q <= raddr_q + (last_pass ? AddrBits'(StepPass + Folds) : AddrBits'(StepPass));
        end
      end
      if (load) valid_q <= step;
    end
  end

  // One memory a column: each is written on its own.
  logic [Columns-1:0] column;

  if (Columns == 1) begin : gen_one_column
    assign column = 1'b1;
  end else begin : gen_column_select
    logic [Columns-1:0] column_q;
    assign column = column_q;
    always_ff @(posedge clk) begin
      if (!rst_n) column_q <= Columns'(1);
      else if (write && (TILE_MAJOR == 0 || last_pixel_in)) begin
        column_q <= {column_q[Columns-2:0], column_q[Columns-1]};
      end
    end
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    bnn_ram #(
        .WIDTH      (IN_LANES * ELEM_BITS),
        .DEPTH      (2 * Frame),
        .STYLE      (RAM_STYLE),
        .CLEARS     (PAD_TOP + PAD_BOTTOM + PAD_LEFT + PAD_RIGHT),
        .RESET_VALUE({IN_LANES{ELEM_BITS'(PAD_VALUE)}})
    ) u_ram (
        .clk    (clk),
        .we_i   (write && column[c]),
        .waddr_i(waddr_q),
        .wdata_i(s_axis_tdata),
        .re_i   (step),
        .clear_i(pad),
        .raddr_i(raddr_q),
        .rdata_o(m_axis_tdata[c*IN_LANES*ELEM_BITS+:IN_LANES*ELEM_BITS])
    );
  end

  if (PAD_TOP + PAD_BOTTOM + PAD_LEFT + PAD_RIGHT > 0) begin : gen_padding
    // Image coordinates of the tap to read; pad_q is known a cycle early.
    localparam int XBits = $clog2(WIDTH + KERNEL_W + STRIDE_W) + 1;
    localparam int YBits = $clog2(HEIGHT + KERNEL_H + STRIDE_H) + 1;
    logic signed [XBits-1:0] x_q;
    logic signed [XBits-1:0] x_d;
    logic signed [YBits-1:0] y_q;
    logic signed [YBits-1:0] y_d;
    logic                    pad_q;
    logic                    user_q;

    always_comb begin
      x_d = x_q;
      y_d = y_q;
      if (last_fold) begin
        if (!last_kx) x_d = x_q + XBits'(1);
        else if (!last_ky) x_d = x_q - XBits'(KERNEL_W - 1);
        else if (!last_x) x_d = x_q + XBits'(StrideW - KernelW + 1);
        else x_d = XBits'(-PadLeft);
        if (last_kx) begin
          if (!last_ky) y_d = y_q + YBits'(1);
          else if (!last_x) y_d = y_q - YBits'(KERNEL_H - 1);
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
