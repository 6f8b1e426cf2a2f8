// Datapath of the PE arrays that multiply integers: PE sums of products, each added up over a window.
//
// x_i is the beat at the input, weights_i its weights one enabled clock later; init_i belongs to
// the beat that the accumulators read (acc_first_i, acc_en_i), 1 + STAGES enabled clocks after it
// came: STAGES = ceil(log2(SIMD)) + (1 + ceil(WEIGHT_BITS / 4) in MULTIPLY_STYLE 1, else 3).
// Style 3 puts two products in a DSP48E1; style 4 also adds up those of two lanes there, which takes
// a level of the adder tree.
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

  localparam bit Pairs = MULTIPLY_STYLE >= 3;
  localparam bit Chained = MULTIPLY_STYLE == 4;
  localparam int unsigned Chain = Chained ? 2 : 1;  // lanes a term of the adder tree
  localparam int unsigned Terms = (SIMD + Chain - 1) / Chain;
  localparam int unsigned MultiplyStages =
      (MULTIPLY_STYLE == 1) ? 1 + (WEIGHT_BITS + 3) / 4 : 2 + Chain;
  localparam int unsigned Levels = $clog2(Terms);
  localparam int unsigned TermBits = IN_BITS + WEIGHT_BITS + Chain - 1;
  localparam int unsigned TotalBits =
      (TermBits + Levels < ACC_BITS) ? TermBits + Levels : ACC_BITS;

  if (PE == 0 || SIMD == 0) begin : gen_bad_size
    $error("bnn_mac_core: PE and SIMD must be positive");
  end
  if (IN_BITS == 0 || WEIGHT_BITS == 0 || IN_SIGNED > 1) begin : gen_bad_input
    $error("bnn_mac_core: IN_BITS and WEIGHT_BITS must be positive, IN_SIGNED 0 or 1");
  end
  if (MULTIPLY_STYLE == 0 || MULTIPLY_STYLE > 4) begin : gen_bad_style
    $error("bnn_mac_core: MULTIPLY_STYLE must be 1, 2, 3 or 4");
  end
  if (Pairs && PE % 2 != 0) begin : gen_bad_pair
    $error("bnn_mac_core: MULTIPLY_STYLE 3 and 4 need an even PE");
  end
  if (Chained && SIMD < 2) begin : gen_bad_chain
    $error("bnn_mac_core: MULTIPLY_STYLE 4 needs SIMD of at least 2");
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

  // Terms of the PEs, products or sums of two, and the +1 that a term still lacks.
  logic [PE*Terms*TermBits-1:0] terms;
  logic [PE*Terms-1:0] carries;
  // Their sums, and the +1 that a sum still lacks.
  logic [PE*TotalBits-1:0] totals;
  logic [PE-1:0] late_carries;

  for (genvar p = 0; p < PE; p++) begin : gen_pe
    for (genvar t = 0; t < Terms; t++) begin : gen_term
      localparam int unsigned Lane = t * Chain;
      localparam int unsigned Low = p * Terms + t;
      localparam int unsigned High = Low + Terms;
      if (MULTIPLY_STYLE == 1) begin : gen_booth
        bnn_booth #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS),
            .SUM_BITS(TermBits)
        ) u_product (
            .clk  (clk),
            .en_i (en_i),
            .x_i  (x_factors[Lane*IN_BITS+:IN_BITS]),
            .w_i  (w_factors[(p*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .c_i  (1'b0),
            .sum_o(terms[Low*TermBits+:TermBits])
        );
        assign carries[Low] = 1'b0;
      end else if (MULTIPLY_STYLE == 2) begin : gen_dsp
        bnn_dsp_product #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS)
        ) u_product (
            .clk(clk),
            .en_i(en_i),
            .x_i(x_factors[Lane*IN_BITS+:IN_BITS]),
            .w_i(w_factors[(p*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .product_o(terms[Low*TermBits+:TermBits])
        );
        assign carries[Low] = 1'b0;
      end else if (p % 2 == 0 && Chained && Lane + 1 < SIMD) begin : gen_chain
        bnn_dsp_pair_chain #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS)
        ) u_sums (
            .clk(clk),
            .en_i(en_i),
            .xa_i(x_factors[Lane*IN_BITS+:IN_BITS]),
            .wa0_i(w_factors[(p*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .wa1_i(w_factors[((p+1)*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .xb_i(x_factors[(Lane+1)*IN_BITS+:IN_BITS]),
            .wb0_i(w_factors[(p*SIMD+Lane+1)*WEIGHT_BITS+:WEIGHT_BITS]),
            .wb1_i(w_factors[((p+1)*SIMD+Lane+1)*WEIGHT_BITS+:WEIGHT_BITS]),
            .low_o(terms[Low*TermBits+:TermBits]),
            .high_o(terms[High*TermBits+:TermBits]),
            .borrow_o(carries[High])
        );
        assign carries[Low] = 1'b0;
      end else if (p % 2 == 0) begin : gen_pair
        localparam int unsigned ProductBits = IN_BITS + WEIGHT_BITS;
        logic [ProductBits-1:0] low;
        logic [ProductBits-1:0] high;
        logic borrow;
        bnn_dsp_pair #(
            .X_BITS  (IN_BITS),
            .X_SIGNED(IN_SIGNED),
            .W_BITS  (WEIGHT_BITS)
        ) u_pair (
            .clk(clk),
            .en_i(en_i),
            .x_i(x_factors[Lane*IN_BITS+:IN_BITS]),
            .w0_i(w_factors[(p*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .w1_i(w_factors[((p+1)*SIMD+Lane)*WEIGHT_BITS+:WEIGHT_BITS]),
            .low_o(low),
            .high_o(high),
            .borrow_o(borrow)
        );
        if (Chained) begin : gen_late  // the last lane has no other: it waits for the chains
          logic [TermBits-1:0] low_q;
          logic [TermBits-1:0] high_q;
          logic borrow_q;
          always_ff @(posedge clk) begin
            if (en_i) begin
              low_q <= {low[ProductBits-1], low};
              high_q <= {high[ProductBits-1], high};
              borrow_q <= borrow;
            end
          end
          assign terms[Low*TermBits+:TermBits] = low_q;
          assign terms[High*TermBits+:TermBits] = high_q;
          assign carries[High] = borrow_q;
        end else begin : gen_now
          assign terms[Low*TermBits+:TermBits] = low;
          assign terms[High*TermBits+:TermBits] = high;
          assign carries[High] = borrow;
        end
        assign carries[Low] = 1'b0;
      end
    end

    bnn_adder_tree #(
        .TERMS(Terms),
        .BITS(TermBits),
        .OUT_BITS(TotalBits),
        .CARRIES((Pairs && p % 2 == 1) ? 1 : 0)
    ) u_sum (
        .clk(clk),
        .en_i(en_i),
        .terms_i(terms[p*Terms*TermBits+:Terms*TermBits]),
        .carries_i(carries[p*Terms+:Terms]),
        .sum_o(totals[p*TotalBits+:TotalBits]),
        .carry_o(late_carries[p])
    );
  end

  bnn_accumulators #(
      .PE(PE),
      .ADDEND_BITS(TotalBits),
      .SIGNED(1),
      .ACC_BITS(ACC_BITS)
  ) u_accumulators (
      .clk(clk),
      .en_i(acc_en_i),
      .first_i(acc_first_i),
      .addend_i(totals),
      .carry_i(late_carries),
      .init_i(init_i),
      .data_o(data_o)
  );

endmodule
