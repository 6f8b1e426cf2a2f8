// Two binary convolutions, one after the other, whose weights come from one memory: 3x3, padding
// 1; 16 to 8 channels on 4x3 pixels with bits out, then 8 to 24 with stride 2 and sums out.
module stream_layers_bench #(
    parameter int unsigned DATA_BITS = 64,
    parameter int unsigned BURST = 16,
    parameter INIT1_FILE = "",
    parameter INIT2_FILE = ""
) (
    input  logic                 clk,
    input  logic                 rst_n,
    input  logic                 enable_i,
    input  logic [         63:0] base_i,
    output logic [          1:0] error_o,
    input  logic [          7:0] s_axis_tdata,
    input  logic                 s_axis_tvalid,
    output logic                 s_axis_tready,
    output logic [         95:0] m_axis_tdata,
    output logic                 m_axis_tvalid,
    input  logic                 m_axis_tready,
    output logic [          0:0] m_axi_arid,
    output logic [         31:0] m_axi_araddr,
    output logic [          7:0] m_axi_arlen,
    output logic [          2:0] m_axi_arsize,
    output logic [          1:0] m_axi_arburst,
    output logic [          3:0] m_axi_arcache,
    output logic [          2:0] m_axi_arprot,
    output logic                 m_axi_arvalid,
    input  logic                 m_axi_arready,
    input  logic [          0:0] m_axi_rid,
    input  logic [DATA_BITS-1:0] m_axi_rdata,
    input  logic [          1:0] m_axi_rresp,
    input  logic                 m_axi_rlast,
    input  logic                 m_axi_rvalid,
    output logic                 m_axi_rready
);
  logic [63:0] araddr;
  logic [15:0] arlen;
  logic [1:0] arvalid, arready, rlast, rvalid, rready;
  logic [2*DATA_BITS-1:0] rdata, words;
  logic [3:0] rresp;
  logic [1:0] words_valid, words_ready;

  for (genvar p = 0; p < 2; p++) begin : gen_reader
    bnn_axi_reader #(
        .DATA_BITS(DATA_BITS),
        .WORDS(p == 0 ? 8 * 144 / DATA_BITS : 24 * 72 / DATA_BITS),
        .BURST(BURST),
        .OUTSTANDING(2),
        .DEPTH(32)
    ) u_reader (
        .clk(clk),
        .rst_n(rst_n),
        .m_axi_araddr(araddr[p*32+:32]),
        .m_axi_arlen(arlen[p*8+:8]),
        .m_axi_arvalid(arvalid[p]),
        .m_axi_arready(arready[p]),
        .m_axi_rdata(rdata[p*DATA_BITS+:DATA_BITS]),
        .m_axi_rresp(rresp[p*2+:2]),
        .m_axi_rlast(rlast[p]),
        .m_axi_rvalid(rvalid[p]),
        .m_axi_rready(rready[p]),
        .m_axis_tdata(words[p*DATA_BITS+:DATA_BITS]),
        .m_axis_tvalid(words_valid[p]),
        .m_axis_tready(words_ready[p]),
        .enable_i(enable_i),
        .base_i(base_i[p*32+:32]),
        .stop_i(1'b0),
        .idle_o(),
        .error_o(error_o[p])
    );
  end

  bnn_read_arbiter #(
      .PORTS(2),
      .DATA_BITS(DATA_BITS)
  ) u_arbiter (
      .clk(clk),
      .rst_n(rst_n),
      .s_axi_araddr(araddr),
      .s_axi_arlen(arlen),
      .s_axi_arvalid(arvalid),
      .s_axi_arready(arready),
      .s_axi_rdata(rdata),
      .s_axi_rresp(rresp),
      .s_axi_rlast(rlast),
      .s_axi_rvalid(rvalid),
      .s_axi_rready(rready),
      .m_axi_arid(m_axi_arid),
      .m_axi_araddr(m_axi_araddr),
      .m_axi_arlen(m_axi_arlen),
      .m_axi_arsize(m_axi_arsize),
      .m_axi_arburst(m_axi_arburst),
      .m_axi_arcache(m_axi_arcache),
      .m_axi_arprot(m_axi_arprot),
      .m_axi_arvalid(m_axi_arvalid),
      .m_axi_arready(m_axi_arready),
      .m_axi_rid(m_axi_rid),
      .m_axi_rdata(m_axi_rdata),
      .m_axi_rresp(m_axi_rresp),
      .m_axi_rlast(m_axi_rlast),
      .m_axi_rvalid(m_axi_rvalid),
      .m_axi_rready(m_axi_rready)
  );

  // The first layer: PE 2, SIMD 8.
  logic [15:0] fetched1, weights1;
  logic fetched1_valid, fetched1_ready, weights1_valid, weights1_ready;
  logic [7:0] x1, x2;
  logic x1_user, x1_valid, x1_ready;
  logic [1:0] y1;
  logic y1_valid, y1_ready;

  bnn_width_converter #(
      .ELEM_BITS(16),
      .IN_LANES (DATA_BITS / 16),
      .OUT_LANES(1)
  ) u_convert1 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(words[0+:DATA_BITS]),
      .s_axis_tvalid(words_valid[0]),
      .s_axis_tready(words_ready[0]),
      .m_axis_tdata(fetched1),
      .m_axis_tvalid(fetched1_valid),
      .m_axis_tready(fetched1_ready)
  );
  bnn_weight_buffer #(
      .WORD_BITS(16),
      .FOLDS(18),
      .PIXELS(12),
      .DEPTH(36)
  ) u_weights1 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(fetched1),
      .s_axis_tvalid(fetched1_valid),
      .s_axis_tready(fetched1_ready),
      .m_axis_tdata(weights1),
      .m_axis_tvalid(weights1_valid),
      .m_axis_tready(weights1_ready)
  );
  bnn_frame_window #(
      .CHANNELS(16),
      .HEIGHT(4),
      .WIDTH(3),
      .SIMD(8),
      .PASSES(4),
      .IN_LANES(8)
  ) u_window1 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata(x1),
      .m_axis_tuser(x1_user),
      .m_axis_tvalid(x1_valid),
      .m_axis_tready(x1_ready)
  );
  bnn_stream_pe_array #(
      .PE(2),
      .SIMD(8),
      .FOLDS(18),
      .TILES(4),
      .PIXELS(12),
      .BINARY_OUT(1),
      .INIT_FILE(INIT1_FILE)
  ) u_array1 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(x1),
      .s_axis_tuser(x1_user),
      .s_axis_tvalid(x1_valid),
      .s_axis_tready(x1_ready),
      .w_axis_tdata(weights1),
      .w_axis_tvalid(weights1_valid),
      .w_axis_tready(weights1_ready),
      .m_axis_tdata(y1),
      .m_axis_tvalid(y1_valid),
      .m_axis_tready(y1_ready)
  );

  // The second layer: PE 8, SIMD 8; a weight word is a bus word.
  logic [63:0] weights2;
  logic weights2_valid, weights2_ready;
  logic x2_user, x2_valid, x2_ready;

  bnn_weight_buffer #(
      .WORD_BITS(64),
      .FOLDS(9),
      .PIXELS(4),
      .DEPTH(18)
  ) u_weights2 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(words[DATA_BITS+:DATA_BITS]),
      .s_axis_tvalid(words_valid[1]),
      .s_axis_tready(words_ready[1]),
      .m_axis_tdata(weights2),
      .m_axis_tvalid(weights2_valid),
      .m_axis_tready(weights2_ready)
  );
  bnn_frame_window #(
      .CHANNELS(8),
      .HEIGHT(4),
      .WIDTH(3),
      .STRIDE_H(2),
      .STRIDE_W(2),
      .SIMD(8),
      .PASSES(3),
      .IN_LANES(2),
      .TILE_MAJOR(1)
  ) u_window2 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(y1),
      .s_axis_tvalid(y1_valid),
      .s_axis_tready(y1_ready),
      .m_axis_tdata(x2),
      .m_axis_tuser(x2_user),
      .m_axis_tvalid(x2_valid),
      .m_axis_tready(x2_ready)
  );
  bnn_stream_pe_array #(
      .PE(8),
      .SIMD(8),
      .FOLDS(9),
      .TILES(3),
      .PIXELS(4),
      .INIT_FILE(INIT2_FILE)
  ) u_array2 (
      .clk(clk),
      .rst_n(rst_n),
      .s_axis_tdata(x2),
      .s_axis_tuser(x2_user),
      .s_axis_tvalid(x2_valid),
      .s_axis_tready(x2_ready),
      .w_axis_tdata(weights2),
      .w_axis_tvalid(weights2_valid),
      .w_axis_tready(weights2_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );
endmodule
