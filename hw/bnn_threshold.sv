// One bit an element: x >= T of its channel, inverted where the channel's field says so.
//
// FOLDS beats of LANES elements per pixel; or, tile by tile, HOLD beats for each of the FOLDS words. A
// field of the image has IN_BITS + 2 bits: the signed threshold of IN_BITS + 1, and above it the
// inversion. They are kept in LUTs. Latency 2; one beat per cycle.
module bnn_threshold #(
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned LANES = 1,
    parameter int unsigned FOLDS = 1,
    parameter int unsigned HOLD = 1,
    parameter THRESHOLDS_FILE = ""
) (
    input  logic                     clk,
    input  logic                     rst_n,
    input  logic [LANES*IN_BITS-1:0] s_axis_tdata,
    input  logic                     s_axis_tvalid,
    output logic                     s_axis_tready,
    output logic [        LANES-1:0] m_axis_tdata,
    output logic                     m_axis_tvalid,
    input  logic                     m_axis_tready
);

  localparam int unsigned FoldBits = (FOLDS > 1) ? $clog2(FOLDS) : 1;
  localparam int unsigned FieldBits = IN_BITS + 2;

  if (FOLDS == 0 || HOLD == 0) begin : gen_bad_size
    $error("bnn_threshold: FOLDS and HOLD must be positive");
  end

  logic en;
  logic last_hold;
  logic [FoldBits-1:0] fold_q;
  logic [LANES*FieldBits-1:0] fields;

  assign s_axis_tready = en;

  bnn_loop #(
      .COUNT(HOLD)
  ) u_hold (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(en && s_axis_tvalid),
      .last_o(last_hold)
  );

  bnn_rom #(
      .WIDTH(LANES * FieldBits),
      .DEPTH(FOLDS),
      .STYLE(1),
      .FILE (THRESHOLDS_FILE)
  ) u_thresholds (
      .clk(clk),
      .en_i(en),
      .addr_i(fold_q),
      .data_o(fields)
  );

  always_ff @(posedge clk) begin
    if (!rst_n) fold_q <= '0;
    else if (en && s_axis_tvalid && last_hold) begin
      fold_q <= (fold_q == FoldBits'(FOLDS - 1)) ? '0 : fold_q + 1'b1;
    end
  end

  bnn_threshold_core #(
      .IN_BITS(IN_BITS),
      .IN_SIGNED(IN_SIGNED),
      .LANES(LANES)
  ) u_core (
      .clk(clk),
      .rst_n(rst_n),
      .take_i(s_axis_tvalid),
      .en_o(en),
      .x_i(s_axis_tdata),
      .fields_i(fields),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule
