// Inside bnn_pad: counts the BEFORE + SIZE + BEHIND positions of a padded axis, each step_i one.
//
// inside_o: the next step leads from one pixel of the image on to the next; else it leads to or
// from padding. frees_o: so, and the pixel left is not among the last HOLD + 1, which padding may
// need. last_o: the next step starts over.
module bnn_pad_axis #(
    parameter int unsigned SIZE   = 8,
    parameter int unsigned BEFORE = 1,
    parameter int unsigned BEHIND = 1,
    parameter int unsigned HOLD   = 0
) (
    input  logic clk,
    input  logic rst_n,
    input  logic step_i,
    output logic inside_o,
    output logic frees_o,
    output logic last_o
);

  localparam int unsigned Count = BEFORE + SIZE + BEHIND;
  localparam int unsigned End = BEFORE + SIZE - 1;
  localparam int unsigned Free = HOLD < SIZE ? End - HOLD : BEFORE;

  if (SIZE < 1 || HOLD >= SIZE) begin : gen_bad_size
    $error("bnn_pad_axis: SIZE must be at least 1, HOLD less");
  end

  if (Count == 1) begin : gen_once
    assign inside_o = 1'b0;
    assign frees_o  = 1'b0;
    assign last_o   = 1'b1;

    logic unused;
    assign unused = &{1'b0, clk, rst_n, step_i};
  end else begin : gen_counter
    localparam int unsigned CountBits = $clog2(Count);

    logic [CountBits-1:0] count_q;
    logic [CountBits-1:0] count_d;
    logic                 inside_q;
    logic                 frees_q;
    logic                 last_q;

    assign count_d  = last_q ? '0 : count_q + 1'b1;
    assign inside_o = inside_q;
    assign frees_o  = frees_q;
    assign last_o   = last_q;

    // The outputs are known a step early.
    always_ff @(posedge clk) begin
      if (!rst_n) begin
        count_q  <= '0;
        inside_q <= BEFORE == 0 && End > 0;
        frees_q  <= BEFORE == 0 && Free > 0;
        last_q   <= 1'b0;
      end else if (step_i) begin
        count_q  <= count_d;
        inside_q <= 32'(count_d) + 1 > BEFORE && 32'(count_d) < End;
        frees_q  <= 32'(count_d) + 1 > BEFORE && 32'(count_d) + 1 <= Free;
        last_q   <= 32'(count_d) == Count - 1;
      end
    end
  end

endmodule
