// PE dot products of integer activations with integer weights.
//
// In: SIMD elements of IN_BITS a beat, FOLDS beats a window, TILES windows (repeated) a pixel.
// Out: one beat a tile, PE accumulators of ACC_BITS. MULTIPLY_STYLE: 1 products in LUTs (Booth),
// 2 in a DSP48E1 each, 3 in a DSP48E1 for two channels. Latency: ceil(log2(SIMD)) +
// (3 + ceil(WEIGHT_BITS / 4) in style 1, else 5). One input beat a cycle.
module bnn_mac_pe_array #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 3,
    parameter int unsigned FOLDS = 9,
    parameter int unsigned TILES = 1,
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 0,
    parameter int unsigned WEIGHT_BITS = 8,
    parameter int unsigned ACC_BITS = 22,
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
    parameter int unsigned MULTIPLY_STYLE = 2
) (
    input  logic                    clk,
    input  logic                    rst_n,
    input  logic [SIMD*IN_BITS-1:0] s_axis_tdata,
    input  logic                    s_axis_tvalid,
    output logic                    s_axis_tready,
    output logic [ PE*ACC_BITS-1:0] m_axis_tdata,
    output logic                    m_axis_tvalid,
    input  logic                    m_axis_tready
);

  localparam int unsigned WeightWords = TILES * FOLDS;
  localparam int unsigned InitWords =
      (BORDER_TOP + 1 + BORDER_BOTTOM) * (BORDER_LEFT + 1 + BORDER_RIGHT) * TILES;
  localparam int unsigned WeightAddrBits = (WeightWords > 1) ? $clog2(WeightWords) : 1;
  localparam int unsigned InitAddrBits = (InitWords > 1) ? $clog2(InitWords) : 1;
  localparam int unsigned MultiplyStages = (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 3;
  localparam int unsigned Levels = $clog2(SIMD);
  localparam int unsigned ProductBits = IN_BITS + WEIGHT_BITS;
  localparam int unsigned TotalBits =
      (ProductBits + Levels < ACC_BITS) ? ProductBits + Levels : ACC_BITS;

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_mac_pe_array: PE and SIMD must be positive");
  end
  if (ACC_BITS < 2 || ACC_BITS > 32) begin : gen_bad_bits
    $error("bnn_mac_pe_array: ACC_BITS must be 2 to 32");
  end
  if (IN_BITS == 0 || WEIGHT_BITS == 0 || IN_SIGNED > 1) begin : gen_bad_input
    $error("bnn_mac_pe_array: IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1");
  end
  if (MULTIPLY_STYLE == 0 || MULTIPLY_STYLE > 3) begin : gen_bad_style
    $error("bnn_mac_pe_array: MULTIPLY_STYLE must be 1, 2 or 3");
  end
  if (MULTIPLY_STYLE == 3 && PE % 2 != 0) begin : gen_bad_pair
    $error("bnn_mac_pe_array: MULTIPLY_STYLE 3 needs an even PE");
  end

  logic en;
  logic acc_en;
  logic acc_first;
  logic [WeightAddrBits-1:0] weight_addr;
  logic [InitAddrBits-1:0] init_addr;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights;
  logic [PE*ACC_BITS-1:0] init;
  logic [SIMD*IN_BITS-1:0] x_q;

  bnn_pe_control #(
      .FOLDS(FOLDS),
      .TILES(TILES),
      .STAGES(1 + MultiplyStages + Levels),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .BORDER_TOP(BORDER_TOP),
      .BORDER_BOTTOM(BORDER_BOTTOM),
      .BORDER_LEFT(BORDER_LEFT),
      .BORDER_RIGHT(BORDER_RIGHT),
      .WEIGHT_ADDR_BITS(WeightAddrBits),
      .INIT_ADDR_BITS(InitAddrBits)
  ) u_control (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .en_o(en),
      .weight_addr_o(weight_addr),
      .init_addr_o(init_addr),
      .acc_en_o(acc_en),
      .acc_first_o(acc_first)
  );

  bnn_rom #(
      .WIDTH(PE * SIMD * WEIGHT_BITS),
      .DEPTH(WeightWords),
      .STYLE(WEIGHTS_STYLE),
      .FILE (WEIGHTS_FILE)
  ) u_weights (
      .clk(clk),
      .en_i(en),
      .addr_i(weight_addr),
      .data_o(weights)
  );

  bnn_rom #(
      .WIDTH(PE * ACC_BITS),
      .DEPTH(InitWords),
      .STYLE(INIT_STYLE),
      .FILE (INIT_FILE)
  ) u_init (
      .clk(clk),
      .en_i(en),
      .addr_i(init_addr),
      .data_o(init)
  );

  always_ff @(posedge clk) if (en) x_q <= s_axis_tdata;

  // In a DSP48E1 the factors have registers; the rows in LUTs begin at one too, not at a block RAM.
  logic [PE*SIMD*WEIGHT_BITS-1:0] w_factors;
  logic [SIMD*IN_BITS-1:0] x_factors;
  if (MULTIPLY_STYLE == 1) begin : gen_factors
    logic [PE*SIMD*WEIGHT_BITS-1:0] weights_q;
    logic [SIMD*IN_BITS-1:0] x_q2;
    always_ff @(posedge clk) begin
      if (en) begin
        weights_q <= weights;
        x_q2 <= x_q;
      end
    end
    assign w_factors = weights_q;
    assign x_factors = x_q2;
  end else begin : gen_no_factors
    assign w_factors = weights;
    assign x_factors = x_q;
  end

  // Products of the PEs, and the +1 that a product still lacks.
  logic [PE*SIMD*ProductBits-1:0] products;
  logic [PE*SIMD-1:0] carries;

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    for (genvar s = 0; s < SIMD; s++) begin : gen_lane
      if (MULTIPLY_STYLE == 1) begin : gen_booth
        bnn_booth #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS),
            .SUM_BITS(ProductBits)
        ) u_product (
            .clk  (clk),
            .en_i (en),
            .x_i  (x_factors[s*IN_BITS+:IN_BITS]),
            .w_i  (w_factors[(p*SIMD+s)*WEIGHT_BITS+:WEIGHT_BITS]),
            .c_i  (1'b0),
            .sum_o(products[(p*SIMD+s)*ProductBits+:ProductBits])
        );
        assign carries[p*SIMD+s] = 1'b0;
      end else if (MULTIPLY_STYLE == 2) begin : gen_dsp
        bnn_dsp_product #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS)
        ) u_product (
            .clk(clk),
            .en_i(en),
            .x_i(x_factors[s*IN_BITS+:IN_BITS]),
            .w_i(w_factors[(p*SIMD+s)*WEIGHT_BITS+:WEIGHT_BITS]),
            .product_o(products[(p*SIMD+s)*ProductBits+:ProductBits])
        );
        assign carries[p*SIMD+s] = 1'b0;
      end else if (p % 2 == 0) begin : gen_pair
        bnn_dsp_pair #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS)
        ) u_pair (
            .clk(clk),
            .en_i(en),
            .x_i(x_factors[s*IN_BITS+:IN_BITS]),
            .w0_i(w_factors[(p*SIMD+s)*WEIGHT_BITS+:WEIGHT_BITS]),
            .w1_i(w_factors[((p+1)*SIMD+s)*WEIGHT_BITS+:WEIGHT_BITS]),
            .low_o(products[(p*SIMD+s)*ProductBits+:ProductBits]),
            .high_o(products[((p+1)*SIMD+s)*ProductBits+:ProductBits]),
            .borrow_o(carries[(p+1)*SIMD+s])
        );
        assign carries[p*SIMD+s] = 1'b0;
      end
    end

    localparam int unsigned Carries = (MULTIPLY_STYLE == 3 && p % 2 == 1) ? 1 : 0;
    logic [TotalBits-1:0] total;
    logic carry;
    logic [ACC_BITS-1:0] base;
    logic [ACC_BITS-1:0] sum_q;

    bnn_adder_tree #(
        .TERMS(SIMD),
        .BITS(ProductBits),
        .OUT_BITS(TotalBits),
        .CARRIES(Carries)
    ) u_sum (
        .clk(clk),
        .en_i(en),
        .terms_i(products[p*SIMD*ProductBits+:SIMD*ProductBits]),
        .carries_i(carries[p*SIMD+:SIMD]),
        .sum_o(total),
        .carry_o(carry)
    );

    assign base = acc_first ? init[p*ACC_BITS+:ACC_BITS] : sum_q;
    if (Carries == 1) begin : gen_carry
      always_ff @(posedge clk)
        if (acc_en)
          sum_q <= ACC_BITS'($signed(total)) + base + ACC_BITS'(carry);
    end else begin : gen_no_carry
      always_ff @(posedge clk) if (acc_en) sum_q <= ACC_BITS'($signed(total)) + base;
      logic unused;
      assign unused = carry;
    end
    assign m_axis_tdata[p*ACC_BITS+:ACC_BITS] = sum_q;
  end

`ifndef SYNTHESIS
  assert property (@(posedge clk) disable iff (!rst_n)
    m_axis_tvalid && !m_axis_tready |=> m_axis_tvalid && $stable(
      m_axis_tdata
  ));
`endif

endmodule
