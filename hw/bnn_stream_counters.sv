// Counts what one stream does: cycles stalled (valid, not ready) and starved (ready, not valid), and
// beats, all at its reader; with DEPTH > 0 also the most beats that its FIFO of DEPTH held at a time.
// The counters are 32 bits, wrap, and are words of a ring (see bnn_instruments), word 0 (stalled) at
// ring_o: while shift_i, each takes the word behind it. While hold_i they stand; the FIFO's level is
// followed all the same. Handshakes and controls are registered first: a cycle counts where hold_i
// and clear_i are 0 and rst_n is 1 in that cycle, and shows two cycles later.
module bnn_stream_counters #(
    parameter int unsigned DEPTH = 0
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        in_valid_i,
    input  logic        in_ready_i,
    input  logic        out_valid_i,
    input  logic        out_ready_i,
    input  logic        clear_i,
    input  logic        hold_i,
    input  logic        shift_i,
    input  logic [31:0] ring_i,
    output logic [31:0] ring_o
);

  if (DEPTH > 32'h3fff_ffff) begin : gen_bad_depth
    $error("bnn_stream_counters: DEPTH must be less than 2^30");
  end

  logic        zero_q;
  logic        shift_q;
  logic        stall_q;
  logic        starve_q;
  logic        beat_q;
  logic [31:0] stalled_q;
  logic [31:0] starved_q;
  logic [31:0] beats_q;
  logic [31:0] behind;

  assign ring_o = stalled_q;

  always_ff @(posedge clk) begin
    zero_q   <= !rst_n || clear_i;
    shift_q  <= shift_i;
    stall_q  <= rst_n && !hold_i && out_valid_i && !out_ready_i;
    starve_q <= rst_n && !hold_i && !out_valid_i && out_ready_i;
    beat_q   <= rst_n && !hold_i && out_valid_i && out_ready_i;
    // One adder each: nothing is counted while words move.
    if (zero_q) begin
      stalled_q <= '0;
      starved_q <= '0;
      beats_q   <= '0;
    end else begin
      stalled_q <= (shift_q ? starved_q : stalled_q) + 32'(stall_q);
      starved_q <= (shift_q ? beats_q : starved_q) + 32'(starve_q);
      beats_q   <= (shift_q ? behind : beats_q) + 32'(beat_q);
    end
  end

  if (DEPTH == 0) begin : gen_no_fifo
    assign behind = ring_i;

    logic unused;
    assign unused = &{1'b0, in_valid_i, in_ready_i};
  end else begin : gen_fifo
    localparam int unsigned LevelBits = $clog2(DEPTH + 1);

    logic                 entered_q;
    logic                 left_q;
    logic                 follow_q;
    logic [LevelBits-1:0] level_q;
    logic [         31:0] most_q;

    assign behind = most_q;

    always_ff @(posedge clk) begin
      entered_q <= rst_n && in_valid_i && in_ready_i;
      left_q    <= rst_n && out_valid_i && out_ready_i;
      follow_q  <= rst_n && !hold_i;
      if (!rst_n) level_q <= '0;
      else if (entered_q && !left_q) level_q <= level_q + 1'b1;
      else if (left_q && !entered_q) level_q <= level_q - 1'b1;
      if (zero_q) most_q <= '0;
      else if (shift_q) most_q <= ring_i;
      else if (follow_q && level_q > most_q[LevelBits-1:0]) most_q[LevelBits-1:0] <= level_q;
    end
  end

endmodule
