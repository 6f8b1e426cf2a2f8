// Multiplies a stream by factors that come in another: one for each pixel, or for each channel.
//
// In: LANES elements of IN_BITS a beat on s0; on s1 FACTORS of FACTOR_BITS, one for all lanes or one
// for each. DEPTH beats of s1 meet as many of s0, are kept, and serve ROUNDS times in all: a factor
// per pixel has DEPTH 1, ROUNDS beats per pixel; per channel, DEPTH beats per pixel, ROUNDS pixels.
// Out: the products. MULTIPLY_STYLE: 1 LUTs, 2 a DSP48E1. Latency: 4 with a DSP48E1, else
// 1 + ceil((FACTOR_BITS + 1 - FACTOR_SIGNED) / 4). One beat per cycle; one enable: bubbles stay.
module bnn_scale #(
    parameter int unsigned IN_BITS = 12,
    parameter int unsigned IN_SIGNED = 1,
    parameter int unsigned FACTOR_BITS = 8,
    parameter int unsigned FACTOR_SIGNED = 0,
    parameter int unsigned OUT_BITS = 20,
    parameter int unsigned LANES = 4,
    parameter int unsigned FACTORS = 1,
    parameter int unsigned DEPTH = 1,
    parameter int unsigned ROUNDS = 4,
    parameter int unsigned MULTIPLY_STYLE = 2
) (
    input  logic                           clk,
    input  logic                           rst_n,
    input  logic [      LANES*IN_BITS-1:0] s0_axis_tdata,
    input  logic                           s0_axis_tvalid,
    output logic                           s0_axis_tready,
    input  logic [FACTORS*FACTOR_BITS-1:0] s1_axis_tdata,
    input  logic                           s1_axis_tvalid,
    output logic                           s1_axis_tready,
    output logic [     LANES*OUT_BITS-1:0] m_axis_tdata,
    output logic                           m_axis_tvalid,
    input  logic                           m_axis_tready
);

  localparam int unsigned WordBits = FACTORS * FACTOR_BITS;
  // The factor, signed; a DSP48E1 multiplies 25 by 18 bits.
  localparam int unsigned FactorBits = FACTOR_BITS + 1 - FACTOR_SIGNED;
  localparam int unsigned ProductBits = IN_BITS + FactorBits;
  localparam int unsigned Latency = 1 + ((MULTIPLY_STYLE == 2) ? 3 : (FactorBits + 3) / 4);

  if (IN_BITS < 1 || FACTOR_BITS < 1 || OUT_BITS < 1 || LANES < 1) begin : gen_bad_size
    $error("bnn_scale: IN_BITS, FACTOR_BITS, OUT_BITS and LANES must be positive");
  end
  if (IN_SIGNED > 1 || FACTOR_SIGNED > 1) begin : gen_bad_sign
    $error("bnn_scale: IN_SIGNED and FACTOR_SIGNED must be 0 or 1");
  end
  if (FACTORS != 1 && FACTORS != LANES) begin : gen_bad_factors
    $error("bnn_scale: FACTORS must be 1 or LANES");
  end
  if (DEPTH < 1 || ROUNDS < 1) begin : gen_bad_rounds
    $error("bnn_scale: DEPTH and ROUNDS must be positive");
  end
  if (MULTIPLY_STYLE < 1 || MULTIPLY_STYLE > 2) begin : gen_bad_style
    $error("bnn_scale: MULTIPLY_STYLE must be 1 or 2");
  end

  logic                     en;
  logic                     take;
  logic                     last_word;
  logic                     last_round;
  logic                     first_q;  // the factors are those that come
  logic [      Latency-1:0] valid_q;
  logic [     WordBits-1:0] kept;
  logic [     WordBits-1:0] word_q;
  logic [LANES*IN_BITS-1:0] x_q;

  assign en = m_axis_tready || !valid_q[Latency-1];
  assign take = en && s0_axis_tvalid && (!first_q || s1_axis_tvalid);
  assign s0_axis_tready = en && (!first_q || s1_axis_tvalid);
  assign s1_axis_tready = en && first_q && s0_axis_tvalid;
  assign m_axis_tvalid = valid_q[Latency-1];

  bnn_loop #(
      .COUNT(DEPTH)
  ) u_word (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(take),
      .last_o(last_word)
  );

  bnn_loop #(
      .COUNT(ROUNDS)
  ) u_round (
      .clk(clk),
      .rst_n(rst_n),
      .step_i(take && last_word),
      .last_o(last_round)
  );

  if (ROUNDS == 1) begin : gen_pass
    assign kept = s1_axis_tdata;
  end else if (DEPTH == 1) begin : gen_register
    logic [WordBits-1:0] kept_q;
    always_ff @(posedge clk) if (take && first_q) kept_q <= s1_axis_tdata;
    assign kept = kept_q;
  end else begin : gen_memory
    localparam int unsigned AddrBits = $clog2(DEPTH);
    logic [AddrBits-1:0] addr_q;
    (* ram_style = "distributed" *) logic [WordBits-1:0] mem[DEPTH];
    always_ff @(posedge clk) begin
      if (!rst_n) addr_q <= '0;
      else if (take) addr_q <= last_word ? '0 : addr_q + 1'b1;
    end
    always_ff @(posedge clk) if (take && first_q) mem[addr_q] <= s1_axis_tdata;
    assign kept = mem[addr_q];
  end

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      valid_q <= '0;
      first_q <= 1'b1;
    end else if (en) begin
      valid_q <= Latency'({valid_q, take});
      if (take && last_word) first_q <= last_round;
    end
    if (en) begin
      x_q    <= s0_axis_tdata;
      word_q <= first_q ? s1_axis_tdata : kept;
    end
  end

  for (genvar i = 0; i < LANES; i++) begin : gen_lane
    localparam int unsigned Index = (FACTORS == 1) ? 0 : i;
    logic [FACTOR_BITS-1:0] raw;
    logic [ FactorBits-1:0] factor;
    logic [ProductBits-1:0] product;

    assign raw = word_q[Index*FACTOR_BITS+:FACTOR_BITS];
    assign factor = FactorBits'({(FACTOR_SIGNED == 1) && raw[FACTOR_BITS-1], raw});

    if (MULTIPLY_STYLE == 2) begin : gen_dsp
      bnn_dsp_product #(
          .X_BITS(IN_BITS),
          .X_SIGNED(IN_SIGNED),
          .W_BITS(FactorBits)
      ) u_product (
          .clk(clk),
          .en_i(en),
          .x_i(x_q[i*IN_BITS+:IN_BITS]),
          .w_i(factor),
          .product_o(product)
      );
    end else begin : gen_booth
      bnn_booth #(
          .X_BITS(IN_BITS),
          .X_SIGNED(IN_SIGNED),
          .W_BITS(FactorBits),
          .SUM_BITS(ProductBits)
      ) u_product (
          .clk(clk),
          .en_i(en),
          .x_i(x_q[i*IN_BITS+:IN_BITS]),
          .w_i(factor),
          .c_i('0),
          .sum_o(product)
      );
    end

    assign m_axis_tdata[i*OUT_BITS+:OUT_BITS] =
        OUT_BITS'({{OUT_BITS{product[ProductBits-1]}}, product});
    if (OUT_BITS < ProductBits) begin : gen_unused
      logic unused;
      assign unused = ^product[ProductBits-1:OUT_BITS];
    end
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
