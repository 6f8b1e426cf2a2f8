// First-in first-out queue of exactly DEPTH beats of WIDTH bits, in order and unchanged, one beat in
// and one out a cycle. DEPTH <= 32 (with RAM_STYLE 2 or 3 only DEPTH 2): shift-register LUTs,
// latency 1 cycle; else a memory, latency 2. PACK > 1 keeps so many beats in a word of the memory,
// latency 3. TAIL > 0 keeps that many of the DEPTH beats, the last ones in, in a queue in LUTs
// before the memory: the latencies add up, and a beat taken out makes room two cycles later instead
// of one.
module bnn_fifo #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 32,
    parameter int unsigned RAM_STYLE = 0,
    parameter int unsigned PACK      = 1,
    parameter int unsigned TAIL      = 0
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

  if (TAIL == 1 || (TAIL > 0 && DEPTH < TAIL + 2)) begin : gen_bad_parameters
    $error("bnn_fifo: TAIL must be 0, or at least 2 and leave 2 of DEPTH");
  end

  logic [WIDTH-1:0] front_tdata;
  logic             front_tvalid;
  logic             front_tready;

  if (TAIL == 0) begin : gen_no_tail
    assign front_tdata   = s_axis_tdata;
    assign front_tvalid  = s_axis_tvalid;
    assign s_axis_tready = front_tready;
  end else begin : gen_tail
    bnn_fifo_queue #(
        .WIDTH    (WIDTH),
        .DEPTH    (TAIL),
        .RAM_STYLE(1)
    ) u_tail (
        .clk          (clk),
        .rst_n        (rst_n),
        .s_axis_tdata (s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .m_axis_tdata (front_tdata),
        .m_axis_tvalid(front_tvalid),
        .m_axis_tready(front_tready)
    );
  end

  if (PACK == 1) begin : gen_queue
    bnn_fifo_queue #(
        .WIDTH    (WIDTH),
        .DEPTH    (DEPTH - TAIL),
        .RAM_STYLE(RAM_STYLE)
    ) u_queue (
        .clk          (clk),
        .rst_n        (rst_n),
        .s_axis_tdata (front_tdata),
        .s_axis_tvalid(front_tvalid),
        .s_axis_tready(front_tready),
        .m_axis_tdata (m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready)
    );
  end else begin : gen_packed
    bnn_fifo_packed #(
        .WIDTH    (WIDTH),
        .DEPTH    (DEPTH - TAIL),
        .RAM_STYLE(RAM_STYLE),
        .PACK     (PACK)
    ) u_packed (
        .clk          (clk),
        .rst_n        (rst_n),
        .s_axis_tdata (front_tdata),
        .s_axis_tvalid(front_tvalid),
        .s_axis_tready(front_tready),
        .m_axis_tdata (m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready)
    );
  end

endmodule
