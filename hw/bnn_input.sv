// Entry of the design: AXI4-Stream of BYTES bytes, elements packed without gaps across beats, to
// LANES elements a beat. error_o pulses where tlast is not exactly on a frame's last beat, and
// frame_o with each last beat. The sink side of the unit counts its own beats: no tlast inside.
// Latency: that of a register slice (1) and of bnn_width_converter. Full throughput.
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
    output logic                       frame_o,
    output logic                       error_o
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
  logic               accept;
  logic               last_beat;
  logic               frame_q;
  logic               error_q;

  assign accept  = s_axis_tvalid && s_axis_tready;
  assign frame_o = frame_q;
  assign error_o = error_q;

  bnn_loop #(
      .COUNT(FrameBits / (8 * BYTES))
  ) u_beat (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept),
      .last_o(last_beat)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      frame_q <= 1'b0;
      error_q <= 1'b0;
    end else begin
      frame_q <= accept && last_beat;
      error_q <= accept && last_beat != s_axis_tlast;
    end
  end

  bnn_register_slice #(
      .WIDTH(8 * BYTES)
  ) u_slice (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
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
