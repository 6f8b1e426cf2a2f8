// Register block, ring control and the counters of three streams, wired as in a design: one stream
// without a FIFO, one with a FIFO of 5 beats, one of 300.
module instruments_bench (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        core_rst_n_i,
    input  logic [ 2:0] in_valid_i,
    input  logic [ 2:0] in_ready_i,
    input  logic [ 2:0] out_valid_i,
    input  logic [ 2:0] out_ready_i,
    output logic        hold_o,
    output logic        clear_o,
    input  logic [ 7:0] s_axil_awaddr,
    input  logic [ 2:0] s_axil_awprot,
    input  logic        s_axil_awvalid,
    output logic        s_axil_awready,
    input  logic [31:0] s_axil_wdata,
    input  logic [ 3:0] s_axil_wstrb,
    input  logic        s_axil_wvalid,
    output logic        s_axil_wready,
    output logic [ 1:0] s_axil_bresp,
    output logic        s_axil_bvalid,
    input  logic        s_axil_bready,
    input  logic [ 7:0] s_axil_araddr,
    input  logic [ 2:0] s_axil_arprot,
    input  logic        s_axil_arvalid,
    output logic        s_axil_arready,
    output logic [31:0] s_axil_rdata,
    output logic [ 1:0] s_axil_rresp,
    output logic        s_axil_rvalid,
    input  logic        s_axil_rready
);
  localparam int Words = 12;  // 1 + 3 + 4 + 4

  logic busy, clear, hold, shift;
  logic [15:0] index;
  logic [31:0] word;
  logic [127:0] ring;

  bnn_registers #(
      .INSTRUMENTS(Words)
  ) u_registers (
      .clk(clk),
      .rst_n(rst_n),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awprot(s_axil_awprot),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arprot(s_axil_arprot),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      .s_axil_rready(s_axil_rready),
      .frame_in_i(1'b0),
      .frame_out_i(1'b0),
      .in_stall_i(1'b0),
      .out_stall_i(1'b0),
      .error_i(2'b0),
      .core_rst_n_i(core_rst_n_i),
      .busy_i(1'b0),
      .reset_o(),
      .packet_frames_o(),
      .weights_base_o(),
      .enable_o(),
      .instruments_busy_i(busy),
      .instrument_i(word),
      .clear_o(clear),
      .hold_o(hold),
      .instrument_index_o(index)
  );

  bnn_instruments #(
      .WORDS(Words)
  ) u_instruments (
      .clk(clk),
      .rst_n(rst_n),
      .core_rst_n_i(core_rst_n_i),
      .clear_i(clear),
      .hold_i(hold),
      .index_i(index),
      .busy_o(busy),
      .word_o(word),
      .clear_o(clear_o),
      .hold_o(hold_o),
      .shift_o(shift),
      .ring_i(ring[31:0]),
      .ring_o(ring[127:96])
  );

  for (genvar i = 0; i < 3; i++) begin : gen_stream
    bnn_stream_counters #(
        .DEPTH(i == 0 ? 0 : i == 1 ? 5 : 300)
    ) u_counters (
        .clk(clk),
        .rst_n(core_rst_n_i),
        .in_valid_i(in_valid_i[i]),
        .in_ready_i(in_ready_i[i]),
        .out_valid_i(out_valid_i[i]),
        .out_ready_i(out_ready_i[i]),
        .clear_i(clear_o),
        .hold_i(hold_o),
        .shift_i(shift),
        .ring_i(ring[32*(i+1)+:32]),
        .ring_o(ring[32*i+:32])
    );
  end
endmodule
