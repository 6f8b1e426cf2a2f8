// Loop counter: last_o marks the last of COUNT turns; a step in the last turn starts over.
module bnn_loop #(
    parameter int unsigned COUNT = 4
) (
    input  logic clk,
    input  logic rst_n,
    input  logic step_i,
    output logic last_o
);

  if (COUNT < 1) begin : gen_bad_count
    $error("bnn_loop: COUNT must be at least 1");
  end

  if (COUNT == 1) begin : gen_once
    assign last_o = 1'b1;

    logic unused;
    assign unused = &{1'b0, clk, rst_n, step_i};
  end else begin : gen_counter
    localparam int unsigned CountBits = $clog2(COUNT);

    logic [CountBits-1:0] count_q;

    assign last_o = count_q == CountBits'(COUNT - 1);

    always_ff @(posedge clk) begin
      if (!rst_n) count_q <= '0;
      else if (step_i) count_q <= last_o ? '0 : count_q + 1'b1;
    end
  end

endmodule
