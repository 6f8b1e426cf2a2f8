// Puts the channels of two streams one after the other, pixel by pixel.
//
// In: LANES elements of ELEM_BITS a beat; FOLDS0 beats per pixel on the first side, FOLDS1 on the
// second. Out: of each pixel the beats of the first, then those of the second. Latency 1; one beat
// per cycle.
module bnn_concat #(
    parameter int unsigned ELEM_BITS = 8,
    parameter int unsigned LANES     = 4,
    parameter int unsigned FOLDS0    = 1,
    parameter int unsigned FOLDS1    = 1
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [LANES*ELEM_BITS-1:0] s0_axis_tdata,
    input  logic                       s0_axis_tvalid,
    output logic                       s0_axis_tready,
    input  logic [LANES*ELEM_BITS-1:0] s1_axis_tdata,
    input  logic                       s1_axis_tvalid,
    output logic                       s1_axis_tready,
    output logic [LANES*ELEM_BITS-1:0] m_axis_tdata,
    output logic                       m_axis_tvalid,
    input  logic                       m_axis_tready
);

  if (ELEM_BITS < 1 || LANES < 1 || FOLDS0 < 1 || FOLDS1 < 1) begin : gen_bad_size
    $error("bnn_concat: ELEM_BITS, LANES, FOLDS0 and FOLDS1 must be positive");
  end

  localparam int unsigned Folds = FOLDS0 + FOLDS1;
  localparam int unsigned FoldBits = $clog2(Folds);

  logic [LANES*ELEM_BITS-1:0] data_q;
  logic [       FoldBits-1:0] fold_q;
  logic                       second_q;
  logic                       load;
  logic                       take;
  logic                       last;
  logic                       valid_q;

  assign load = m_axis_tready || !valid_q;
  assign take = load && (second_q ? s1_axis_tvalid : s0_axis_tvalid);
  assign last = fold_q == FoldBits'(Folds - 1);
  assign s0_axis_tready = load && !second_q;
  assign s1_axis_tready = load && second_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q  <= 1'b0;
      second_q <= 1'b0;
      fold_q   <= '0;
    end else if (load) begin
      valid_q <= take;
      if (take) begin
        fold_q   <= last ? '0 : fold_q + 1'b1;
        second_q <= second_q ? !last : fold_q == FoldBits'(FOLDS0 - 1);
      end
    end
    if (load) data_q <= second_q ? s1_axis_tdata : s0_axis_tdata;
  end

  assign m_axis_tdata  = data_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
