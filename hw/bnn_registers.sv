// AXI4-Lite slave: identity, build hash, soft reset, counters, sticky error flags, frames per packet,
// and where the weights in memory lie. Counters count from the last reset or clear, are 32 bits and
// wrap; cycles are 64: reading the low word keeps the high word for the next read. All accesses
// answer OKAY: a bus error would end the process that made it. What has no register reads 0, and
// writes to it or to a read-only register do nothing. INSTRUMENTS words of counters, if any, are read
// through bnn_instruments: reads wait while it is busy.
// The map is in README.md. One read and one write may be under way at a time.
module bnn_registers #(
    parameter logic [31:0] IDENTITY   = 32'h424E_4E48,
    parameter logic [31:0] VERSION    = 32'h0002_0001,
    parameter logic [63:0] BUILD_HASH = 64'h0,
    parameter int unsigned ERROR_BITS = 2,
    parameter int unsigned INSTRUMENTS = 0
) (
    input  logic                  clk,
    input  logic                  rst_n,
    input  logic [           7:0] s_axil_awaddr,
    input  logic [           2:0] s_axil_awprot,
    input  logic                  s_axil_awvalid,
    output logic                  s_axil_awready,
    input  logic [          31:0] s_axil_wdata,
    input  logic [           3:0] s_axil_wstrb,
    input  logic                  s_axil_wvalid,
    output logic                  s_axil_wready,
    output logic [           1:0] s_axil_bresp,
    output logic                  s_axil_bvalid,
    input  logic                  s_axil_bready,
    input  logic [           7:0] s_axil_araddr,
    input  logic [           2:0] s_axil_arprot,
    input  logic                  s_axil_arvalid,
    output logic                  s_axil_arready,
    output logic [          31:0] s_axil_rdata,
    output logic [           1:0] s_axil_rresp,
    output logic                  s_axil_rvalid,
    input  logic                  s_axil_rready,
    input  logic                  frame_in_i,
    input  logic                  frame_out_i,
    input  logic                  in_stall_i,
    input  logic                  out_stall_i,
    input  logic [ERROR_BITS-1:0] error_i,
    input  logic                  core_rst_n_i,
    input  logic                  busy_i,
    output logic                  reset_o,
    output logic [          15:0] packet_frames_o,
    output logic [          63:0] weights_base_o,
    output logic                  enable_o,
    input  logic                  instruments_busy_i,
    input  logic [          31:0] instrument_i,
    output logic                  clear_o,
    output logic                  hold_o,
    output logic [          15:0] instrument_index_o
);

  localparam logic [5:0] RegIdentity = 6'h00;
  localparam logic [5:0] RegVersion = 6'h01;
  localparam logic [5:0] RegHashLow = 6'h02;
  localparam logic [5:0] RegHashHigh = 6'h03;
  localparam logic [5:0] RegControl = 6'h04;
  localparam logic [5:0] RegErrors = 6'h05;
  localparam logic [5:0] RegFramesIn = 6'h06;
  localparam logic [5:0] RegFramesOut = 6'h07;
  localparam logic [5:0] RegCyclesLow = 6'h08;
  localparam logic [5:0] RegCyclesHigh = 6'h09;
  localparam logic [5:0] RegInterval = 6'h0a;
  localparam logic [5:0] RegInStalls = 6'h0b;
  localparam logic [5:0] RegOutStalls = 6'h0c;
  localparam logic [5:0] RegBaseLow = 6'h0d;
  localparam logic [5:0] RegBaseHigh = 6'h0e;
  localparam logic [5:0] RegPacketFrames = 6'h0f;
  localparam logic [5:0] RegInstruments = 6'h10;
  localparam logic [5:0] RegIndex = 6'h11;
  localparam logic [5:0] RegInstrument = 6'h12;
  localparam logic [1:0] Okay = 2'b00;

  if (ERROR_BITS < 1 || ERROR_BITS > 8) begin : gen_bad_errors
    $error("bnn_registers: ERROR_BITS must be 1 to 8");
  end
  if (INSTRUMENTS > 65535) begin : gen_bad_instruments
    $error("bnn_registers: INSTRUMENTS must be at most 65535");
  end

  // Write channels: address and data wait for each other, in any order.
  logic        address_q;
  logic        data_q;
  logic        answer_q;
  logic [ 5:0] write_reg_q;
  logic [31:0] write_data_q;
  logic [ 3:0] write_bytes_q;
  logic        write;
  logic        write_control;
  logic        clear;

  assign s_axil_awready = !address_q;
  assign s_axil_wready = !data_q;
  assign s_axil_bvalid = answer_q;
  assign s_axil_bresp = Okay;
  assign write = address_q && data_q && (!answer_q || s_axil_bready);
  assign write_control = write && write_reg_q == RegControl && write_bytes_q[0];
  assign clear = write_control && write_data_q[0];
  assign reset_o = write_control && write_data_q[2];

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      address_q <= 1'b0;
      data_q    <= 1'b0;
      answer_q  <= 1'b0;
    end else begin
      if (write) address_q <= 1'b0;
      else if (s_axil_awvalid) address_q <= 1'b1;
      if (write) data_q <= 1'b0;
      else if (s_axil_wvalid) data_q <= 1'b1;
      if (write) answer_q <= 1'b1;
      else if (s_axil_bready) answer_q <= 1'b0;
    end
    if (!address_q) write_reg_q <= s_axil_awaddr[7:2];
    if (!data_q) begin
      write_data_q  <= s_axil_wdata;
      write_bytes_q <= s_axil_wstrb;
    end
  end

  // What the host sets: for the readers of weights, and for the streams. A reset of the core leaves it.
  logic        enable_q;
  logic [63:0] base_q;
  logic [15:0] packet_frames_q;

  assign enable_o = enable_q;
  assign weights_base_o = base_q;
  assign packet_frames_o = packet_frames_q;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      enable_q <= 1'b0;
      base_q   <= '0;
      packet_frames_q <= 16'd1;
    end else if (write) begin
      if (write_control) enable_q <= write_data_q[1];
      for (int b = 0; b < 2; b++) begin
        if (write_reg_q == RegPacketFrames && write_bytes_q[b]) begin
          packet_frames_q[8*b+:8] <= write_data_q[8*b+:8];
        end
      end
      for (int b = 0; b < 4; b++) begin
        if (write_reg_q == RegBaseLow && write_bytes_q[b]) begin
          base_q[8*b+:8] <= write_data_q[8*b+:8];
        end
        if (write_reg_q == RegBaseHigh && write_bytes_q[b]) begin
          base_q[32+8*b+:8] <= write_data_q[8*b+:8];
        end
      end
    end
  end

  // Instruments: whether they stand still, and which is read.
  logic        hold;
  logic        busy;
  logic [15:0] index;
  logic [31:0] instrument;

  assign clear_o = clear;
  assign hold_o = hold;
  assign instrument_index_o = index;

  if (INSTRUMENTS == 0) begin : gen_no_instruments
    assign hold       = 1'b0;
    assign busy       = 1'b0;
    assign index      = '0;
    assign instrument = '0;

    logic unused;
    assign unused = &{1'b0, instruments_busy_i, instrument_i};
  end else begin : gen_instruments
    logic        hold_q;
    logic [15:0] index_q;

    assign hold       = hold_q;
    assign busy       = instruments_busy_i;
    assign index      = index_q;
    assign instrument = instrument_i;

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        hold_q  <= 1'b0;
        index_q <= '0;
      end else if (write) begin
        if (write_control) hold_q <= write_data_q[3];
        for (int b = 0; b < 2; b++) begin
          if (write_reg_q == RegIndex && write_bytes_q[b]) begin
            index_q[8*b+:8] <= write_data_q[8*b+:8];
          end
        end
      end
    end
  end

  // Counters.
  logic [          31:0] frames_in_q;
  logic [          31:0] frames_out_q;
  logic [          63:0] cycles_q;
  logic [          31:0] since_frame_q;
  logic [          31:0] interval_q;
  logic                  after_frame_q;
  logic [          31:0] in_stalls_q;
  logic [          31:0] out_stalls_q;

  always_ff @(posedge clk) begin
    if (!core_rst_n_i || clear) begin
      frames_in_q   <= '0;
      frames_out_q  <= '0;
      cycles_q      <= '0;
      interval_q    <= '0;
      after_frame_q <= 1'b0;
      in_stalls_q   <= '0;
      out_stalls_q  <= '0;
    end else begin
      frames_in_q  <= frames_in_q + 32'(frame_in_i);
      frames_out_q <= frames_out_q + 32'(frame_out_i);
      cycles_q     <= cycles_q + 64'd1;
      in_stalls_q  <= in_stalls_q + 32'(in_stall_i);
      out_stalls_q <= out_stalls_q + 32'(out_stall_i);
      if (frame_out_i) after_frame_q <= 1'b1;
      if (frame_out_i && after_frame_q) interval_q <= since_frame_q;
    end
    since_frame_q <= frame_out_i ? 32'd1 : since_frame_q + 32'd1;
  end

  // Error flags outlive a reset of the core: they say why the host asked for it.
  logic [ERROR_BITS-1:0] errors_q;
  logic [ERROR_BITS-1:0] acknowledged;

  assign acknowledged = write && write_reg_q == RegErrors && write_bytes_q[0] ?
      write_data_q[ERROR_BITS-1:0] : '0;

  always_ff @(posedge clk) begin
    if (!rst_n || clear) errors_q <= '0;
    else errors_q <= (errors_q & ~acknowledged) | error_i;
  end

  // Read channels.
  logic        read;
  logic [ 5:0] read_reg;
  logic [31:0] value;
  logic        read_valid_q;
  logic [31:0] read_data_q;
  logic [31:0] cycles_high_q;

  assign s_axil_arready = !read_valid_q && !busy;
  assign s_axil_rvalid = read_valid_q;
  assign s_axil_rdata = read_data_q;
  assign s_axil_rresp = Okay;
  assign read = s_axil_arvalid && s_axil_arready;
  assign read_reg = s_axil_araddr[7:2];

  always_comb begin
    unique case (read_reg)
      RegIdentity:   value = IDENTITY;
      RegVersion:    value = VERSION;
      RegHashLow:    value = BUILD_HASH[31:0];
      RegHashHigh:   value = BUILD_HASH[63:32];
      RegControl:    value = {28'b0, hold, busy_i, enable_q, 1'b0};
      RegErrors:     value = 32'(errors_q);
      RegFramesIn:   value = frames_in_q;
      RegFramesOut:  value = frames_out_q;
      RegCyclesLow:  value = cycles_q[31:0];
      RegCyclesHigh: value = cycles_high_q;
      RegInterval:   value = interval_q;
      RegInStalls:   value = in_stalls_q;
      RegOutStalls:  value = out_stalls_q;
      RegBaseLow:    value = base_q[31:0];
      RegBaseHigh:   value = base_q[63:32];
      RegPacketFrames: value = 32'(packet_frames_q);
      RegInstruments: value = 32'(INSTRUMENTS);
      RegIndex:      value = 32'(index);
      RegInstrument: value = instrument;
      default:       value = '0;
    endcase
  end

  always_ff @(posedge clk) begin
    if (!rst_n) read_valid_q <= 1'b0;
    else if (read) read_valid_q <= 1'b1;
    else if (s_axil_rready) read_valid_q <= 1'b0;
    if (read) begin
      read_data_q  <= value;
      if (read_reg == RegCyclesLow) cycles_high_q <= cycles_q[63:32];
    end
  end

  // Protection and the bytes within a word do not matter.
  logic unused;
  assign unused = &{1'b0, s_axil_awprot, s_axil_arprot, s_axil_awaddr[1:0], s_axil_araddr[1:0]};

`ifndef SYNTHESIS
  bnn_stream_check #(
      .WIDTH(2)
  ) u_check_write (
      .m_axis_tdata (s_axil_bresp),
      .m_axis_tvalid(s_axil_bvalid),
      .m_axis_tready(s_axil_bready),
      .*
  );
  bnn_stream_check #(
      .WIDTH(34)
  ) u_check_read (
      .m_axis_tdata ({s_axil_rdata, s_axil_rresp}),
      .m_axis_tvalid(s_axil_rvalid),
      .m_axis_tready(s_axil_rready),
      .*
  );
`endif

endmodule
