// Pool of integers along one axis, padding counting for nothing: half of bnn_int_pool_overlap.
//
// In: SIZE positions of INNER beats (the beats of a pixel, or of a row), LANES elements of BITS a
// beat, of which each is pooled with those at its place in other positions. Out: a window's INNER
// beats, as its last position comes. Latency 1; one input beat per cycle.
//
// A stride's worth of positions is a block. A window is its own block and the first Overlap
// positions of the next, so that at most two are open: the state of a place is the window of this
// block and, where they overlap by more than the one position that completes it, the one before.
module bnn_int_pool_axis #(
    parameter int unsigned OPERATION  = 0,
    parameter int unsigned BITS       = 8,
    parameter int unsigned SIGNED     = 1,
    parameter int unsigned LANES      = 1,
    parameter int unsigned INNER      = 4,
    parameter int unsigned SIZE       = 8,
    parameter int unsigned KERNEL     = 3,
    parameter int unsigned STRIDE     = 2,
    parameter int unsigned PAD_BEFORE = 1,
    parameter int unsigned PAD_AFTER  = 1,
    parameter int unsigned RAM_STYLE  = 0
) (
    input  logic                  clk,
    input  logic                  rst_n,
    input  logic [LANES*BITS-1:0] s_axis_tdata,
    input  logic                  s_axis_tvalid,
    output logic                  s_axis_tready,
    output logic [LANES*BITS-1:0] m_axis_tdata,
    output logic                  m_axis_tvalid,
    input  logic                  m_axis_tready
);

  if (KERNEL < 1 || STRIDE < 1 || KERNEL > 2 * STRIDE) begin : gen_bad_kernel
    $error("bnn_int_pool_axis: the kernel must be at least 1 and at most twice the stride");
  end
  if (PAD_BEFORE >= KERNEL || PAD_AFTER >= KERNEL) begin : gen_bad_padding
    $error("bnn_int_pool_axis: each padding must be less than the kernel");
  end
  if (SIZE < 1 || SIZE + PAD_BEFORE + PAD_AFTER < KERNEL) begin : gen_bad_size
    $error("bnn_int_pool_axis: a window must fit the padded image");
  end

  localparam int unsigned Width = LANES * BITS;
  localparam int unsigned Overlap = (KERNEL > STRIDE) ? KERNEL - STRIDE : 0;
  localparam int unsigned Outputs = (SIZE + PAD_BEFORE + PAD_AFTER - KERNEL) / STRIDE + 1;
  // Phase in which windows complete, and the positions that any window uses.
  localparam int unsigned EndPhase = ((Overlap > 0) ? Overlap : KERNEL) - 1;
  localparam int unsigned Reach = (Outputs - 1) * STRIDE + KERNEL - PAD_BEFORE;
  // What the last position completes because only padding follows.
  localparam int unsigned EndBlock = (SIZE - 1 + PAD_BEFORE) / STRIDE;
  localparam int unsigned AtEndPhase = (SIZE - 1 + PAD_BEFORE) % STRIDE;
  localparam bit EndsOlder = AtEndPhase < Overlap && EndBlock >= 1 && EndBlock <= Outputs;
  localparam bit EndsNewer = EndBlock < Outputs && (Overlap > 0 || AtEndPhase < KERNEL);
  localparam int unsigned PosBits = (SIZE > 1) ? $clog2(SIZE) : 1;
  localparam int unsigned PhaseBits = (STRIDE > 1) ? $clog2(STRIDE) : 1;
  localparam logic [PhaseBits-1:0] Phase0 = PhaseBits'(PAD_BEFORE % STRIDE);

  if (EndsOlder && EndsNewer) begin : gen_bad_end
    $error("bnn_int_pool_axis: the padding after must not let the last position end two windows");
  end

  // Position and phase, its place in the block.
  logic [  PosBits-1:0] pos_q;
  logic [PhaseBits-1:0] phase_q;
  logic                 first_q;  // the first position of the frame
  logic                 older_q;  // an earlier block has begun a window
  logic                 step;
  logic                 last_inner;
  logic                 last_pos;
  logic                 last_phase;
  logic                 used;
  logic                 complete;

  assign last_pos = pos_q == PosBits'(SIZE - 1);
  assign last_phase = phase_q == PhaseBits'(STRIDE - 1);
  assign complete = (last_pos && (EndsOlder || EndsNewer)) ||
      (phase_q == PhaseBits'(EndPhase) && (Overlap == 0 || older_q) && used);

  if (Reach < SIZE) begin : gen_left_over
    assign used = pos_q < PosBits'(Reach);
  end else begin : gen_all_used
    assign used = 1'b1;
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      pos_q   <= '0;
      phase_q <= Phase0;
      first_q <= 1'b1;
      older_q <= PAD_BEFORE >= STRIDE;
    end else if (step && last_inner) begin
      pos_q   <= last_pos ? '0 : pos_q + 1'b1;
      first_q <= last_pos;
      if (last_pos) phase_q <= Phase0;
      else phase_q <= last_phase ? '0 : phase_q + 1'b1;
      if (last_pos) older_q <= PAD_BEFORE >= STRIDE;
      else if (last_phase) older_q <= 1'b1;
    end
  end

  // This block's window with this position, as it stands or as the older one at a block's begin.
  logic [Width-1:0] newer;
  logic [Width-1:0] newer_next;
  logic [Width-1:0] joined;
  logic [Width-1:0] result;

  bnn_int_pool_step #(
      .OPERATION(OPERATION),
      .BITS     (BITS),
      .SIGNED   (SIGNED),
      .LANES    (LANES)
  ) u_step (
      .none_i  (first_q || (Overlap == 0 && phase_q == '0)),
      .so_far_i(newer),
      .x_i     (s_axis_tdata),
      .merged_o(joined)
  );
  assign newer_next = (Overlap > 0 && phase_q == '0) ? s_axis_tdata : joined;

  // State of all places.
  localparam int unsigned StateBits = (Overlap > 1) ? 2 * Width : Width;
  logic [StateBits-1:0] state;
  logic [StateBits-1:0] state_next;

  if (Overlap > 1) begin : gen_older
    logic [Width-1:0] older_joined;

    bnn_int_pool_step #(
        .OPERATION(OPERATION),
        .BITS     (BITS),
        .SIGNED   (SIGNED),
        .LANES    (LANES)
    ) u_step (
        .none_i  (first_q),
        .so_far_i(state[Width+:Width]),
        .x_i     (s_axis_tdata),
        .merged_o(older_joined)
    );
    assign newer = state[0+:Width];
    assign state_next = {phase_q == '0 ? joined : older_joined, newer_next};
    assign result = (older_q && phase_q != '0 && 32'(phase_q) < Overlap) ? older_joined : joined;
  end else begin : gen_newer_only
    assign newer = state;
    assign state_next = newer_next;
    assign result = joined;
  end

  bnn_loop #(
      .COUNT(INNER)
  ) u_inner (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(step),
      .last_o(last_inner)
  );

  if (KERNEL == 1) begin : gen_no_state
    assign state = '0;

    logic unused;
    assign unused = ^state_next;
  end else if (INNER <= 2) begin : gen_registers
    logic [INNER*StateBits-1:0] state_q;
    assign state = state_q[0+:StateBits];
    always_ff @(posedge clk) begin
      if (step) state_q <= (INNER * StateBits)'({state_next, state_q} >> StateBits);
    end
  end else begin : gen_memory
    // A word is read while the beat before its own is taken, and written with the beat after it, so
    // that the memory's way through the logic ends in a register.
    localparam int unsigned AddrBits = $clog2(INNER);
    logic [ AddrBits-1:0] ahead_q;
    logic [ AddrBits-1:0] here_q;
    logic [ AddrBits-1:0] behind_q;
    logic [StateBits-1:0] state_q;

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        ahead_q  <= AddrBits'(1);
        here_q   <= '0;
        behind_q <= AddrBits'(INNER - 1);
      end else if (step) begin
        ahead_q  <= (ahead_q == AddrBits'(INNER - 1)) ? '0 : ahead_q + 1'b1;
        here_q   <= ahead_q;
        behind_q <= here_q;
      end
      if (step) state_q <= state_next;
    end

    bnn_ram #(
        .WIDTH (StateBits),
        .DEPTH (INNER),
        .STYLE (RAM_STYLE),
        .CLEARS(0)
    ) u_state (
        .clk    (clk),
        .we_i   (step),
        .waddr_i(behind_q),
        .wdata_i(state_q),
        .re_i   (step),
        .clear_i(1'b0),
        .raddr_i(ahead_q),
        .rdata_o(state)
    );
  end

  // Output register.
  logic             valid_q;
  logic [Width-1:0] result_q;

  assign s_axis_tready = m_axis_tready || !valid_q;
  assign step = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= step && complete;
    if (s_axis_tready) result_q <= result;
  end

  assign m_axis_tdata  = result_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
