// Maximum or sum pool on integers whose windows overlap, leave gaps or reach into padding.
//
// LANES channels per beat, CHANNELS/LANES beats per pixel; in ELEM_BITS, out OUT_BITS per element.
// Padding counts for nothing; rows and columns that no window uses are dropped. Each row of pixels
// is pooled along x, the results along y: kept are a pixel's channels (LUT memory) and one output
// row (RAM_STYLE). Latency 2 from the last beat an output needs; one input beat per cycle.
module bnn_int_pool_overlap #(
    parameter int unsigned OPERATION  = 0,  // 0 maximum, 1 sum
    parameter int unsigned ELEM_BITS  = 8,
    parameter int unsigned SIGNED     = 1,
    parameter int unsigned OUT_BITS   = 8,
    parameter int unsigned CHANNELS   = 8,
    parameter int unsigned LANES      = 4,
    parameter int unsigned HEIGHT     = 8,
    parameter int unsigned WIDTH      = 8,
    parameter int unsigned KERNEL_H   = 3,
    parameter int unsigned KERNEL_W   = 3,
    parameter int unsigned STRIDE_H   = 2,
    parameter int unsigned STRIDE_W   = 2,
    parameter int unsigned PAD_TOP    = 1,
    parameter int unsigned PAD_BOTTOM = 1,
    parameter int unsigned PAD_LEFT   = 1,
    parameter int unsigned PAD_RIGHT  = 1,
    parameter int unsigned RAM_STYLE  = 0
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
  localparam int unsigned OutW = (WIDTH + PAD_LEFT + PAD_RIGHT - KERNEL_W) / STRIDE_W + 1;

  if (OPERATION > 1 || SIGNED > 1) begin : gen_bad_operation
    $error("bnn_int_pool_overlap: OPERATION and SIGNED must be 0 or 1");
  end
  if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : gen_bad_lanes
    $error("bnn_int_pool_overlap: LANES must divide CHANNELS");
  end
  if (ELEM_BITS < 1 || OUT_BITS < ELEM_BITS || (OPERATION == 0 && OUT_BITS != ELEM_BITS))
  begin : gen_bad_bits
    $error("bnn_int_pool_overlap: OUT_BITS must be ELEM_BITS, or at least that for a sum");
  end

  logic [LANES*OUT_BITS-1:0] x;
  logic [LANES*OUT_BITS-1:0] row_tdata;
  logic                      row_tvalid;
  logic                      row_tready;

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic sign;
    assign sign = SIGNED == 1 && s_axis_tdata[(i+1)*ELEM_BITS-1];
    assign x[i*OUT_BITS+:OUT_BITS] =
        OUT_BITS'({{OUT_BITS{sign}}, s_axis_tdata[i*ELEM_BITS+:ELEM_BITS]});
  end

  bnn_int_pool_axis #(
      .OPERATION (OPERATION),
      .BITS      (OUT_BITS),
      .SIGNED    (SIGNED),
      .LANES     (LANES),
      .INNER     (Folds),
      .SIZE      (WIDTH),
      .KERNEL    (KERNEL_W),
      .STRIDE    (STRIDE_W),
      .PAD_BEFORE(PAD_LEFT),
      .PAD_AFTER (PAD_RIGHT),
      .RAM_STYLE (1)
  ) u_columns (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (x),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata (row_tdata),
      .m_axis_tvalid(row_tvalid),
      .m_axis_tready(row_tready)
  );

  bnn_int_pool_axis #(
      .OPERATION (OPERATION),
      .BITS      (OUT_BITS),
      .SIGNED    (SIGNED),
      .LANES     (LANES),
      .INNER     (OutW * Folds),
      .SIZE      (HEIGHT),
      .KERNEL    (KERNEL_H),
      .STRIDE    (STRIDE_H),
      .PAD_BEFORE(PAD_TOP),
      .PAD_AFTER (PAD_BOTTOM),
      .RAM_STYLE (RAM_STYLE)
  ) u_rows (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (row_tdata),
      .s_axis_tvalid(row_tvalid),
      .s_axis_tready(row_tready),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule
