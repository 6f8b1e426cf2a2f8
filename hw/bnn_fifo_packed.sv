// Queue of bnn_fifo with PACK beats per word of its memory: exactly DEPTH beats of WIDTH bits, latency
// 3, one beat in and one out a cycle. Each beat in writes the word of its group anew, with the group's
// beats so far, and each beat out reads a word, so that no beat waits for its group to be complete.
// The newest beat is at the top of its word: beats of the open group move down as others follow.
module bnn_fifo_packed #(
    parameter int unsigned WIDTH     = 12,
    parameter int unsigned DEPTH     = 64,
    parameter int unsigned RAM_STYLE = 2,
    parameter int unsigned PACK      = 3
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [WIDTH-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [WIDTH-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  // DEPTH 4 and more: a memory of one word needs no queue.
  if (WIDTH < 1 || DEPTH < 4 || RAM_STYLE > 3 || PACK < 2) begin : gen_bad_parameters
    $error("bnn_fifo_packed: WIDTH must be at least 1, DEPTH 4, PACK 2 and RAM_STYLE 0 to 3");
  end

  // The memory holds DEPTH-2 beats, its read register and the output one each. A group is begun in a
  // word that no beat is left in: the DEPTH-3 beats before it are in so many other words at most.
  localparam int unsigned Words = (DEPTH - 3 + PACK - 1) / PACK + 1;
  localparam int unsigned WordBits = $clog2(Words);
  localparam int unsigned SlotBits = $clog2(PACK);
  localparam int unsigned CountBits = $clog2(DEPTH - 1);

  logic [      WordBits-1:0] wword_q;
  logic [      WordBits-1:0] rword_q;
  logic [      SlotBits-1:0] wslot_q;  // beats in the open group
  logic [      SlotBits-1:0] rslot_q;  // of the oldest beat, in its group
  logic [     CountBits-1:0] stored_q;  // beats in the memory, without the read register
  logic [      SlotBits-1:0] place_q;  // of the beat in the read register, in its word
  logic                      ready_q;
  logic                      read_q;  // whether the read register holds a beat
  logic                      valid_q;
  logic [         WIDTH-1:0] data_q;
  logic [    PACK*WIDTH-1:0] wdata;
  logic [    PACK*WIDTH-1:0] rdata;
  logic [(PACK-1)*WIDTH-1:0] before_q;  // the PACK-1 beats before
  logic                      push;
  logic                      load;
  logic                      move;
  logic                      open;

  assign push = s_axis_tvalid && ready_q;
  assign move = !valid_q || m_axis_tready;
  assign load = stored_q != '0 && (!read_q || move);
  assign open = stored_q <= CountBits'(wslot_q);  // the oldest beat is in the open group
  assign wdata = {s_axis_tdata, before_q};
  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tdata = data_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      wword_q  <= '0;
      rword_q  <= '0;
      wslot_q  <= '0;
      rslot_q  <= '0;
      stored_q <= '0;
      ready_q  <= 1'b1;
      read_q   <= 1'b0;
      valid_q  <= 1'b0;
    end else begin
      if (push) begin
        wslot_q <= wslot_q == SlotBits'(PACK - 1) ? '0 : wslot_q + 1'b1;
        if (wslot_q == SlotBits'(PACK - 1)) begin
          wword_q <= wword_q == WordBits'(Words - 1) ? '0 : wword_q + 1'b1;
        end
      end
      if (load) begin
        rslot_q <= rslot_q == SlotBits'(PACK - 1) ? '0 : rslot_q + 1'b1;
        if (rslot_q == SlotBits'(PACK - 1)) begin
          rword_q <= rword_q == WordBits'(Words - 1) ? '0 : rword_q + 1'b1;
        end
      end
      if (push && !load) begin
        stored_q <= stored_q + 1'b1;
        ready_q  <= stored_q != CountBits'(DEPTH - 3);
      end else if (load && !push) begin
        stored_q <= stored_q - 1'b1;
        ready_q  <= 1'b1;
      end
      if (load) read_q <= 1'b1;
      else if (move) read_q <= 1'b0;
      if (move) valid_q <= read_q;
    end
    if (push) before_q <= wdata[PACK*WIDTH-1:WIDTH];
    // In the open group, the newest beat is at the top, the oldest stored_q - 1 below it.
    if (load) place_q <= open ? SlotBits'(PACK) - SlotBits'(stored_q) : rslot_q;
  end

  for (genvar i = 0; i < WIDTH; i++) begin : gen_bit
    logic [PACK-1:0] bits;
    for (genvar k = 0; k < PACK; k++) begin : gen_place
      assign bits[k] = rdata[k*WIDTH+i];
    end
    always_ff @(posedge clk) begin
      if (move) data_q[i] <= bits[place_q];
    end
  end

  bnn_ram #(
      .WIDTH (PACK * WIDTH),
      .DEPTH (Words),
      .STYLE (RAM_STYLE),
      .CLEARS(0)
  ) u_ram (
      .clk    (clk),
      .we_i   (push),
      .waddr_i(wword_q),
      .wdata_i(wdata),
      .re_i   (load),
      .clear_i(1'b0),
      .raddr_i(rword_q),
      .rdata_o(rdata)
  );

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
