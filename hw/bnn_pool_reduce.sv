// Maximum (of flagged channels: minimum) of TAPS bits, behind a window with channels outermost.
//
// In: for each of FOLDS channel folds, TAPS beats of LANES bits; tuser marks taps in the padding,
// which count for nothing. Out: one beat a fold. A window of padding alone gives 0 (minimum: 1).
// Tile by tile, a fold is a tile, of HOLD windows. Latency 1 from a window's last beat; one input
// beat per cycle.
module bnn_pool_reduce #(
    parameter int unsigned LANES = 8,
    parameter int unsigned FOLDS = 1,
    parameter int unsigned TAPS = 9,
    parameter int unsigned HOLD = 1,
    parameter MIN_FILE = ""
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [LANES-1:0] s_axis_tdata,
    input  logic             s_axis_tuser,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [LANES-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  localparam int unsigned FoldBits = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned TapBits = (TAPS > 1) ? $clog2(TAPS) : 1;

  if (LANES == 0 || FOLDS == 0 || TAPS == 0 || HOLD == 0) begin : gen_bad_size
    $error("bnn_pool_reduce: LANES, FOLDS, TAPS and HOLD must be positive");
  end

  logic [FoldBits-1:0] fold_q;
  logic [TapBits-1:0] tap_q;
  logic [LANES-1:0] result_q;
  logic [LANES-1:0] min;
  logic [LANES-1:0] so_far;
  logic [LANES-1:0] merged;
  logic out_valid_q;
  logic accept;
  logic last_tap;
  logic last_held;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_held (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept && last_tap),
      .last_o(last_held)
  );

  logic [LANES-1:0] min_mem[FOLDS];
  initial $readmemh(MIN_FILE, min_mem);
  assign min = min_mem[fold_q];

  assign s_axis_tready = m_axis_tready || !out_valid_q;
  assign accept = s_axis_tvalid && s_axis_tready;
  assign last_tap = tap_q == TapBits'(TAPS - 1);

  // What comes before the first tap is what changes nothing: 0 of a maximum, 1 of a minimum.
  assign so_far = (tap_q == '0) ? min : result_q;
  assign merged = s_axis_tuser ? so_far :
      ((s_axis_tdata & so_far) | ((s_axis_tdata | so_far) & ~min));

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      fold_q <= '0;
      tap_q <= '0;
      out_valid_q <= 1'b0;
    end else begin
      if (s_axis_tready) out_valid_q <= accept && last_tap;
      if (accept) begin
        tap_q <= last_tap ? '0 : tap_q + 1'b1;
        if (last_tap && last_held) begin
          fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
        end
      end
    end
    if (accept) result_q <= merged;
  end

  assign m_axis_tdata  = result_q;
  assign m_axis_tvalid = out_valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
