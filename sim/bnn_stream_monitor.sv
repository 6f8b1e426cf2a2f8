// Watches one stream of the design in simulation: beats moved, cycles stalled (valid, not ready)
// and starved (ready, not valid) at its output, and the most beats its FIFO held. Appends one line
// of JSON to the file named by +monitor=FILE when the simulation ends. With +probes=FOLDER and
// +probe=NAME, or +probe=all, the beats go to FOLDER/NAME.txt, hexadecimal, one a line; streams with
// PROBE = 0 carry no tensor of the graph and are left out of "all". Not for synthesis.
module bnn_stream_monitor #(
    parameter NAME = "stream",
    parameter int DEPTH = 0,
    parameter int WIDTH = 1,
    parameter int PROBE = 0
) (
    input logic clk,
    input logic rst_n,
    input logic in_valid_i,
    input logic in_ready_i,
    input logic out_valid_i,
    input logic out_ready_i,
    input logic [WIDTH-1:0] out_data_i
);
  string folder, wanted;
  int probe_file = 0;
  initial begin
    if ($value$plusargs("probes=%s", folder) && $value$plusargs("probe=%s", wanted)) begin
      if (wanted == NAME || (wanted == "all" && PROBE != 0)) begin
        probe_file = $fopen({folder, "/", NAME, ".txt"}, "w");
      end
    end
  end

  longint beats_q, stalled_q, starved_q, level_q, peak_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      beats_q <= 0;
      stalled_q <= 0;
      starved_q <= 0;
      level_q <= 0;
      peak_q <= 0;
    end else begin
      if (out_valid_i && out_ready_i) begin
        beats_q <= beats_q + 1;
        if (probe_file != 0) $fdisplay(probe_file, "%h", out_data_i);
      end
      if (out_valid_i && !out_ready_i) stalled_q <= stalled_q + 1;
      if (!out_valid_i && out_ready_i) starved_q <= starved_q + 1;
      level_q <= level_q + longint'(in_valid_i && in_ready_i) -
          longint'(out_valid_i && out_ready_i);
      if (level_q > peak_q) peak_q <= level_q;
    end
  end

  string path;
  int    file;
  final begin
    if (probe_file != 0) $fclose(probe_file);
    if ($value$plusargs("monitor=%s", path)) begin
      file = $fopen(path, "a");
      $fdisplay(file,
                "{\"stream\": \"%s\", \"depth\": %0d, \"beats\": %0d, \"stalled\": %0d, \"starved\": %0d, \"peak\": %0d}",
                NAME, DEPTH, beats_q, stalled_q, starved_q, peak_q);
      $fclose(file);
    end
  end
endmodule
