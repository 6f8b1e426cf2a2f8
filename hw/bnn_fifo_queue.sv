// One queue of bnn_fifo, in one kind of memory, a beat per word: exactly DEPTH beats of WIDTH bits.
// DEPTH <= 32 (with RAM_STYLE 2 or 3 only DEPTH 2): shift-register LUTs, latency 1 cycle.
// Else a memory whose read register is the output, latency 2. One beat in and one out a cycle.
module bnn_fifo_queue #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 32,
    parameter int unsigned RAM_STYLE = 0
) (
    input  logic             clk,
    input  logic             rst_n,
    input  logic [WIDTH-1:0] s_axis_tdata,
    input  logic             s_axis_tvalid,
    output logic             s_axis_tready,
    output logic [WIDTH-1:0] m_axis_tdata,
    output logic             m_axis_tvalid,
    input  logic             m_axis_tready
);

  if (WIDTH < 1 || DEPTH < 2 || RAM_STYLE > 3) begin : gen_bad_parameters
    $error("bnn_fifo_queue: WIDTH must be at least 1, DEPTH at least 2 and RAM_STYLE 0 to 3");
  end

  logic push;
  logic ready_q;
  logic valid_q;

  assign push = s_axis_tvalid && ready_q;
  assign s_axis_tready = ready_q;
  assign m_axis_tvalid = valid_q;

  if (DEPTH <= 32 && (RAM_STYLE < 2 || DEPTH == 2)) begin : gen_shift_register
    localparam int unsigned AddrBits = $clog2(DEPTH);

    // addr_q is the place of the oldest beat, meaningful while valid_q.
    logic [AddrBits-1:0] addr_q;
    logic                pop;

    assign pop = valid_q && m_axis_tready;

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        addr_q  <= '0;
        valid_q <= 1'b0;
        ready_q <= 1'b1;
      end else if (push && !pop) begin
        valid_q <= 1'b1;
        if (valid_q) addr_q <= addr_q + 1'b1;
        ready_q <= !(valid_q && addr_q == AddrBits'(DEPTH - 2));
      end else if (pop && !push) begin
        ready_q <= 1'b1;
        if (addr_q == '0) valid_q <= 1'b0;
        else addr_q <= addr_q - 1'b1;
      end
    end

    for (genvar i = 0; i < WIDTH; i++) begin : gen_bit
      logic [DEPTH-1:0] shift_q;
      always_ff @(posedge clk) begin
        if (push) shift_q <= {shift_q[DEPTH-2:0], s_axis_tdata[i]};
      end
      assign m_axis_tdata[i] = shift_q[addr_q];
    end
  end else begin : gen_memory
    // The memory holds DEPTH-1 beats, its read register one.
    localparam int unsigned MemBits = $clog2(DEPTH - 1);
    localparam int unsigned CountBits = $clog2(DEPTH + 1);

    logic [  MemBits-1:0] waddr_q;
    logic [  MemBits-1:0] raddr_q;
    logic [CountBits-1:0] stored_q;  // beats in the memory, without the read register
    logic                 load;

    assign load = stored_q != '0 && (!valid_q || m_axis_tready);

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        waddr_q  <= '0;
        raddr_q  <= '0;
        stored_q <= '0;
        valid_q  <= 1'b0;
        ready_q  <= 1'b1;
      end else begin
        if (push) waddr_q <= waddr_q == MemBits'(DEPTH - 2) ? '0 : waddr_q + 1'b1;
        if (load) raddr_q <= raddr_q == MemBits'(DEPTH - 2) ? '0 : raddr_q + 1'b1;
        if (push && !load) begin
          stored_q <= stored_q + 1'b1;
          ready_q  <= stored_q != CountBits'(DEPTH - 2);
        end else if (load && !push) begin
          stored_q <= stored_q - 1'b1;
          ready_q  <= 1'b1;
        end
        if (load) valid_q <= 1'b1;
        else if (m_axis_tready) valid_q <= 1'b0;
      end
    end

    bnn_ram #(
        .WIDTH (WIDTH),
        .DEPTH (DEPTH - 1),
        .STYLE (RAM_STYLE),
        .CLEARS(0)
    ) u_ram (
        .clk    (clk),
        .we_i   (push),
        .waddr_i(waddr_q),
        .wdata_i(s_axis_tdata),
        .re_i   (load),
        .clear_i(1'b0),
        .raddr_i(raddr_q),
        .rdata_o(m_axis_tdata)
    );
  end

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
