// Transposes a frame of beats: from row by row to column by column.
//
// In: ROWS * COLUMNS beats of LANES elements, row by row. Out: the same beats, column by column. So
// pixels of COLUMNS tiles become tiles of COLUMNS pixels, and back with ROWS and COLUMNS exchanged.
// It holds one frame: a beat comes into the slot that a beat of the frame before has left. A column
// goes out once its last row is in. Latency 2; one beat out a cycle, one in a cycle.
module bnn_transpose #(
    parameter int unsigned ELEM_BITS = 1,
    parameter int unsigned LANES     = 8,
    parameter int unsigned ROWS      = 49,
    parameter int unsigned COLUMNS   = 8,
    parameter int unsigned RAM_STYLE = 0
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

  if (ELEM_BITS < 1 || LANES < 1 || ROWS < 1 || COLUMNS < 1) begin : gen_bad_size
    $error("bnn_transpose: ELEM_BITS, LANES, ROWS and COLUMNS must be positive");
  end

  // One row or one column keeps its order: a queue, which is one row of at least two beats.
  localparam int unsigned Frame = ROWS * COLUMNS;
  localparam int unsigned Rows = COLUMNS > 1 ? ROWS : 1;
  localparam int unsigned Columns = Rows > 1 ? COLUMNS : Frame > 1 ? Frame : 2;
  localparam int unsigned Slots = Rows * Columns;
  localparam int unsigned AddrBits = $clog2(Slots);
  localparam int unsigned BeatBits = $clog2(Slots + 1);
  localparam int unsigned ColumnBits = $clog2(Columns + 1);

  logic write;
  logic last_column;
  logic last_row;
  logic step;
  logic last_row_out;
  logic load;
  logic valid_q;

  bnn_loop #(
      .COUNT(Columns)
  ) u_column (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(write),
      .last_o(last_column)
  );
  bnn_loop #(
      .COUNT(Rows)
  ) u_row (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(write && last_column),
      .last_o(last_row)
  );
  bnn_loop #(
      .COUNT(Rows)
  ) u_row_out (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step),
      .last_o(last_row_out)
  );

  // Beats in the slots, and columns of which all rows are in and not all out.
  logic [  BeatBits-1:0] beats_q;
  logic [ColumnBits-1:0] columns_q;
  logic                  full_q;
  logic                  ready_q;
  logic                  begins;
  logic                  ends;

  assign begins = write && last_row;
  assign ends   = step && last_row_out;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      beats_q   <= '0;
      columns_q <= '0;
      full_q    <= 1'b0;
      ready_q   <= 1'b0;
    end else begin
      if (write && !step) begin
        beats_q <= beats_q + 1'b1;
        full_q  <= beats_q == BeatBits'(Slots - 1);
      end else if (step && !write) begin
        beats_q <= beats_q - 1'b1;
        full_q  <= 1'b0;
      end
      if (begins && !ends) begin
        columns_q <= columns_q + 1'b1;
        ready_q   <= 1'b1;
      end else if (ends && !begins) begin
        columns_q <= columns_q - 1'b1;
        ready_q   <= columns_q != ColumnBits'(1);
      end
    end
  end

  assign s_axis_tready = !full_q;
  assign write = s_axis_tvalid && s_axis_tready;
  assign load = !valid_q || m_axis_tready;
  assign step = load && ready_q;
  assign m_axis_tvalid = valid_q;

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (load) valid_q <= step;
  end

  // Beat j of frame n lies in slot j * COLUMNS^n modulo Slots - 1. Frame n is read in the order in
  // which frame n + 1 is written. The stride of that order is the slot of beat COLUMNS: the second
  // row's first.
  logic [AddrBits-1:0] stride;
  logic [AddrBits-1:0] waddr;
  logic [AddrBits-1:0] waddr_d;
  logic [AddrBits-1:0] raddr;
  logic [AddrBits-1:0] raddr_d;

  bnn_stride_walk #(
      .SLOTS(Slots)
  ) u_write (
      .clk     (clk),
      .rst_n   (rst_n),
      .step_i  (write),
      .stride_i(stride),
      .addr_o  (waddr),
      .next_o  (waddr_d)
  );
  bnn_stride_walk #(
      .SLOTS(Slots)
  ) u_read (
      .clk     (clk),
      .rst_n   (rst_n),
      .step_i  (step),
      .stride_i(stride),
      .addr_o  (raddr),
      .next_o  (raddr_d)
  );

  if (Rows > 1) begin : gen_stride
    logic [AddrBits-1:0] stride_q;
    logic                first_row_q;

    assign stride = stride_q;

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        stride_q    <= AddrBits'(1);
        first_row_q <= 1'b1;
      end else if (write && last_column) begin
        if (first_row_q) stride_q <= waddr_d;
        first_row_q <= last_row;
      end
    end

    logic unused;
    assign unused = ^raddr_d;
  end else begin : gen_same_order
    assign stride = AddrBits'(1);

    logic unused;
    assign unused = ^{raddr_d, waddr_d, last_column};
  end

  bnn_ram #(
      .WIDTH(LANES * ELEM_BITS),
      .DEPTH(Slots),
      .STYLE(RAM_STYLE),
      .CLEARS(0)
  ) u_ram (
      .clk    (clk),
      .we_i   (write),
      .waddr_i(waddr),
      .wdata_i(s_axis_tdata),
      .re_i   (step),
      .clear_i(1'b0),
      .raddr_i(raddr),
      .rdata_o(m_axis_tdata)
  );

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
