// Datapath of the PE arrays that multiply integers: PE sums of products, each added up over a window.
//
// x_i is the beat at the input, weights_i its weights one enabled clock later; init_i belongs to
// the beat that the accumulators read (acc_first_i, acc_en_i), 1 + STAGES enabled clocks after it
// came: STAGES = ceil(log2(SIMD)) + (1 + ceil(WEIGHT_BITS / 4) in MULTIPLY_STYLE 1, else 3).
module bnn_mac_core #(
    parameter int unsigned PE = 4,
    parameter int unsigned SIMD = 3,
    parameter int unsigned IN_BITS = 8,
    parameter int unsigned IN_SIGNED = 0,
    parameter int unsigned WEIGHT_BITS = 8,
    parameter int unsigned ACC_BITS = 22,
    parameter int unsigned MULTIPLY_STYLE = 2,
    parameter int unsigned STAGES = 5
) (
    input  logic                           clk,
    input  logic                           en_i,
    input  logic                           acc_en_i,
    input  logic                           acc_first_i,
    input  logic [       SIMD*IN_BITS-1:0] x_i,
    input  logic [PE*SIMD*WEIGHT_BITS-1:0] weights_i,
    input  logic [        PE*ACC_BITS-1:0] init_i,
    output logic [        PE*ACC_BITS-1:0] data_o
);

  localparam int unsigned MultiplyStages = (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 3;
  localparam int unsigned Levels = $clog2(SIMD);
  localparam int unsigned ProductBits = IN_BITS + WEIGHT_BITS;
  localparam int unsigned TotalBits =
      (ProductBits + Levels < ACC_BITS) ? ProductBits + Levels : ACC_BITS;

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_mac_core: PE and SIMD must be positive");
  end
  if (ACC_BITS < 2 || ACC_BITS > 32) begin : gen_bad_bits
    $error("bnn_mac_core: ACC_BITS must be 2 to 32");
  end
  if (IN_BITS == 0 || WEIGHT_BITS == 0 || IN_SIGNED > 1) begin : gen_bad_input
    $error("bnn_mac_core: IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1");
  end
  if (MULTIPLY_STYLE == 0 || MULTIPLY_STYLE > 3) begin : gen_bad_style
    $error("bnn_mac_core: MULTIPLY_STYLE must be 1, 2 or 3");
  end
  if (MULTIPLY_STYLE == 3 && PE % 2 != 0) begin : gen_bad_pair
    $error("bnn_mac_core: MULTIPLY_STYLE 3 needs an even PE");
  end

  if (STAGES != MultiplyStages + Levels) begin : gen_bad_stages
    $error("bnn_mac_core: STAGES must be those of products and adder tree");
  end

  logic [SIMD*IN_BITS-1:0] x_q;

  always_ff @(posedge clk) if (en_i) x_q <= x_i;

  // In a DSP48E1 the factors have registers; the rows in LUTs begin at one too, not at a block RAM.
  logic [PE*SIMD*WEIGHT_BITS-1:0] w_factors;
  logic [SIMD*IN_BITS-1:0] x_factors;
  if (MULTIPLY_STYLE == 1) begin : gen_factors
    logic [PE*SIMD*WEIGHT_BITS-1:0] weights_q;
    logic [SIMD*IN_BITS-1:0] x_q2;
    always_ff @(posedge clk) begin
      if (en_i) begin
        weights_q <= weights_i;
        x_q2 <= x_q;
      end
    end
    assign w_factors = weights_q;
    assign x_factors = x_q2;
  end else begin : gen_no_factors
    assign w_factors = weights_i;
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
            .en_i (en_i),
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
            .en_i(en_i),
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
            .en_i(en_i),
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
        .en_i(en_i),
        .terms_i(products[p*SIMD*ProductBits+:SIMD*ProductBits]),
        .carries_i(carries[p*SIMD+:SIMD]),
        .sum_o(total),
        .carry_o(carry)
    );

    assign base = acc_first_i ? init_i[p*ACC_BITS+:ACC_BITS] : sum_q;
    if (Carries == 1) begin : gen_carry
      always_ff @(posedge clk)
        if (acc_en_i)
          sum_q <= ACC_BITS'($signed(total)) + base + ACC_BITS'(carry);
    end else begin : gen_no_carry
      always_ff @(posedge clk) if (acc_en_i) sum_q <= ACC_BITS'($signed(total)) + base;
      logic unused;
      assign unused = carry;
    end
    assign data_o[p*ACC_BITS+:ACC_BITS] = sum_q;
  end

endmodule
