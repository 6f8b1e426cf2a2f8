// Regroups a stream of ELEM_BITS-wide elements from IN_LANES to OUT_LANES a beat, in order.
// Equal: wires, latency 0. Integer ratios: one shift register. Others: a gearbox. Latency 1.
// Throughput: the side with fewer lanes moves every cycle, without bubbles.
module bnn_width_converter #(
    parameter int unsigned ELEM_BITS = 1,
    parameter int unsigned IN_LANES  = 8,
    parameter int unsigned OUT_LANES = 8
) (
    input  logic                           clk,
    input  logic                           rst_n,
    input  logic [ IN_LANES*ELEM_BITS-1:0] s_axis_tdata,
    input  logic                           s_axis_tvalid,
    output logic                           s_axis_tready,
    output logic [OUT_LANES*ELEM_BITS-1:0] m_axis_tdata,
    output logic                           m_axis_tvalid,
    input  logic                           m_axis_tready
);

  localparam int unsigned InBits = IN_LANES * ELEM_BITS;
  localparam int unsigned OutBits = OUT_LANES * ELEM_BITS;

  function automatic int unsigned common_divisor(int unsigned a, int unsigned b);
    int unsigned x;
    int unsigned y;
    x = a;
    y = b;
    while (x != y) begin
      if (x > y) x = x - y;
      else y = y - x;
    end
    common_divisor = x;
  endfunction

  if (ELEM_BITS < 1 || IN_LANES < 1 || OUT_LANES < 1) begin : gen_bad_parameters
    $error("bnn_width_converter: all parameters must be at least 1");
  end

  if (IN_LANES == OUT_LANES) begin : gen_same
    assign m_axis_tdata  = s_axis_tdata;
    assign m_axis_tvalid = s_axis_tvalid;
    assign s_axis_tready = m_axis_tready;

    logic unused;
    assign unused = &{1'b0, clk, rst_n};
  end else if (IN_LANES % OUT_LANES == 0) begin : gen_narrow
    localparam int unsigned Ratio = IN_LANES / OUT_LANES;

    logic [InBits-1:0] data_q;
    logic [ Ratio-1:0] left_q;  // one bit for each part that data_q still holds
    logic              move;

    assign move = !left_q[0] || m_axis_tready;
    assign s_axis_tready = !left_q[1] && move;
    assign m_axis_tvalid = left_q[0];
    assign m_axis_tdata = data_q[OutBits-1:0];

    always_ff @(posedge clk) begin
      if (!rst_n) left_q <= '0;
      else if (move) left_q <= left_q[1] ? left_q >> 1 : {Ratio{s_axis_tvalid}};
      if (move) data_q <= left_q[1] ? data_q >> OutBits : s_axis_tdata;
    end
  end else if (OUT_LANES % IN_LANES == 0) begin : gen_widen
    localparam int unsigned Ratio = OUT_LANES / IN_LANES;
    localparam int unsigned CountBits = $clog2(Ratio);

    logic [  OutBits-1:0] data_q;
    logic [CountBits-1:0] count_q;  // parts collected for the next beat
    logic                 valid_q;
    logic                 take;

    assign s_axis_tready = !valid_q || m_axis_tready;
    assign take = s_axis_tvalid && s_axis_tready;
    assign m_axis_tvalid = valid_q;
    assign m_axis_tdata = data_q;

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        count_q <= '0;
        valid_q <= 1'b0;
      end else begin
        if (take) count_q <= count_q == CountBits'(Ratio - 1) ? '0 : count_q + 1'b1;
        if (s_axis_tready) valid_q <= take && count_q == CountBits'(Ratio - 1);
      end
      if (take) data_q <= {s_axis_tdata, data_q[OutBits-1:InBits]};
    end
  end else begin : gen_gearbox
    // All moves are multiples of Unit bits. The buffer holds less than one output beat, and one
    // input beat; what lies above its count_q units is 0, so that an input beat enters by OR.
    localparam int unsigned Unit = common_divisor(IN_LANES, OUT_LANES) * ELEM_BITS;
    localparam int unsigned InUnits = InBits / Unit;
    localparam int unsigned OutUnits = OutBits / Unit;
    localparam int unsigned Units = InUnits + OutUnits - 1;
    localparam int unsigned CountBits = $clog2(Units + 1);

    logic [Units*Unit-1:0] data_q;
    logic [Units*Unit-1:0] kept;
    logic [Units*Unit-1:0] entering;
    logic [ CountBits-1:0] count_q;
    logic [ CountBits-1:0] count_kept;
    logic                  take;
    logic                  give;

    assign m_axis_tvalid = count_q >= CountBits'(OutUnits);
    assign m_axis_tdata = data_q[OutBits-1:0];
    assign give = m_axis_tvalid && m_axis_tready;
    assign count_kept = give ? count_q - CountBits'(OutUnits) : count_q;
    assign s_axis_tready = count_kept < CountBits'(OutUnits);
    assign take = s_axis_tvalid && s_axis_tready;
    assign kept = give ? data_q >> OutBits : data_q;

    always_comb begin
      entering = '0;
      for (int unsigned i = 0; i < OutUnits; i++) begin
        if (count_kept == CountBits'(i)) entering[i*Unit+:InBits] = s_axis_tdata;
      end
    end

    always_ff @(posedge clk) begin
      if (!rst_n) begin
        count_q <= '0;
        data_q  <= '0;
      end else begin
        count_q <= take ? count_kept + CountBits'(InUnits) : count_kept;
        data_q  <= take ? kept | entering : kept;
      end
    end
  end

`ifndef SYNTHESIS
  if (IN_LANES != OUT_LANES) begin : gen_check  // wires keep what their master keeps
    bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
  end
`endif

endmodule
