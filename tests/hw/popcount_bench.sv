// Compares bnn_popcount with a sum in a loop, for many sizes at once, under a random enable.
module popcount_bench;
  localparam int Sizes[8] = '{127, 128, 129, 135, 143, 255, 287, 300};
  localparam int Small = 36;
  localparam int Widest = 300;

  logic clk = 1'b0;
  logic en;
  logic [Widest-1:0] a, w, a_q;
  int cycle = 0;
  localparam int Total = Small + 8;
  int checked[Total];
  int wrong[Total];

  always #1 clk = !clk;

  function automatic logic [Widest-1:0] random(int kind);
    for (int i = 0; i < Widest; i++) begin
      random[i] = (kind == 0) ? 1'b0 : (kind == 1) ? 1'b1 : 1'($urandom_range(0, 1));
    end
  endfunction

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (en) begin
      a   <= random($urandom_range(0, 9));
      a_q <= a;
      w   <= random($urandom_range(0, 9));
    end
    en <= (cycle < 20) || ($urandom_range(0, 2) != 0);
    if (cycle == 700) begin
      int least;
      least = cycle;
      foreach (checked[i]) if (checked[i] < least) least = checked[i];
      $display("sizes %0d checked %0d wrong %0d", Total, least, wrong.sum());
      $finish;
    end
  end

  for (genvar i = 0; i < Total; i++) begin : gen_size
    localparam int N = (i < Small) ? i + 1 : Sizes[i-Small];
    localparam int Level = (N > 3) ? $clog2(N + 1) - 2 : 0;
    localparam int Stages = 1 + Level / 2;
    logic [$clog2(N+1)-1:0] count;
    int expected[Stages];

    bnn_popcount #(
        .N(N)
    ) u_popcount (
        .clk(clk),
        .en_i(en),
        .a_i(a[N-1:0]),
        .a_q_i(a_q[N-1:0]),
        .w_i(w[N-1:0]),
        .count_o(count)
    );

    always @(posedge clk) begin
      if (en) begin
        expected[0] <= $countones(a[N-1:0] ~^ w[N-1:0]);
        for (int s = 1; s < Stages; s++) expected[s] <= expected[s-1];
        if (cycle > 20) begin
          checked[i] <= checked[i] + 1;
          if (32'(count) != expected[Stages-1]) begin
            wrong[i] <= wrong[i] + 1;
            $display("N=%0d: %0d, not %0d", N, count, expected[Stages-1]);
          end
        end
      end
    end
  end
endmodule
