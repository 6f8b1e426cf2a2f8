// Exit of the design: sign-extends LANES scores of ELEM_BITS to fields of FIELD_BITS and adds
// tlast to each last of FRAME_BEATS beats. frame_o pulses when a frame's last beat has been taken.
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
    output logic                        frame_o
);

  if (FIELD_BITS < ELEM_BITS || FIELD_BITS % 8 != 0) begin : gen_bad_field
    $error("bnn_output: FIELD_BITS must be whole bytes and at least ELEM_BITS");
  end

  logic [LANES*ELEM_BITS-1:0] scores;
  logic                       last_beat;
  logic                       frame_q;

  bnn_loop #(
      .COUNT(FRAME_BEATS)
  ) u_beat (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(s_axis_tvalid && s_axis_tready),
      .last_o(last_beat)
  );

  bnn_register_slice #(
      .WIDTH(LANES * ELEM_BITS + 1)
  ) u_slice (
      .clk          (clk),
      .rst_n        (rst_n),
      .s_axis_tdata ({last_beat, s_axis_tdata}),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata ({m_axis_tlast, scores}),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

  for (genvar i = 0; i < int'(LANES); i++) begin : gen_field
    assign m_axis_tdata[i*FIELD_BITS+:FIELD_BITS] = FIELD_BITS'($signed(
        scores[i*ELEM_BITS+:ELEM_BITS]
    ));
  end

  always_ff @(posedge clk) begin
    if (!rst_n) frame_q <= 1'b0;
    else frame_q <= m_axis_tvalid && m_axis_tready && m_axis_tlast;
  end

  assign frame_o = frame_q;

endmodule
