// The model of block RAM against arrays of bits: one port writes, the other reads, at random.
module block_ram_check #(
    parameter int WRITE = 9,
    parameter int READ  = 9,
    parameter bit TDP   = 0,  // A writes and B reads; else B writes and A reads
    parameter bit HALF  = 0   // RAMB18E1, else RAMB36E1
) (
    input logic clk,
    output int  checked,
    output int  wrong
);

  localparam int WriteBits = WRITE >= 9 ? WRITE / 9 * 8 : WRITE;
  localparam int ReadBits = READ >= 9 ? READ / 9 * 8 : READ;
  localparam bit Wide = HALF ? WRITE == 36 : WRITE == 72;
  localparam bit WideRead = HALF ? READ == 36 : READ == 72;
  localparam int Size = HALF ? 16384 : 32768;
  localparam logic [255:0] First = {8{32'hC0DE_1234}};

  logic [14:0] write_at, read_at;
  logic [63:0] data;
  logic [7:0] parity, enable;
  logic read;
  logic [31:0] doa, dob;
  logic [3:0] dopa, dopb;
  logic [63:0] got, expected;
  logic [7:0] got_parity, expected_parity;
  logic bits[Size];
  logic parities[Size/8];
  logic was_read = 1'b0;

  initial begin
    for (int i = 0; i < Size; i++) bits[i] = i < 256 ? First[i] : 1'b0;
    for (int i = 0; i < Size / 8; i++) parities[i] = i < 256 ? First[i] : 1'b0;
  end

  if (HALF) begin : gen_half
    logic [15:0] a, b;
    logic [1:0] pa, pb;
    assign {doa, dob, dopa, dopb} = {16'b0, a, 16'b0, b, 2'b0, pa, 2'b0, pb};
    RAMB18E1 #(
        .INIT_00(First),
        .INITP_00(First),
        .READ_WIDTH_A(TDP ? 0 : READ),
        .READ_WIDTH_B(TDP ? READ : 0),
        .WRITE_WIDTH_A(TDP ? WRITE : 0),
        .WRITE_WIDTH_B(TDP ? 0 : WRITE),
        .WRITE_MODE_A("READ_FIRST"),
        .WRITE_MODE_B("READ_FIRST")
    ) u_ram (
        .CLKARDCLK(clk),
        .CLKBWRCLK(clk),
        .ENARDEN(TDP ? 1'b1 : read),
        .ENBWREN(TDP ? read : 1'b1),
        .REGCEAREGCE(1'b0),
        .REGCEB(1'b0),
        .RSTRAMARSTRAM(1'b0),
        .RSTRAMB(1'b0),
        .RSTREGARSTREG(1'b0),
        .RSTREGB(1'b0),
        .WEA(TDP ? enable[3:0] : 4'b0),
        .WEBWE(TDP ? 4'b0 : enable[3:0]),
        .ADDRARDADDR(TDP ? write_at[13:0] : read_at[13:0]),
        .ADDRBWRADDR(TDP ? read_at[13:0] : write_at[13:0]),
        .DIADI(data[15:0]),
        .DIBDI(Wide ? data[31:16] : data[15:0]),
        .DIPADIP(parity[1:0]),
        .DIPBDIP(Wide ? parity[3:2] : parity[1:0]),
        .DOADO(a),
        .DOBDO(b),
        .DOPADOP(pa),
        .DOPBDOP(pb)
    );
    assign got = TDP ? 64'(b) : WideRead ? 64'({b, a}) : 64'(a);
    assign got_parity = TDP ? 8'(pb) : WideRead ? 8'({pb, pa}) : 8'(pa);
  end else begin : gen_full
    RAMB36E1 #(
        .INIT_00(First),
        .INITP_00(First),
        .READ_WIDTH_A(TDP ? 0 : READ),
        .READ_WIDTH_B(TDP ? READ : 0),
        .WRITE_WIDTH_A(TDP ? WRITE : 0),
        .WRITE_WIDTH_B(TDP ? 0 : WRITE),
        .WRITE_MODE_A("READ_FIRST"),
        .WRITE_MODE_B("READ_FIRST")
    ) u_ram (
        .CLKARDCLK(clk),
        .CLKBWRCLK(clk),
        .ENARDEN(TDP ? 1'b1 : read),
        .ENBWREN(TDP ? read : 1'b1),
        .REGCEAREGCE(1'b0),
        .REGCEB(1'b0),
        .RSTRAMARSTRAM(1'b0),
        .RSTRAMB(1'b0),
        .RSTREGARSTREG(1'b0),
        .RSTREGB(1'b0),
        .WEA(TDP ? enable[3:0] : 4'b0),
        .WEBWE(TDP ? 8'b0 : enable),
        .CASCADEINA(1'b0),
        .CASCADEINB(1'b0),
        .ADDRARDADDR({1'b1, TDP ? write_at : read_at}),
        .ADDRBWRADDR({1'b1, TDP ? read_at : write_at}),
        .DIADI(data[31:0]),
        .DIBDI(Wide ? data[63:32] : data[31:0]),
        .DIPADIP(parity[3:0]),
        .DIPBDIP(Wide ? parity[7:4] : parity[3:0]),
        .CASCADEOUTA(),
        .CASCADEOUTB(),
        .DOADO(doa),
        .DOBDO(dob),
        .DOPADOP(dopa),
        .DOPBDOP(dopb)
    );
    assign got = TDP ? 64'(dob) : WideRead ? {dob, doa} : 64'(doa);
    assign got_parity = TDP ? 8'(dopb) : WideRead ? {dopb, dopa} : 8'(dopa);
  end

  int at;
  always @(posedge clk) begin
    if (was_read) begin
      checked <= checked + 1;
      if (got != expected || got_parity != expected_parity) wrong <= wrong + 1;
    end
    was_read <= was_read || read;
    if (read) begin
      at = int'(read_at) / ReadBits * ReadBits % Size;
      expected = '0;
      expected_parity = '0;
      for (int i = 0; i < ReadBits; i++) expected[i] = bits[at+i];
      for (int i = 0; i < ReadBits / 8; i++) expected_parity[i] = parities[at/8+i];
    end
    at = int'(write_at) / WriteBits * WriteBits % Size;
    for (int i = 0; i < WriteBits; i++) if (enable[i/8]) bits[at+i] = data[i];
    for (int i = 0; i < WriteBits / 8; i++) if (enable[i]) parities[at/8+i] = parity[i];
    write_at <= 15'($urandom) & 15'h01FF;
    read_at <= 15'($urandom) & 15'h01FF;
    data <= {$urandom, $urandom};
    parity <= 8'($urandom);
    enable <= WriteBits < 16 ? {8{1'($urandom)}} : 8'($urandom);
    read <= $urandom_range(0, 3) != 0;
  end

  initial begin
    {enable, read} = '0;
  end

endmodule

module block_ram_bench;
  localparam int Count = 10;
  localparam int Write[Count] = '{72, 36, 9, 18, 1, 36, 9, 9, 18, 4};
  localparam int Read[Count] = '{72, 9, 36, 18, 36, 36, 18, 9, 18, 2};
  localparam bit Tdp[Count] = '{0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  localparam bit Half[Count] = '{0, 0, 0, 0, 0, 1, 1, 1, 0, 0};

  logic clk = 1'b0;
  int cycle = 0;
  int checked[Count];
  int wrong[Count];

  always #1 clk = !clk;

  for (genvar i = 0; i < Count; i++) begin : gen_check
    block_ram_check #(
        .WRITE(Write[i]),
        .READ (Read[i]),
        .TDP  (Tdp[i]),
        .HALF (Half[i])
    ) u_check (
        .clk(clk),
        .checked(checked[i]),
        .wrong(wrong[i])
    );
  end

  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (cycle == 4000) begin
      for (int i = 0; i < Count; i++) $display("%0d %0d %0d", i, checked[i], wrong[i]);
      $finish;
    end
  end

endmodule
