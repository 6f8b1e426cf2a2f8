// The K best of CLASSES signed scores, best first; of equal scores the lower index is better.
//
// In: one score per beat. Out: K beats per frame, {index[31:16], score[15:0]} if both fit, else
// {index[63:32], score[31:0]}, scores sign-extended. Latency 1 from the last score; one score a
// cycle: the next frame enters while results leave, and only its last score waits for them.
module bnn_top_k #(
    parameter int unsigned SCORE_BITS = 16,
    parameter int unsigned CLASSES = 10,
    parameter int unsigned K = 1
) (
    input  logic                                                          clk,
    input  logic                                                          rst_n,
    input  logic [                                        SCORE_BITS-1:0] s_axis_tdata,
    input  logic                                                          s_axis_tvalid,
    output logic                                                          s_axis_tready,
    output logic [((SCORE_BITS <= 16 && CLASSES <= 65536) ? 32 : 64)-1:0] m_axis_tdata,
    output logic                                                          m_axis_tvalid,
    input  logic                                                          m_axis_tready
);

  localparam int unsigned IndexBits = (CLASSES > 1) ? $clog2(CLASSES) : 1;
  localparam int unsigned EntryBits = IndexBits + SCORE_BITS;
  localparam int unsigned HalfBits = (SCORE_BITS <= 16 && CLASSES <= 65536) ? 16 : 32;
  localparam int unsigned LeftBits = $clog2(K + 1);

  if (SCORE_BITS == 0 || SCORE_BITS > 32 || CLASSES == 0) begin : gen_bad_size
    $error("bnn_top_k: SCORE_BITS must be 1 to 32, CLASSES positive");
  end
  if (K == 0 || K > CLASSES) begin : gen_bad_k
    $error("bnn_top_k: K must be 1 to CLASSES");
  end

  logic signed [SCORE_BITS-1:0] score;
  logic [IndexBits-1:0] index_q;
  logic [K-1:0] used_q;
  logic [K*EntryBits-1:0] best_q;
  logic [K*EntryBits-1:0] best;
  logic [K*EntryBits-1:0] out_q;
  logic [LeftBits-1:0] left_q;
  logic [K-1:0] better;
  logic accept, first, last, out_free;

  assign score = s_axis_tdata;
  assign first = index_q == '0;
  assign last = index_q == IndexBits'(CLASSES - 1);
  assign out_free = left_q == '0 || (left_q == LeftBits'(1) && m_axis_tready);
  assign s_axis_tready = !last || out_free;
  assign accept = s_axis_tvalid && s_axis_tready;

  // Insertion: entries are sorted, so those the new score beats move down by one.
  for (genvar i = 0; i < K; i++) begin : gen_entry
    logic signed [SCORE_BITS-1:0] held;
    assign held = best_q[i*EntryBits+:SCORE_BITS];
    assign better[i] = first || !used_q[i] || score > held;
    if (i == 0) begin : gen_first
      assign best[EntryBits-1:0] = better[0] ? {index_q, s_axis_tdata} : best_q[EntryBits-1:0];
    end else begin : gen_other
      assign best[i*EntryBits+:EntryBits] =
          !better[i] ? best_q[i*EntryBits+:EntryBits] :
          better[i-1] ? best_q[(i-1)*EntryBits+:EntryBits] : {index_q, s_axis_tdata};
    end
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      index_q <= '0;
      left_q  <= '0;
    end else begin
      if (accept) index_q <= last ? '0 : index_q + 1'b1;
      if (accept && last) left_q <= LeftBits'(K);
      else if (m_axis_tvalid && m_axis_tready) left_q <= left_q - 1'b1;
    end
    if (accept) begin
      best_q <= best;
      used_q <= first ? K'(1) : K'({used_q, 1'b1});
    end
    if (accept && last) out_q <= best;
    else if (m_axis_tready) out_q <= out_q >> EntryBits;
  end

  assign m_axis_tvalid = left_q != '0;
  assign m_axis_tdata = {
    HalfBits'(out_q[EntryBits-1:SCORE_BITS]),
    HalfBits'({{HalfBits{out_q[SCORE_BITS-1]}}, out_q[SCORE_BITS-1:0]})
  };

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
