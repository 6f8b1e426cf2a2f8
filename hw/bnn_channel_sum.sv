// Adds up all channels of each pixel.
//
// In: FOLDS beats of LANES elements of IN_BITS per pixel. Out: one element of OUT_BITS per pixel.
// Latency: ceil(log2(LANES)) + 1 from a pixel's last beat. One input beat per cycle; one enable:
// bubbles are not closed.
module bnn_channel_sum #(
    parameter int unsigned IN_BITS   = 8,
    parameter int unsigned IN_SIGNED = 0,
    parameter int unsigned OUT_BITS  = 12,
    parameter int unsigned LANES     = 4,
    parameter int unsigned FOLDS     = 4
) (
    input  logic                     clk,
    input  logic                     rst_n,
    input  logic [LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                     s_axis_tvalid,
    output logic                     s_axis_tready,
    output logic [     OUT_BITS-1:0] m_axis_tdata,
    output logic                     m_axis_tvalid,
    input  logic                     m_axis_tready
);

  if (IN_BITS < 1 || LANES < 1 || FOLDS < 1 || IN_SIGNED > 1) begin : gen_bad_size
    $error("bnn_channel_sum: IN_BITS, LANES and FOLDS must be positive, IN_SIGNED 0 or 1");
  end
  if (OUT_BITS < IN_BITS + $clog2(LANES * FOLDS)) begin : gen_bad_out
    $error("bnn_channel_sum: OUT_BITS must hold every sum");
  end

  // Terms of the tree are signed.
  localparam int unsigned TermBits = IN_BITS + 1 - IN_SIGNED;
  localparam int unsigned Levels = $clog2(LANES);
  localparam int unsigned SumBits = TermBits + Levels;

  logic en;
  logic come;  // the tree gives a beat's sum
  logic last;
  logic none_q;  // no beat of the pixel has come
  logic valid_q;
  logic [LANES*TermBits-1:0] terms;
  logic [SumBits-1:0] sum;
  logic [OUT_BITS-1:0] so_far;
  logic [OUT_BITS-1:0] total_q;
  logic unused_carry;

  assign en = m_axis_tready || !valid_q;
  assign s_axis_tready = en;

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic [IN_BITS-1:0] x;
    assign x = s_axis_tdata[i*IN_BITS+:IN_BITS];
    assign terms[i*TermBits+:TermBits] = TermBits'({(IN_SIGNED == 1) && x[IN_BITS-1], x});
  end

  bnn_adder_tree #(
      .TERMS(LANES),
      .BITS(TermBits),
      .OUT_BITS(SumBits)
  ) u_tree (
      .clk(clk),
      .en_i(en),
      .terms_i(terms),
      .carries_i('0),
      .sum_o(sum),
      .carry_o(unused_carry)
  );

  if (Levels == 0) begin : gen_now
    assign come = s_axis_tvalid;
  end else begin : gen_later
    logic [Levels-1:0] come_q;
    always_ff @(posedge clk) begin
      if (!rst_n) come_q <= '0;
      else if (en) come_q <= Levels'({come_q, s_axis_tvalid});
    end
    assign come = come_q[Levels-1];
  end

  bnn_loop #(
      .COUNT(FOLDS)
  ) u_fold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && come),
      .last_o(last)
  );

  assign so_far = none_q ? '0 : total_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      none_q  <= 1'b1;
      valid_q <= 1'b0;
    end else if (en) begin
      valid_q <= come && last;
      if (come) none_q <= last;
    end
    if (en && come) total_q <= so_far + OUT_BITS'({{OUT_BITS{sum[SumBits-1]}}, sum});
  end

  assign m_axis_tdata  = total_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
