// Maximum or sum pool on integers with stride equal to kernel and no padding.
//
// LANES channels per beat, CHANNELS/LANES beats per pixel; in ELEM_BITS, out OUT_BITS per element; rows
// and columns left over are dropped. Partial results of one output row (POOL_H > 1) or pixel are
// kept in LUT memory. Latency 1 from the last beat an output needs; one input beat per cycle.
module bnn_int_pool #(
    parameter int unsigned OPERATION = 0,  // 0 maximum, 1 sum
    parameter int unsigned ELEM_BITS = 8,
    parameter int unsigned SIGNED    = 1,
    parameter int unsigned OUT_BITS  = 8,
    parameter int unsigned CHANNELS  = 8,
    parameter int unsigned LANES     = 8,
    parameter int unsigned HEIGHT    = 4,
    parameter int unsigned WIDTH     = 4,
    parameter int unsigned POOL_H    = 2,
    parameter int unsigned POOL_W    = 2
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    output logic [ LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                       m_axis_tvalid,
    input  logic                       m_axis_tready
);

  localparam int unsigned Folds = CHANNELS / LANES;
  localparam int unsigned OutW = WIDTH / POOL_W;
  localparam int unsigned OutH = HEIGHT / POOL_H;
  localparam int unsigned Words = (POOL_H > 1 ? OutW : 1) * Folds;
  localparam int unsigned AddrBits = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned XBits = $clog2(WIDTH + 1);
  localparam int unsigned YBits = $clog2(HEIGHT + 1);
  localparam int unsigned InXBits = (POOL_W > 1) ? $clog2(POOL_W) : 1;
  localparam int unsigned InYBits = (POOL_H > 1) ? $clog2(POOL_H) : 1;

  if (OPERATION > 1 || SIGNED > 1) begin : gen_bad_operation
    $error("bnn_int_pool: OPERATION and SIGNED must be 0 or 1");
  end
  if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : gen_bad_lanes
    $error("bnn_int_pool: LANES must divide CHANNELS");
  end
  if (POOL_H < 1 || POOL_W < 1 || POOL_H > HEIGHT || POOL_W > WIDTH) begin : gen_bad_pool
    $error("bnn_int_pool: the kernel must be at least 1x1 and fit the image");
  end
  if (ELEM_BITS < 1 || OUT_BITS < ELEM_BITS || (OPERATION == 0 && OUT_BITS != ELEM_BITS))
  begin : gen_bad_bits
    $error("bnn_int_pool: OUT_BITS must be ELEM_BITS, or at least that for a sum");
  end

  // Position: fold of the pixel, place in the pool, place in the image.
  logic [  XBits-1:0] x_q;
  logic [  YBits-1:0] y_q;
  logic [InXBits-1:0] in_x_q;
  logic [InYBits-1:0] in_y_q;
  logic               accept;
  logic               last_fold;
  logic               last_x;
  logic               last_y;
  logic               last_in_x;
  logic               last_in_y;
  logic               kept_x;
  logic               complete;

  assign last_x = x_q == XBits'(WIDTH - 1);
  assign last_y = y_q == YBits'(HEIGHT - 1);
  assign last_in_x = in_x_q == InXBits'(POOL_W - 1);
  assign last_in_y = in_y_q == InYBits'(POOL_H - 1);
  assign kept_x = x_q < XBits'(OutW * POOL_W);
  assign complete = last_in_x && last_in_y && kept_x && y_q < YBits'(OutH * POOL_H);

  bnn_loop #(
      .COUNT(Folds)
  ) u_fold (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept),
      .last_o(last_fold)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      x_q <= '0;
      y_q <= '0;
      in_x_q <= '0;
      in_y_q <= '0;
    end else if (accept && last_fold) begin
      x_q <= last_x ? '0 : x_q + 1'b1;
      in_x_q <= (last_x || last_in_x) ? '0 : in_x_q + 1'b1;
      if (last_x) begin
        y_q <= last_y ? '0 : y_q + 1'b1;
        in_y_q <= (last_y || last_in_y) ? '0 : in_y_q + 1'b1;
      end
    end
  end

  // Partial results, and what the beat makes of them.
  logic                      first;
  logic [LANES*OUT_BITS-1:0] partial;
  logic [LANES*OUT_BITS-1:0] merged;

  assign first = in_x_q == '0 && in_y_q == '0;

  if (POOL_H * POOL_W == 1) begin : gen_copy
    assign partial = '0;
  end else if (Words == 1) begin : gen_register
    logic [LANES*OUT_BITS-1:0] partial_q;
    assign partial = partial_q;
    always_ff @(posedge clk) if (accept && kept_x) partial_q <= merged;
  end else begin : gen_memory
    logic [AddrBits-1:0] addr_q;
    (* ram_style = "distributed" *)
    logic [LANES*OUT_BITS-1:0] row[Words];

    assign partial = row[addr_q];
    always_ff @(posedge clk) if (accept && kept_x) row[addr_q] <= merged;

    // A pixel's beats pass the words of its pool; the next pixel of the pool begins there again.
    always_ff @(posedge clk) begin
      if (!rst_n) addr_q <= '0;
      else if (accept) begin
        if (!last_fold) addr_q <= addr_q + 1'b1;
        else if (last_x) addr_q <= '0;
        else if (last_in_x && POOL_H > 1) addr_q <= addr_q + 1'b1;
        else addr_q <= addr_q - AddrBits'(Folds - 1);
      end
    end
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic sign;
    logic [OUT_BITS-1:0] so_far;
    logic [OUT_BITS-1:0] x;

    assign so_far = partial[i*OUT_BITS+:OUT_BITS];
    assign sign = SIGNED == 1 && s_axis_tdata[(i+1)*ELEM_BITS-1];
    assign x = OUT_BITS'({{OUT_BITS{sign}}, s_axis_tdata[i*ELEM_BITS+:ELEM_BITS]});

    if (OPERATION == 1) begin : gen_sum
      assign merged[i*OUT_BITS+:OUT_BITS] = x + (first ? '0 : so_far);
    end else if (SIGNED == 1) begin : gen_signed_max
      logic signed [OUT_BITS-1:0] signed_x;
      logic signed [OUT_BITS-1:0] signed_so_far;
      assign signed_x = x;
      assign signed_so_far = so_far;
      assign merged[i*OUT_BITS+:OUT_BITS] = (first || signed_x > signed_so_far) ? x : so_far;
    end else begin : gen_unsigned_max
      assign merged[i*OUT_BITS+:OUT_BITS] = (first || x > so_far) ? x : so_far;
    end
  end

  // Output register.
  logic                      valid_q;
  logic [LANES*OUT_BITS-1:0] result_q;

  assign s_axis_tready = m_axis_tready || !valid_q;
  assign accept = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= accept && complete;
    if (s_axis_tready) result_q <= merged;
  end

  assign m_axis_tdata  = result_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
