// Joins OUT_LANES / IN_LANES tiles to one wider tile. A tile is a group of channels: it streams all
// PIXELS pixels, one beat per pixel, before the next tile begins.
//
// In: tiles of IN_LANES channels. Out: tiles of OUT_LANES channels, the first tile's channels lowest.
// The tiles but the last of each group wait in LUT memory. Latency 1 from a pixel's last beat; one
// input beat per cycle.
module bnn_tile_gather #(
    parameter int unsigned ELEM_BITS = 1,
    parameter int unsigned PIXELS    = 49,
    parameter int unsigned IN_LANES  = 4,
    parameter int unsigned OUT_LANES = 64
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

  localparam int unsigned Tiles = OUT_LANES / IN_LANES;
  localparam int unsigned InBits = IN_LANES * ELEM_BITS;
  localparam int unsigned OutBits = OUT_LANES * ELEM_BITS;

  if (ELEM_BITS < 1 || PIXELS < 1) begin : gen_bad_size
    $error("bnn_tile_gather: ELEM_BITS and PIXELS must be positive");
  end
  if (IN_LANES < 1 || OUT_LANES <= IN_LANES || OUT_LANES % IN_LANES != 0) begin : gen_bad_lanes
    $error("bnn_tile_gather: OUT_LANES must be a multiple of IN_LANES, and more");
  end

  logic                      accept;
  logic                      last_pixel;
  logic                      last_tile;
  logic                      valid_q;
  logic [OutBits-InBits-1:0] earlier;  // of this pixel, tiles that came before
  logic [       OutBits-1:0] gathered;
  logic [       OutBits-1:0] data_q;

  bnn_loop #(
      .COUNT(PIXELS)
  ) u_pixel (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept),
      .last_o(last_pixel)
  );
  bnn_loop #(
      .COUNT(Tiles)
  ) u_tile (
      .clk   (clk),
      .rst_n (rst_n),
      .step_i(accept && last_pixel),
      .last_o(last_tile)
  );

  // A tile comes in at the top; what an earlier result left moves out at the bottom.
  assign gathered = {s_axis_tdata, earlier};

  if (PIXELS == 1) begin : gen_register
    logic [OutBits-InBits-1:0] earlier_q;
    assign earlier = earlier_q;
    always_ff @(posedge clk) if (accept) earlier_q <= gathered[OutBits-1:InBits];
  end else begin : gen_memory
    localparam int unsigned AddrBits = $clog2(PIXELS);
    logic [AddrBits-1:0] addr_q;
    (* ram_style = "distributed" *)
    logic [OutBits-InBits-1:0] mem[PIXELS];

    assign earlier = mem[addr_q];
    always_ff @(posedge clk) if (accept) mem[addr_q] <= gathered[OutBits-1:InBits];
    always_ff @(posedge clk) begin
      if (!rst_n) addr_q <= '0;
      else if (accept) addr_q <= last_pixel ? '0 : addr_q + 1'b1;
    end
  end

  assign s_axis_tready = m_axis_tready || !valid_q;
  assign accept = s_axis_tvalid && s_axis_tready;

  always_ff @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (s_axis_tready) valid_q <= accept && last_tile;
    if (s_axis_tready) data_q <= gathered;
  end

  assign m_axis_tdata  = data_q;
  assign m_axis_tvalid = valid_q;

`ifndef SYNTHESIS
  bnn_stream_check #(.WIDTH($bits(m_axis_tdata))) u_check (.*);
`endif

endmodule
