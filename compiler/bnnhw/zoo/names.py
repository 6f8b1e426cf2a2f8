"""The zoo's networks by name, with their figures: no PyTorch is needed to list them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A network as it is built where nothing else is asked for.

    Attributes:
        name: of the network.
        paper: that it is from.
        year: of the paper.
        image: height and width of its images; 0 where it takes vectors.
        width: channels of the first stage, or features of a hidden layer.
        classes: number of scores.
        parameters: binary and real ones, each counted as one.
        ops: BOPs / 64 + FLOPs of one image, rounded.
        resizes: whether it can be had for images of 224 and 32.
    """

    name: str
    paper: str
    year: int
    image: int
    width: int
    classes: int
    parameters: int
    ops: int
    resizes: bool = True


#: The derived networks of FTBNN: budget in millions of OPs, depth, groups, width, parameters and
#: OPs. The width is the multiple of twice the groups that comes nearest to the budget.
FTBNN_ROWS = (
    (90, 18, 1, 100, 27_714_450, 89_529_200),
    (90, 18, 3, 162, 24_860_224, 92_455_992),
    (90, 18, 5, 190, 20_983_080, 86_985_800),
    (90, 18, 8, 224, 18_714_968, 86_746_240),
    (90, 34, 1, 74, 28_856_782, 91_314_520),
    (90, 34, 3, 120, 25_762_780, 90_500_640),
    (90, 34, 5, 150, 24_471_100, 91_957_800),
    (90, 34, 8, 176, 21_454_696, 88_027_456),
    (90, 44, 1, 64, 28_228_808, 88_006_400),
    (90, 44, 3, 108, 27_203_014, 92_500_272),
    (90, 44, 5, 130, 23_960_390, 87_264_320),
    (90, 44, 8, 160, 23_003_000, 89_621_120),
    (135, 18, 1, 126, 43_728_292, 135_922_248),
    (135, 18, 3, 204, 38_984_278, 136_578_000),
    (135, 18, 5, 250, 35_675_250, 135_623_000),
    (135, 18, 8, 304, 33_572_328, 139_177_280),
    (135, 34, 1, 92, 44_412_022, 136_895_632),
    (135, 34, 3, 150, 39_935_350, 134_293_800),
    (135, 34, 5, 190, 38_831_680, 137_930_120),
    (135, 34, 8, 224, 34_233_688, 131_001_472),
    (135, 44, 1, 80, 43_934_400, 133_716_160),
    (135, 44, 3, 132, 40_383_034, 132_615_120),
    (135, 44, 5, 170, 40_521_690, 139_304_800),
    (135, 44, 8, 208, 38_336_024, 139_622_912),
)


def _ftbnns() -> list[Entry]:
    return [
        Entry(f"ftbnn{depth}-g{groups}-{budget}m", "FTBNN", 2020, 224, width, 1000, count, ops)
        for budget, depth, groups, width, count, ops in FTBNN_ROWS
    ]


_ENTRIES = (
    Entry("birealnet18", "Bi-Real Net", 2018, 224, 64, 1000, 11_689_512, 163_985_408),
    Entry("birealnet18-cifar10", "Bi-Real Net", 2018, 32, 32, 10, 2_797_610, 4_598_272),
    Entry("birealnet34", "Bi-Real Net", 2018, 224, 64, 1000, 21_797_672, 192_886_784),
    Entry("birealnet50", "Bi-Real Net", 2020, 224, 64, 1000, 25_730_088, 625_836_032),
    Entry("birealnet8-digits", "Bi-Real Net", 2018, 8, 16, 10, 77_754, 37_760, resizes=False),
    Entry("cnv", "FINN", 2017, 32, 64, 10, 1_546_689, 2_459_984, resizes=False),
    Entry("digits", "this project", 2026, 8, 32, 10, 85_217, 24_074, resizes=False),
    Entry("fracbnn20", "FracBNN", 2021, 32, 16, 10, 287_146, 1_499_776),
    Entry("ftbnn18", "FTBNN", 2020, 224, 64, 1000, 11_697_192, 163_985_408),
    *_ftbnns(),
    Entry("lfc", "FINN", 2017, 0, 1024, 10, 2_916_353, 45_472, resizes=False),
    Entry("reactnet-a", "ReActNet", 2020, 224, 32, 1000, 29_343_592, 87_126_016),
    Entry("reactnet-b", "ReActNet", 2020, 224, 32, 1000, 28_818_824, 117_231_616),
    Entry("reactnet-c", "ReActNet", 2020, 224, 32, 1000, 29_342_600, 213_569_536),
    Entry("reactnet18", "ReActNet", 2020, 224, 64, 1000, 11_704_424, 163_985_408),
    Entry("sfc", "FINN", 2017, 0, 256, 10, 335_873, 5_224, resizes=False),
    Entry("tfc", "FINN", 2017, 0, 64, 10, 59_393, 922, resizes=False),
    Entry("vgg-small", "HWGQ", 2017, 32, 128, 10, 4_660_106, 13_058_048),
    Entry("vgg11", "VGG", 2015, 224, 64, 1000, 132_874_280, 208_273_408),
    Entry("vgg13", "VGG", 2015, 224, 64, 1000, 133_058_984, 266_076_160),
    Entry("vgg16", "VGG", 2015, 224, 64, 1000, 138_369_960, 331_104_256),
    Entry("vgg19", "VGG", 2015, 224, 64, 1000, 143_680_936, 396_132_352),
    Entry("xnoralexnet", "XNOR-Net", 2016, 224, 96, 1000, 62_388_200, 125_538_464),
    Entry("xnoralexnet-k", "XNOR-Net", 2016, 224, 96, 1000, 62_388_200, 126_185_513),
    Entry("xnornet18", "XNOR-Net", 2016, 224, 64, 1000, 11_689_640, 163_985_408),
    Entry("xnornet18-k", "XNOR-Net", 2016, 224, 64, 1000, 11_689_640, 167_321_524),
)
ENTRIES = {entry.name: entry for entry in _ENTRIES}
NETWORKS = tuple(ENTRIES)
