// Reads the counters of a design out. They are a ring of WORDS words of 32 bits: word 0 here counts
// the cycles in which the others count; the bnn_stream_counters follow one behind the other, the
// first at ring_i, the last at ring_o. While hold_i nothing counts, and the ring turns until the word
// index_i is at word_o, at most WORDS + 3 cycles, during which busy_o. When hold_i ends, the ring
// turns home before counting goes on. word_o is 0 unless hold_i, and for an index beyond the words.
// Controls to the counters are registers. A reset of the core and clear_i set all words to 0.
module bnn_instruments #(
    parameter int unsigned WORDS = 4
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        core_rst_n_i,
    input  logic        clear_i,
    input  logic        hold_i,
    input  logic [15:0] index_i,
    output logic        busy_o,
    output logic [31:0] word_o,
    output logic        clear_o,
    output logic        hold_o,
    output logic        shift_o,
    input  logic [31:0] ring_i,
    output logic [31:0] ring_o
);

  if (WORDS < 2 || WORDS > 65535) begin : gen_bad_words
    $error("bnn_instruments: WORDS must be 2 to 65535");
  end

  localparam int unsigned PlaceBits = $clog2(WORDS + 1);
  localparam logic [PlaceBits-1:0] LastPlace = PlaceBits'(WORDS - 1);

  logic [PlaceBits-1:0] place_q;  // the word at word_o
  logic                 away;
  logic                 known;
  logic                 turn;

  assign away  = place_q != '0;
  assign known = hold_i && index_i < 16'(WORDS);
  assign turn  = known ? 16'(place_q) != index_i : away;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      place_q <= '0;
      hold_o  <= 1'b0;
      shift_o <= 1'b0;
    end else begin
      if (turn) place_q <= place_q == LastPlace ? '0 : place_q + 1'b1;
      hold_o  <= hold_i || away;
      shift_o <= turn;
    end
    clear_o <= clear_i;
  end

  // Word 0, one cycle behind the controls like all others.
  logic        zero_q;
  logic        shift_q;
  logic        tick_q;
  logic [31:0] cycles_q;

  always_ff @(posedge clk) begin
    zero_q  <= !core_rst_n_i || clear_o;
    shift_q <= shift_o;
    tick_q  <= core_rst_n_i && !hold_o;
    if (zero_q) cycles_q <= '0;
    else cycles_q <= (shift_q ? ring_i : cycles_q) + 32'(tick_q);
  end

  assign ring_o = cycles_q;
  assign word_o = known ? cycles_q : '0;
  assign busy_o = turn || shift_o || shift_q || (hold_i && (!hold_o || tick_q));

endmodule
