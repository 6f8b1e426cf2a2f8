// Maximum or sum of TAPS integers, behind a window with channels outermost.
//
// In: for each of FOLDS channel folds, TAPS beats of LANES elements of ELEM_BITS; tuser marks taps
// in the padding, which count for nothing. Out: one beat a fold, elements of OUT_BITS; a window of
// padding alone gives 0. Latency 1 from a fold's last beat; one input beat per cycle.
module bnn_int_pool_reduce #(
    parameter int unsigned OPERATION = 0,  // 0 maximum, 1 sum
    parameter int unsigned ELEM_BITS = 8,
    parameter int unsigned SIGNED    = 1,
    parameter int unsigned OUT_BITS  = 8,
    parameter int unsigned LANES     = 4,
    parameter int unsigned FOLDS     = 1,
    parameter int unsigned TAPS      = 9
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                       s_axis_tuser,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    output logic [ LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                       m_axis_tvalid,
    input  logic                       m_axis_tready
);

  if (OPERATION > 1 || SIGNED > 1) begin : gen_bad_operation
    $error("bnn_int_pool_reduce: OPERATION and SIGNED must be 0 or 1");
  end
  // FOLDS only says what a pixel is: every fold is reduced alike.
  if (LANES < 1 || FOLDS < 1 || TAPS < 1 || ELEM_BITS < 1) begin : gen_bad_size
    $error("bnn_int_pool_reduce: ELEM_BITS, LANES, FOLDS and TAPS must be positive");
  end
  if (OUT_BITS < ELEM_BITS || (OPERATION == 0 && OUT_BITS != ELEM_BITS)) begin : gen_bad_bits
    $error("bnn_int_pool_reduce: OUT_BITS must be ELEM_BITS, or at least that for a sum");
  end

  logic                      accept;
  logic                      last_tap;
  logic                      none_q;  // no tap of the image has come since the last result
  logic                      valid_q;
  logic [LANES*OUT_BITS-1:0] merged;
  logic [LANES*OUT_BITS-1:0] result_q;

  assign s_axis_tready = m_axis_tready || !valid_q;
  assign accept = s_axis_tvalid && s_axis_tready;

  bnn_loop #(
      .COUNT(TAPS)
  ) u_tap (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept),
      .last_o(last_tap)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      none_q  <= 1'b1;
      valid_q <= 1'b0;
    end else begin
      if (s_axis_tready) valid_q <= accept && last_tap;
      if (accept) none_q <= last_tap || (none_q && s_axis_tuser);
    end
    if (accept) result_q <= merged;
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic sign;
    logic [OUT_BITS-1:0] so_far;
    logic [OUT_BITS-1:0] x;
    logic [OUT_BITS-1:0] with_x;

    assign so_far = none_q ? '0 : result_q[i*OUT_BITS+:OUT_BITS];
    assign sign = SIGNED == 1 && s_axis_tdata[(i+1)*ELEM_BITS-1];
    assign x = OUT_BITS'({{OUT_BITS{sign}}, s_axis_tdata[i*ELEM_BITS+:ELEM_BITS]});

    if (OPERATION == 1) begin : gen_sum
      assign with_x = so_far + x;
    end else if (SIGNED == 1) begin : gen_signed_max
      logic signed [OUT_BITS-1:0] signed_x;
      logic signed [OUT_BITS-1:0] signed_so_far;
      assign signed_x = x;
      assign signed_so_far = so_far;
      assign with_x = (none_q || signed_x > signed_so_far) ? x : so_far;
    end else begin : gen_unsigned_max
      assign with_x = (x > so_far) ? x : so_far;
    end
    assign merged[i*OUT_BITS+:OUT_BITS] = s_axis_tuser ? so_far : with_x;
  end

  assign m_axis_tdata  = result_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
