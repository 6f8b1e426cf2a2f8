// Entry of the design: AXI4-Stream of BYTES bytes, elements packed without gaps across beats, to
// LANES elements per beat. A packet is packet_frames_i frames (0 counts as 1; sampled between packets)
// with tlast on its last beat. Whatever comes, a packet gives exactly these frames: one that ends
// early is filled up with zeros (short_o pulses), of one that goes on what is too much is dropped
// (long_o pulses). frame_o pulses with each frame's last beat, filled ones included.
// While stop_i nothing goes on: the rest of an open packet is dropped; closed_o: none is open.
// Inside there is no tlast: units count beats. Latency: that of a register slice (1) and of
// bnn_width_converter. Full throughput.
module bnn_input #(
    parameter int unsigned BYTES       = 8,
    parameter int unsigned ELEM_BITS   = 8,
    parameter int unsigned LANES       = 3,
    parameter int unsigned FRAME_ELEMS = 192
) (
    input  logic                       clk,
    input  logic                       rst_n,
    input  logic [        8*BYTES-1:0] s_axis_tdata,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    input  logic                       s_axis_tlast,
    output logic [LANES*ELEM_BITS-1:0] m_axis_tdata,
    output logic                       m_axis_tvalid,
    input  logic                       m_axis_tready,
    input  logic [               15:0] packet_frames_i,
    input  logic                       stop_i,
    output logic                       closed_o,
    output logic                       frame_o,
    output logic                       short_o,
    output logic                       long_o
);

  function automatic int unsigned common_divisor(int unsigned a, int unsigned b);
    int unsigned x;
    int unsigned y;
    x = a;
    y = b;
    while (x != y) begin
      if (x > y) x = x - y;
      else y = y - x;
    end
    common_divisor = x;
  endfunction

  localparam int unsigned FrameBits = FRAME_ELEMS * ELEM_BITS;
  localparam int unsigned Unit = common_divisor(8 * BYTES, LANES * ELEM_BITS);

  if (FRAME_ELEMS % LANES != 0 || FrameBits % (8 * BYTES) != 0) begin : gen_bad_frame
    $error("bnn_input: LANES must divide FRAME_ELEMS, and a frame must be whole beats");
  end

  logic [8*BYTES-1:0] slice_tdata;
  logic               slice_tvalid;
  logic               slice_tready;
  logic               take;  // a beat at the port
  logic               go;  // a beat into the slice
  logic               go_valid;
  logic               go_ready;
  logic               last_beat;
  logic               frame_end;
  logic               packet_end;

  // The port's packet: open from its first beat to its tlast. Its beats go into the slice, or are
  // dropped; zeros go in where it ended early. While the reset lasts, nothing is taken.
  logic               run_q;
  logic               open_q;
  logic               drop_q;
  logic               fill_q;
  logic        [15:0] left_q;  // frames of the packet that are not whole, the present one included
  logic               final_frame;
  logic               frame_q;
  logic               short_q;
  logic               long_q;

  assign s_axis_tready = stop_i ? open_q : drop_q || (run_q && !fill_q && go_ready);
  assign take = s_axis_tvalid && s_axis_tready;
  assign go_valid = fill_q || (run_q && !drop_q && !stop_i && s_axis_tvalid);
  assign go = go_valid && go_ready;
  assign final_frame = left_q[15:1] == '0;
  assign frame_end = go && last_beat;
  assign packet_end = frame_end && final_frame;
  assign closed_o = !open_q;
  assign frame_o = frame_q;
  assign short_o = short_q;
  assign long_o = long_q;

  bnn_loop #(
      .COUNT(FrameBits / (8 * BYTES))
  ) u_beat (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(go),
      .last_o(last_beat)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      run_q   <= 1'b0;
      open_q  <= 1'b0;
      drop_q  <= 1'b0;
      fill_q  <= 1'b0;
      frame_q <= 1'b0;
      short_q <= 1'b0;
      long_q  <= 1'b0;
    end else begin
      run_q <= 1'b1;
      if (take) open_q <= !s_axis_tlast;
      if (packet_end) fill_q <= 1'b0;
      else if (go && !fill_q && s_axis_tlast) fill_q <= 1'b1;
      if (packet_end && !fill_q && !s_axis_tlast) drop_q <= 1'b1;
      else if (take && s_axis_tlast) drop_q <= 1'b0;
      frame_q <= frame_end;
      short_q <= go && !fill_q && s_axis_tlast && !(last_beat && final_frame);
      long_q  <= packet_end && !fill_q && !s_axis_tlast;
    end
    if (frame_end && !final_frame) left_q <= left_q - 16'd1;
    else if (packet_end || (!open_q && !fill_q && !go)) left_q <= packet_frames_i;
  end

  bnn_register_slice #(
      .WIDTH(8 * BYTES)
  ) u_slice (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (fill_q ? '0 : s_axis_tdata),
      .s_axis_tvalid(go_valid),
      .s_axis_tready(go_ready),
      .m_axis_tdata (slice_tdata),
      .m_axis_tvalid(slice_tvalid),
      .m_axis_tready(slice_tready)
  );

  bnn_width_converter #(
      .ELEM_BITS(Unit),
      .IN_LANES (8 * BYTES / Unit),
      .OUT_LANES(LANES * ELEM_BITS / Unit)
  ) u_converter (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (slice_tdata),
      .s_axis_tvalid(slice_tvalid),
      .s_axis_tready(slice_tready),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule
