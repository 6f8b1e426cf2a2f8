// Soft reset of the core: everything but the register block and the memory port's arbiter.
//
// After request_i, stop_o tells readers to ask for no more words, the input to drop what is left of
// the packet that the source is in, and the output to close the packet that the sink is in. Once
// words are no longer on their way, and both packets are closed or no beat has moved for
// 2^PATIENCE_BITS cycles (the other side is gone), core_rst_n_o falls for RESET_CYCLES, and busy_o
// ends. core_rst_n_o is a register; it follows rst_n one cycle later: hold rst_n for 2 cycles.
module bnn_reset_control #(
    parameter int unsigned PATIENCE_BITS = 10
) (
    input  logic clk,
    input  logic rst_n,
    input  logic request_i,
    input  logic reads_idle_i,
    input  logic in_closed_i,
    input  logic out_closed_i,
    input  logic moved_i,
    output logic stop_o,
    output logic busy_o,
    output logic core_rst_n_o
);

  if (PATIENCE_BITS < 2 || PATIENCE_BITS > 31) begin : gen_bad_patience
    $error("bnn_reset_control: PATIENCE_BITS must be 2 to 31");
  end

  // The core is in reset from configuration on, before any clock. (An initial block would be a second
  // process that writes what an always_ff does.)
  // verilator lint_off PROCASSINIT
  logic                     core_rst_n_q = 1'b0;
  // verilator lint_on PROCASSINIT
  logic                     busy_q;
  logic [PATIENCE_BITS-1:0] count_q;  // quiet cycles; then cycles of reset
  logic                     lost_q;  // the patience has run out
  logic                     drained;
  logic                     done;

  assign drained = busy_q && core_rst_n_q && reads_idle_i &&
      ((in_closed_i && out_closed_i) || lost_q);
  assign done = busy_q && !core_rst_n_q && count_q[1];

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      busy_q       <= 1'b0;
      core_rst_n_q <= 1'b0;
      count_q      <= '0;
      lost_q       <= 1'b0;
    end else begin
      if (request_i) busy_q <= 1'b1;
      else if (done) busy_q <= 1'b0;
      if (drained) core_rst_n_q <= 1'b0;
      else if (done || !busy_q) core_rst_n_q <= 1'b1;
      if (!busy_q || drained || (core_rst_n_q && moved_i)) count_q <= '0;
      else count_q <= count_q + 1'b1;
      lost_q <= busy_q && core_rst_n_q && !moved_i && (lost_q || &count_q);
    end
  end

  assign stop_o = busy_q;
  assign busy_o = busy_q;
  assign core_rst_n_o = core_rst_n_q;

endmodule
