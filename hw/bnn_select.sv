// Chooses between two streams, element by element: of numbers a and b, b where a >= T of its channel,
// else a; the other way round where the channel's field says so. Each is enlarged by a factor first.
//
// In: LANES elements of A_BITS and of B_BITS a beat, two's complement; a beat is taken from both sides
// in the same cycle. FOLDS beats of LANES elements per pixel; or, tile by tile, HOLD beats for each of
// the FOLDS words. A field of the image has A_BITS + 2 bits: the signed threshold of A_BITS + 1, and
// above it the inversion. Out: LANES elements of OUT_BITS, which hold what is chosen. Latency 2; one
// beat per cycle.
module bnn_select #(
    parameter int unsigned A_BITS = 8,
    parameter int unsigned B_BITS = 8,
    parameter int unsigned OUT_BITS = 8,
    parameter int unsigned A_FACTOR = 1,
    parameter int unsigned B_FACTOR = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned FOLDS = 1,
    parameter int unsigned HOLD = 1,
    parameter THRESHOLDS_FILE = ""
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [  LANES*A_BITS-1:0] s0_axis_tdata,
    input  logic                      s0_axis_tvalid,
    output logic                      s0_axis_tready,
    input  logic [  LANES*B_BITS-1:0] s1_axis_tdata,
    input  logic                      s1_axis_tvalid,
    output logic                      s1_axis_tready,
    output logic [LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  localparam int unsigned FoldBits = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned FieldBits = A_BITS + 2;

  if (A_BITS == 0 || B_BITS == 0 || OUT_BITS == 0) begin : gen_bad_bits
    $error("bnn_select: A_BITS, B_BITS and OUT_BITS must be positive");
  end
  if (LANES == 0 || FOLDS == 0 || HOLD == 0) begin : gen_bad_size
    $error("bnn_select: LANES, FOLDS and HOLD must be positive");
  end
  if (A_FACTOR == 0 || B_FACTOR == 0) begin : gen_bad_factor
    $error("bnn_select: A_FACTOR and B_FACTOR must be positive");
  end

  logic en;
  logic both;
  logic valid_q;
  logic out_valid_q;
  logic last_hold;
  logic [FoldBits-1:0] fold_q;
  logic [LANES*A_BITS-1:0] a_q;
  logic [LANES*B_BITS-1:0] b_q;
  logic [LANES*FieldBits-1:0] fields;
  logic [LANES*OUT_BITS-1:0] out_q;

  assign en = m_axis_tready || !out_valid_q;
  assign both = s0_axis_tvalid && s1_axis_tvalid;
  assign s0_axis_tready = en && s1_axis_tvalid;
  assign s1_axis_tready = en && s0_axis_tvalid;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_hold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && both),
      .last_o(last_hold)
  );

  bnn_rom #(
      .WIDTH(LANES * FieldBits),
      .DEPTH(FOLDS),
      .STYLE(1),
      .FILE (THRESHOLDS_FILE)
  ) u_thresholds (
      .clk(clk),
      .en_i(en),
      .addr_i(fold_q),
      .data_o(fields)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q <= 1'b0;
      out_valid_q <= 1'b0;
      fold_q <= '0;
    end else if (en) begin
      valid_q <= both;
      out_valid_q <= valid_q;
      if (both && last_hold) begin
        fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
      end
    end
    if (en) begin
      a_q <= s0_axis_tdata;
      b_q <= s1_axis_tdata;
    end
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic signed [  A_BITS-1:0] a;
    logic signed [  B_BITS-1:0] b;
    logic signed [    A_BITS:0] threshold;
    logic signed [OUT_BITS-1:0] a_large;
    logic signed [OUT_BITS-1:0] b_large;
    logic                       chosen;
    assign a = a_q[i*A_BITS+:A_BITS];
    assign b = b_q[i*B_BITS+:B_BITS];
    assign threshold = fields[i*FieldBits+:A_BITS+1];
    // Sums of shifts, lest a DSP block be taken for a constant.
    always_comb begin
      a_large = '0;
      b_large = '0;
      for (int k = 0; k < 32; k++) begin
        if (A_FACTOR[k]) a_large = a_large + (OUT_BITS'(a) <<< k);
        if (B_FACTOR[k]) b_large = b_large + (OUT_BITS'(b) <<< k);
      end
    end
    assign chosen = ((A_BITS + 1)'(a) >= threshold) ^ fields[(i+1)*FieldBits-1];
    always_ff @(posedge clk) begin
      if (en) out_q[i*OUT_BITS+:OUT_BITS] <= chosen ? b_large : a_large;
    end
  end

  assign m_axis_tdata  = out_q;
  assign m_axis_tvalid = out_valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
