"""Reports in the form in which Vivado writes them, with numbers to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UTILISATION_7 = """Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
---------------------------------------------------------------------------------------------------
| Tool Version : Vivado v.2022.1 (lin64) Build 3526262 Mon Apr 18 15:47:01 MDT 2022
| Command      : report_utilization -file utilization.rpt
| Design       : overlay_wrapper
| Device       : xc7z020clg400-1
| Design State : Routed
---------------------------------------------------------------------------------------------------

Utilization Design Information

Table of Contents
-----------------
1. Slice Logic
1.1 Summary of Registers by Type
2. Slice Logic Distribution
3. Memory
4. DSP

1. Slice Logic
--------------

+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| Slice LUTs{star}                | {lut:>5} |     0 |          0 |     53200 |  9.10 |
|   LUT as Logic             |  4500 |     0 |          0 |     53200 |  8.46 |
|   LUT as Memory            |   341 |     0 |          0 |     17400 |  1.96 |
|     LUT as Distributed RAM |    24 |     0 |            |           |       |
|     LUT as Shift Register  |   317 |     0 |            |           |       |
| Slice Registers            | {ff:>5} |     0 |          0 |    106400 |  5.74 |
|   Register as Flip Flop    | {ff:>5} |     0 |          0 |    106400 |  5.74 |
|   Register as Latch        |     0 |     0 |          0 |    106400 |  0.00 |
| F7 Muxes                   |    12 |     0 |          0 |     26600 |  0.05 |
+----------------------------+-------+-------+------------+-----------+-------+

2. Slice Logic Distribution
---------------------------

+--------------------------------------------+------+-------+------------+-----------+-------+
|                  Site Type                 | Used | Fixed | Prohibited | Available | Util% |
+--------------------------------------------+------+-------+------------+-----------+-------+
| Slice                                      | 2001 |     0 |          0 |     13300 | 15.05 |
| Slice Registers                            | 9999 |     0 |          0 |    106400 |  9.40 |
+--------------------------------------------+------+-------+------------+-----------+-------+

3. Memory
---------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    | {bram36:>4} |     0 |          0 |       140 |  3.93 |
|   RAMB36/FIFO*    |    4 |     0 |          0 |       140 |  2.86 |
|   RAMB18          |    3 |     0 |          0 |       280 |  1.07 |
+-------------------+------+-------+------------+-----------+-------+

4. DSP
------

+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      | {dsp:>4} |     0 |          0 |       220 |  0.91 |
+-----------+------+-------+------------+-----------+-------+
"""

UTILISATION_PLUS = """| Design State : Routed

1. CLB Logic
------------

+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| CLB LUTs                   | {lut:>5} |     0 |          0 |    230400 |  2.10 |
|   LUT as Logic             |  4500 |     0 |          0 |    230400 |  1.95 |
| CLB Registers              | {ff:>5} |     0 |          0 |    460800 |  1.33 |
| CARRY8                     |   100 |     0 |          0 |     28800 |  0.35 |
+----------------------------+-------+-------+------------+-----------+-------+

3. BLOCKRAM
-----------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    | {bram36:>4} |     0 |          0 |       312 |  1.76 |
| URAM              |    3 |     0 |          0 |        96 |  0.00 |
+-------------------+------+-------+------------+-----------+-------+

4. ARITHMETIC
-------------

+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      | {dsp:>4} |     0 |          0 |      1728 |  0.12 |
+-----------+------+-------+------------+-----------+-------+
"""

TIMING = """Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
Timing Summary Report

------------------------------------------------------------------------------------------------
| Timer Settings
| --------------
------------------------------------------------------------------------------------------------

  Enable Multi Corner Analysis               :  Yes

------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  \
THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  \
TPWS Total Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  \
---------------------  -------------------     --------     --------  ----------------------  \
--------------------
      {setup}        0.000                      0                15123        {hold}        0.000  \
                    0                15123        3.750        0.000                       0  \
                6012


All user specified timing constraints are met.


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock       Waveform(ns)       Period(ns)      Frequency(MHz)
-----       ------------       ----------      --------------
clk_fpga_0  {{0.000 5.000}}      10.000          100.000
"""

POWER = """| Power Report

1. Summary
----------

+--------------------------+--------------+
| Total On-Chip Power (W)  | 1.634        |
| Design Power Budget (W)  | Unspecified* |
| Power Budget Margin (W)  | NA           |
| Dynamic (W)              | 1.497        |
| Device Static (W)        | 0.137        |
+--------------------------+--------------+
"""

SYNTHESISED = {"lut": 1900, "ff": 2500, "bram36": 2, "dsp": 2}
PLACED = {"lut": 1811, "ff": 2444, "bram36": 2.5, "dsp": 2}
TOTAL = {"lut": 4841, "ff": 6111, "bram36": 5.5, "dsp": 2}


def write_reports(
    build: Path,
    build_hash: str,
    *,
    setup: str = "0.523",
    hold: str = "0.021",
    utilisation: str = UTILISATION_7,
) -> Path:
    """Writes the reports that Vivado leaves in a build folder."""
    folder = build / "vivado" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    counts = {"utilization_synthesised": SYNTHESISED, "utilization_placed": PLACED}
    counts["utilization"] = TOTAL
    for name, values in counts.items():
        star = "*" if name == "utilization_synthesised" else " "
        (folder / f"{name}.rpt").write_text(utilisation.format(**values, star=star))
    (folder / "timing.rpt").write_text(TIMING.format(setup=setup, hold=hold))
    (folder / "power.rpt").write_text(POWER)
    facts = f"build_hash {build_hash}\ncore verilog\nvivado 2022.1\n"
    (folder / "run.txt").write_text(facts + "part xc7z020clg400-1\nclock_mhz 100.0\n")
    return folder
