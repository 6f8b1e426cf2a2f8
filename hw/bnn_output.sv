// Exit of the design: sign-extends LANES scores of ELEM_BITS to fields of FIELD_BITS and adds tlast
// to each last beat of packet_frames_i frames (0 counts as 1; sampled between packets) of
// FRAME_BEATS beats. frame_o pulses when a frame's last beat has been taken.
// While stop_i no more scores are given: an open packet is closed at the end of its frame, with
// zeros; where it is between two frames, with a frame of zeros. closed_o: none is open.
// Latency 1 cycle (a register slice), full throughput.
module bnn_output #(
    parameter int unsigned ELEM_BITS   = 12,
    parameter int unsigned LANES       = 1,
    parameter int unsigned FIELD_BITS  = 16,
    parameter int unsigned FRAME_BEATS = 10
) (
    input  logic                        clk,
    input  logic                        rst_n,
    input  logic [ LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                        s_axis_tvalid,
    output logic                        s_axis_tready,
    output logic [LANES*FIELD_BITS-1:0] m_axis_tdata,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready,
    output logic                        m_axis_tlast,
    input  logic [                15:0] packet_frames_i,
    input  logic                        stop_i,
    output logic                        closed_o,
    output logic                        frame_o
);

  if (FIELD_BITS < ELEM_BITS || FIELD_BITS % 8 != 0) begin : gen_bad_field
    $error("bnn_output: FIELD_BITS must be whole bytes and at least ELEM_BITS");
  end

  logic [LANES*ELEM_BITS-1:0] scores;
  logic [LANES*ELEM_BITS-1:0] given;
  logic                       go;  // a beat into the slice
  logic                       go_valid;
  logic                       last_beat;
  logic                       frame_end;
  logic                       packet_end;
  logic                       frame_last;  // of the beat at the port
  logic                       open_q;  // a packet is begun in the slice
  logic [               15:0] left_q;  // frames of the packet that are not whole
  logic                       final_frame;
  logic                       frame_q;

  assign given = stop_i ? '0 : s_axis_tdata;
  assign go_valid = stop_i ? open_q : s_axis_tvalid;
  assign go = go_valid && s_axis_tready;
  assign final_frame = left_q[15:1] == '0 || stop_i;
  assign frame_end = go && last_beat;
  assign packet_end = frame_end && final_frame;
  assign closed_o = !open_q && !m_axis_tvalid;

  bnn_loop #(
      .COUNT(FRAME_BEATS)
  ) u_beat (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(go),
      .last_o(last_beat)
  );

  bnn_register_slice #(
      .WIDTH(LANES * ELEM_BITS + 2)
  ) u_slice (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata ({last_beat && !stop_i, last_beat && final_frame, given}),
      .s_axis_tvalid(go_valid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata ({frame_last, m_axis_tlast, scores}),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

  for (genvar i = 0; i < LANES; i++) begin : gen_field
    assign m_axis_tdata[i*FIELD_BITS+:FIELD_BITS] = FIELD_BITS'(
        {{FIELD_BITS{scores[(i+1)*ELEM_BITS-1]}}, scores[i*ELEM_BITS+:ELEM_BITS]});
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      open_q  <= 1'b0;
      frame_q <= 1'b0;
    end else begin
      if (go) open_q <= !packet_end;
      frame_q <= m_axis_tvalid && m_axis_tready && frame_last;
    end
    if (frame_end && !final_frame) left_q <= left_q - 16'd1;
    else if (packet_end || !(open_q || go)) left_q <= packet_frames_i;
  end

  assign frame_o = frame_q;

endmodule
