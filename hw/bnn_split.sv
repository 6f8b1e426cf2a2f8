// Deals the channels of each pixel to two streams: the complement of bnn_concat.
//
// In: LANES elements of ELEM_BITS a beat; FOLDS0 + FOLDS1 beats per pixel. Out: of each pixel the
// first FOLDS0 beats on the first stream, the others on the second. Latency 1; one beat per cycle.
// A beat that is not taken stops those behind it, of either stream.
module bnn_split #(
    parameter int unsigned ELEM_BITS = 8,
    parameter int unsigned LANES     = 4,
    parameter int unsigned FOLDS0    = 1,
    parameter int unsigned FOLDS1    = 1
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    output logic [LANES*ELEM_BITS-1:0] m0_axis_tdata,
    output logic                       m0_axis_tvalid,
    input  logic                       m0_axis_tready,
    output logic [LANES*ELEM_BITS-1:0] m1_axis_tdata,
    output logic                       m1_axis_tvalid,
    input  logic                       m1_axis_tready
);

  if (ELEM_BITS < 1 || LANES < 1 || FOLDS0 < 1 || FOLDS1 < 1) begin : gen_bad_size
    $error("bnn_split: ELEM_BITS, LANES, FOLDS0 and FOLDS1 must be positive");
  end

  localparam int unsigned Folds = FOLDS0 + FOLDS1;
  localparam int unsigned FoldBits = $clog2(Folds);

  logic [LANES*ELEM_BITS-1:0] data_q;
  logic [       FoldBits-1:0] fold_q;
  logic                       second_q;  // whose beat comes next
  logic                       last;
  logic                       valid0_q;
  logic                       valid1_q;

  assign s_axis_tready = (m0_axis_tready || !valid0_q) && (m1_axis_tready || !valid1_q);
  assign last = fold_q == FoldBits'(Folds - 1);

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid0_q <= 1'b0;
      valid1_q <= 1'b0;
      second_q <= 1'b0;
      fold_q   <= '0;
    end else if (s_axis_tready) begin
      valid0_q <= s_axis_tvalid && !second_q;
      valid1_q <= s_axis_tvalid && second_q;
      if (s_axis_tvalid) begin
        fold_q   <= last ? '0 : fold_q + 1'b1;
        second_q <= second_q ? !last : fold_q == FoldBits'(FOLDS0 - 1);
      end
    end
    if (s_axis_tready) data_q <= s_axis_tdata;
  end

  assign m0_axis_tdata  = data_q;
  assign m0_axis_tvalid = valid0_q;
  assign m1_axis_tdata  = data_q;
  assign m1_axis_tvalid = valid1_q;

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH($bits(m0_axis_tdata))
  ) u_check0 (
      .m_axis_tdata (m0_axis_tdata),
      .m_axis_tvalid(m0_axis_tvalid),
      .m_axis_tready(m0_axis_tready),
      .*
  );
  bnn_stream_check #(
      .WIDTH($bits(m1_axis_tdata))
  ) u_check1 (
      .m_axis_tdata (m1_axis_tdata),
      .m_axis_tvalid(m1_axis_tvalid),
      .m_axis_tready(m1_axis_tready),
      .*
  );
`endif

endmodule
