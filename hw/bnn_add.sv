// Adds two streams element by element and saturates, all two's complement.
//
// In: LANES elements of IN_BITS a beat on each side; a beat is taken from both in the same cycle.
// Out: LANES elements of OUT_BITS. Latency 1; one beat per cycle.
module bnn_add #(
    parameter int unsigned IN_BITS  = 8,
    parameter int unsigned OUT_BITS = 8,
    parameter int unsigned LANES    = 4
) (
    input  logic                      clk,
    input  logic                      rst_n,
    input  logic [ LANES*IN_BITS-1:0] s0_axis_tdata,
    input  logic                      s0_axis_tvalid,
    output logic                      s0_axis_tready,
    input  logic [ LANES*IN_BITS-1:0] s1_axis_tdata,
    input  logic                      s1_axis_tvalid,
    output logic                      s1_axis_tready,
    output logic [LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                      m_axis_tvalid,
    input  logic                      m_axis_tready
);

  if (IN_BITS < 1 || OUT_BITS < 1 || LANES < 1) begin : gen_bad_size
    $error("bnn_add: IN_BITS, OUT_BITS and LANES must be positive");
  end

  logic [LANES*OUT_BITS-1:0] sums;
  logic [LANES*OUT_BITS-1:0] sums_q;
  logic                      load;
  logic                      valid_q;

  assign load = m_axis_tready || !valid_q;
  assign s0_axis_tready = load && s1_axis_tvalid;
  assign s1_axis_tready = load && s0_axis_tvalid;

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    logic signed [IN_BITS-1:0] a;
    logic signed [IN_BITS-1:0] b;
    logic signed [  IN_BITS:0] sum;

    assign a   = s0_axis_tdata[i*IN_BITS+:IN_BITS];
    assign b   = s1_axis_tdata[i*IN_BITS+:IN_BITS];
    assign sum = (IN_BITS + 1)'(a) + (IN_BITS + 1)'(b);

    if (OUT_BITS > IN_BITS) begin : gen_exact
      assign sums[i*OUT_BITS+:OUT_BITS] = OUT_BITS'(sum);
    end else begin : gen_saturate
      // The sum fits where the bits that are cut off are copies of the sign that stays.
      localparam int unsigned CutBits = IN_BITS + 2 - OUT_BITS;
      logic [CutBits-1:0] cut;
      logic               fits;

      assign cut  = sum[IN_BITS-:CutBits];
      assign fits = cut == '0 || cut == '1;
      always_comb begin
        sums[i*OUT_BITS+:OUT_BITS] = {OUT_BITS{!sum[IN_BITS]}};
        sums[(i+1)*OUT_BITS-1] = sum[IN_BITS];
        if (fits) sums[i*OUT_BITS+:OUT_BITS] = sum[OUT_BITS-1:0];
      end
    end
  end

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (load) valid_q <= s0_axis_tvalid && s1_axis_tvalid;
    if (load) sums_q <= sums;
  end

  assign m_axis_tdata  = sums_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
