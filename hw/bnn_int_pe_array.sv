// PE dot products of integer activations with binary weights: sums of +x and -x over a window.
//
// In: SIMD elements of IN_BITS a beat, FOLDS beats per window, TILES windows (repeated) a pixel.
// Out: one beat per tile, PE accumulators of ACC_BITS, or with BINARY_OUT the bits acc >= 0.
// Lanes are taken in threes: x0 +- x1 +- x2 are computed once for all PEs, each PE selects one of
// the four and inverts it where w0 is -1; the +1 that completes the negation is a carry-in.
// Latency: 4 + ceil(log2(ceil(SIMD / 3))). One input beat per cycle.
module bnn_int_pe_array #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 3,
    parameter int unsigned FOLDS = 9,
    parameter int unsigned TILES = 1,
    parameter int unsigned ACC_BITS = 18,
    parameter int unsigned ACC_SHIFT = 0,
    parameter int unsigned BINARY_OUT = 0,
    parameter int unsigned OUT_H = 1,
    parameter int unsigned OUT_W = 1,
    parameter int unsigned BORDER_TOP = 0,
    parameter int unsigned BORDER_BOTTOM = 0,
    parameter int unsigned BORDER_LEFT = 0,
    parameter int unsigned BORDER_RIGHT = 0,
    parameter WEIGHTS_FILE = "",
    parameter INIT_FILE = "",
    parameter int unsigned WEIGHTS_STYLE = 0,
    parameter int unsigned INIT_STYLE = 0,
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 0
) (
    input  logic                                             clk,
    input  logic                                             rst_n,
    input  logic [                         SIMD*IN_BITS-1:0] s_axis_tdata,
    input  logic                                             s_axis_tvalid,
    output logic                                             s_axis_tready,
    output logic [PE*((BINARY_OUT != 0) ? 1 : ACC_BITS)-1:0] m_axis_tdata,
    output logic                                             m_axis_tvalid,
    input  logic                                             m_axis_tready
);

  localparam int unsigned Groups = (SIMD + 2) / 3;
  localparam int unsigned Levels = $clog2(Groups);
  localparam int unsigned ExtraBits = (IN_SIGNED != 0) ? 2 : 3;
  localparam int unsigned PartBits = IN_BITS + ExtraBits;
  localparam int unsigned TotalBits = PartBits + Levels;

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_int_pe_array: PE and SIMD must be positive");
  end
  if (IN_BITS == 0 || IN_SIGNED > 1) begin : gen_bad_input
    $error("bnn_int_pe_array: IN_BITS must be positive, IN_SIGNED 0 or 1");
  end

  logic en;
  logic acc_en;
  logic acc_first;
  logic [PE*SIMD-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;
  logic [SIMD*IN_BITS-1:0] x_q;

  bnn_rom_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(3 + Levels),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHTS_BITS(PE * SIMD),
      .WEIGHTS_DELAY(1),  // they meet the partial sums of their beat
      .WEIGHTS_FILE(WEIGHTS_FILE),
      .WEIGHTS_STYLE(WEIGHTS_STYLE),
      .INIT_BITS(PE * ACC_BITS),
      .INIT_FILE(INIT_FILE),
      .INIT_STYLE(INIT_STYLE)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en),
      .acc_en_o(acc_en),
      .acc_first_o(acc_first),
      .weights_o(weights),
      .init_o(init)
  );

  always_ff @(posedge clk) if (en) x_q <= s_axis_tdata;

  // Four partial sums a group: bit 0 of the choice subtracts x1, bit 1 x2.
  logic [Groups*4*PartBits-1:0] parts_q;
  for (genvar g = 0; g < Groups; g++) begin : gen_group
    localparam int unsigned Lanes = (SIMD - 3 * g < 3) ? SIMD - 3 * g : 3;
    logic [PartBits-1:0] x0, x1, x2;

    logic sign0;

    assign sign0 = IN_SIGNED == 1 && x_q[(3*g+1)*IN_BITS-1];
    assign x0 = {{ExtraBits{sign0}}, x_q[3*g*IN_BITS+:IN_BITS]};
    if (Lanes > 1) begin : gen_x1
      logic sign1;
      assign sign1 = IN_SIGNED == 1 && x_q[(3*g+2)*IN_BITS-1];
      assign x1 = {{ExtraBits{sign1}}, x_q[(3*g+1)*IN_BITS+:IN_BITS]};
    end else begin : gen_no_x1
      assign x1 = '0;
    end
    if (Lanes > 2) begin : gen_x2
      logic sign2;
      assign sign2 = IN_SIGNED == 1 && x_q[(3*g+3)*IN_BITS-1];
      assign x2 = {{ExtraBits{sign2}}, x_q[(3*g+2)*IN_BITS+:IN_BITS]};
    end else begin : gen_no_x2
      assign x2 = '0;
    end

    always_ff @(posedge clk) begin
      if (en) begin
        parts_q[(4*g+0)*PartBits+:PartBits] <= x0 + x1 + x2;
        parts_q[(4*g+1)*PartBits+:PartBits] <= x0 - x1 + x2;
        parts_q[(4*g+2)*PartBits+:PartBits] <= x0 + x1 - x2;
        parts_q[(4*g+3)*PartBits+:PartBits] <= x0 - x1 - x2;
      end
    end
  end

  logic [PE*TotalBits-1:0] totals;
  logic [PE-1:0] carries;

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    // Choices (negated ones inverted later), and for each the +1 it still lacks.
    logic [Groups*PartBits-1:0] part_q;
    logic [Groups-1:0] negate_q;

    for (genvar g = 0; g < Groups; g++) begin : gen_choice
      localparam int unsigned Lanes = (SIMD - 3 * g < 3) ? SIMD - 3 * g : 3;
      logic [2:0] w;
      assign w = 3'(weights[p*SIMD+3*g+:Lanes]);
      always_ff @(posedge clk) begin
        if (en) begin
          negate_q[g] <= !w[0];
          case ({
            w[0] ^ w[2], w[0] ^ w[1]
          })
            2'd0: part_q[g*PartBits+:PartBits] <= parts_q[(4*g+0)*PartBits+:PartBits];
            2'd1: part_q[g*PartBits+:PartBits] <= parts_q[(4*g+1)*PartBits+:PartBits];
            2'd2: part_q[g*PartBits+:PartBits] <= parts_q[(4*g+2)*PartBits+:PartBits];
            default: part_q[g*PartBits+:PartBits] <= parts_q[(4*g+3)*PartBits+:PartBits];
          endcase
        end
      end
    end

    bnn_signed_sum #(
        .TERMS (Groups),
        .BITS  (PartBits),
        .LEVELS(Levels)
    ) u_sum (
        .clk(clk),
        .en_i(en),
        .terms_i(part_q),
        .negate_i(negate_q),
        .sum_o(totals[p*TotalBits+:TotalBits]),
        .carry_o(carries[p])
    );
  end

  bnn_accumulators #(
      .PE(PE),
      .ADDEND_BITS(TotalBits),
      .SIGNED(1),
      .ACC_BITS(ACC_BITS),
      .ACC_SHIFT(ACC_SHIFT),
      .BINARY_OUT(BINARY_OUT)
  ) u_accumulators (
      .clk(clk),
      .en_i(acc_en),
      .first_i(acc_first),
      .addend_i(totals),
      .carry_i(carries),
      .init_i(init),
      .data_o(m_axis_tdata)
  );

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
