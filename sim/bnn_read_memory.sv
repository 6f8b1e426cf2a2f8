// The memory behind a design's AXI4 read port in simulation. It answers in order: the first word of
// a burst a random number of cycles after its address, or when the bursts before are done; nothing
// during refreshes. What it is asked for is checked: faults are printed, and fault_o stays 1. A word
// outside of the image comes with DECERR. Not for synthesis.
//   +memory=FILE           the image, $readmemh, one bus word a line
//   +memory_base=HEX       its address
//   +memory_latency_min=N  +memory_latency_max=N      cycles from an address to its first word
//   +memory_refresh=N      +memory_refresh_period=N   cycles a refresh takes; from one to the next
module bnn_read_memory #(
    parameter int ADDR_BITS = 32,
    parameter int DATA_BITS = 64,
    parameter int ID_BITS   = 1,
    parameter int WORDS     = 1024,
    parameter int BURST     = 16
) (
    input  logic                 clk,
    input  logic                 rst_n,
    input  logic [  ID_BITS-1:0] s_axi_arid,
    input  logic [ADDR_BITS-1:0] s_axi_araddr,
    input  logic [          7:0] s_axi_arlen,
    input  logic [          2:0] s_axi_arsize,
    input  logic [          1:0] s_axi_arburst,
    input  logic                 s_axi_arvalid,
    output logic                 s_axi_arready,
    output logic [  ID_BITS-1:0] s_axi_rid,
    output logic [DATA_BITS-1:0] s_axi_rdata,
    output logic [          1:0] s_axi_rresp,
    output logic                 s_axi_rlast,
    output logic                 s_axi_rvalid,
    input  logic                 s_axi_rready,
    output logic [         63:0] words_o,
    output logic                 fault_o
);
  localparam int Bytes = DATA_BITS / 8;
  localparam int Places = 16;  // bursts taken in at once
  localparam logic [1:0] Okay = 2'b00;
  localparam logic [1:0] DecodeError = 2'b11;

  logic [DATA_BITS-1:0] image[WORDS];
  logic [63:0] base;
  int latency_min, latency_max, refresh, refresh_period;
  string path;

  initial begin
    if (!$value$plusargs("memory=%s", path)) $fatal(1, "+memory is missing");
    if (!$value$plusargs("memory_base=%h", base)) $fatal(1, "+memory_base is missing");
    if (!$value$plusargs("memory_latency_min=%d", latency_min)) latency_min = 20;
    if (!$value$plusargs("memory_latency_max=%d", latency_max)) latency_max = 150;
    if (!$value$plusargs("memory_refresh=%d", refresh)) refresh = 40;
    if (!$value$plusargs("memory_refresh_period=%d", refresh_period)) refresh_period = 780;
    $readmemh(path, image);
  end

  // Time, refreshes and chance.
  longint cycle_q;
  int since_refresh_q;
  logic refreshing;
  logic [31:0] random_q;

  assign refreshing = since_refresh_q < refresh;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      cycle_q <= 0;
      since_refresh_q <= refresh;
      random_q <= 32'h5EED_0DD5;
    end else begin
      cycle_q <= cycle_q + 1;
      since_refresh_q <= since_refresh_q + 1 < refresh_period ? since_refresh_q + 1 : 0;
      random_q <= {random_q[30:0], random_q[31] ^ random_q[21] ^ random_q[1] ^ random_q[0]};
    end
  end

  // Bursts wait in order; in one cycle of four no address is taken.
  logic [ID_BITS-1:0] ids[Places];
  logic [ADDR_BITS-1:0] addresses[Places];
  logic [7:0] lengths[Places];
  longint due[Places];
  int head_q, waiting_q, beat_q;
  int tail;
  logic take, give, last;
  logic [63:0] offset;

  assign s_axi_arready = waiting_q < Places && random_q[1:0] != 2'b00;
  assign take = s_axi_arvalid && s_axi_arready;
  assign tail = (head_q + waiting_q) % Places;
  assign give = waiting_q != 0 && cycle_q >= due[head_q] && !refreshing &&
      (!s_axi_rvalid || s_axi_rready);
  assign last = beat_q == int'(lengths[head_q]);
  assign offset = (64'(addresses[head_q]) - base) / Bytes + 64'(beat_q);

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      {head_q, waiting_q, beat_q} <= '0;
      s_axi_rvalid <= 1'b0;
      words_o <= '0;
    end else begin
      waiting_q <= waiting_q + int'(take) - int'(give && last);
      if (give) begin
        beat_q <= last ? 0 : beat_q + 1;
        if (last) head_q <= (head_q + 1) % Places;
        words_o <= words_o + 1;
      end
      if (give) s_axi_rvalid <= 1'b1;
      else if (s_axi_rready) s_axi_rvalid <= 1'b0;
    end
    if (take) begin
      ids[tail] <= s_axi_arid;
      addresses[tail] <= s_axi_araddr;
      lengths[tail] <= s_axi_arlen;
      // The output is registered: what is given in one cycle is there in the next.
      due[tail] <= cycle_q + longint'(latency_min) - 1 +
          longint'(random_q[31:4] % 28'(latency_max - latency_min + 1));
    end
    if (give) begin
      s_axi_rid   <= ids[head_q];
      s_axi_rlast <= last;
      s_axi_rresp <= offset < 64'(WORDS) ? Okay : DecodeError;
      s_axi_rdata <= offset < 64'(WORDS) ? image[offset[31:0]] : '1;
    end
  end

  // What an AXI4 master may ask for, and that it waits with it.
  logic asked_q;
  logic [ADDR_BITS+ID_BITS+12:0] request, request_q;
  assign request = {s_axi_arid, s_axi_araddr, s_axi_arlen, s_axi_arsize, s_axi_arburst};

  task automatic complain(input string what);
    $display("bnn_read_memory: %s (address %h, length %0d, cycle %0d)", what, s_axi_araddr,
             s_axi_arlen, cycle_q);
    fault_o <= 1'b1;
  endtask

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      asked_q <= 1'b0;
      fault_o <= 1'b0;
    end else begin
      asked_q <= s_axi_arvalid && !s_axi_arready;
      if (asked_q && !s_axi_arvalid) complain("an address was withdrawn");
      if (asked_q && s_axi_arvalid && request != request_q) complain("an address changed");
      if (take) begin
        if (s_axi_araddr % ADDR_BITS'(Bytes) != 0) complain("an address is not of a whole word");
        if (int'(s_axi_araddr[11:0]) + (int'(s_axi_arlen) + 1) * Bytes > 4096) begin
          complain("a burst crosses 4 KiB");
        end
        if (int'(s_axi_arlen) >= BURST) complain("a burst is too long");
        if (s_axi_arsize != 3'($clog2(Bytes))) complain("arsize is not that of a bus word");
        if (s_axi_arburst != 2'b01) complain("a burst is not INCR");
      end
    end
    request_q <= request;
  end
endmodule
