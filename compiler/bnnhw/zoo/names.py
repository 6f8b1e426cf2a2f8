"""The zoo's networks by name, which need no PyTorch to be listed."""

from __future__ import annotations

from dataclasses import dataclass

FTBNN_DEPTHS, FTBNN_GROUPS = (18, 34, 44), (1, 3, 5, 8)
#: Width of the first stage by budget (millions of OPs), depth and groups: the multiple of twice the
#: groups that comes nearest to the budget.
FTBNN_WIDTHS = {
    90: ((100, 162, 190, 224), (74, 120, 150, 176), (64, 108, 130, 160)),
    135: ((126, 204, 250, 304), (92, 150, 190, 224), (80, 132, 170, 208)),
}


@dataclass(frozen=True)
class Entry:
    """A network as it is built where nothing else is asked for.

    Attributes:
        name: of the network.
        paper: that it is from.
        year: of the paper.
        image: height and width of its images; 0 where it takes vectors.
        width: channels of the first stage (see ``bnnhw zoo describe``).
        classes: number of scores.
        resizes: whether it can be had for images of 224 and 32.
    """

    name: str
    paper: str
    year: int
    image: int
    width: int
    classes: int
    resizes: bool = True


def _ftbnns() -> list[Entry]:
    return [
        Entry(f"ftbnn{depth}-g{groups}-{budget}m", "FTBNN", 2020, 224, widths[number], 1000)
        for budget, by_depth in FTBNN_WIDTHS.items()
        for depth, widths in zip(FTBNN_DEPTHS, by_depth, strict=True)
        for number, groups in enumerate(FTBNN_GROUPS)
    ]


_ENTRIES = (
    Entry("birealnet18", "Bi-Real Net", 2018, 224, 64, 1000),
    Entry("birealnet18-cifar10", "Bi-Real Net", 2018, 32, 32, 10),
    Entry("birealnet34", "Bi-Real Net", 2018, 224, 64, 1000),
    Entry("birealnet50", "Bi-Real Net", 2020, 224, 64, 1000),
    Entry("birealnet8-digits", "Bi-Real Net", 2018, 8, 16, 10, resizes=False),
    Entry("cnv", "FINN", 2017, 32, 64, 10, resizes=False),
    Entry("digits", "this project", 2026, 8, 32, 10, resizes=False),
    Entry("fracbnn20", "FracBNN", 2021, 32, 16, 10),
    Entry("ftbnn18", "FTBNN", 2020, 224, 64, 1000),
    *_ftbnns(),
    Entry("lfc", "FINN", 2017, 0, 1024, 10, resizes=False),
    Entry("reactnet-a", "ReActNet", 2020, 224, 32, 1000),
    Entry("reactnet-b", "ReActNet", 2020, 224, 32, 1000),
    Entry("reactnet-c", "ReActNet", 2020, 224, 32, 1000),
    Entry("reactnet18", "ReActNet", 2020, 224, 64, 1000),
    Entry("sfc", "FINN", 2017, 0, 256, 10, resizes=False),
    Entry("tfc", "FINN", 2017, 0, 64, 10, resizes=False),
    Entry("vgg-small", "HWGQ", 2017, 32, 128, 10),
    Entry("vgg11", "VGG", 2015, 224, 64, 1000),
    Entry("vgg13", "VGG", 2015, 224, 64, 1000),
    Entry("vgg16", "VGG", 2015, 224, 64, 1000),
    Entry("vgg19", "VGG", 2015, 224, 64, 1000),
    Entry("xnoralexnet", "XNOR-Net", 2016, 224, 96, 1000),
    Entry("xnoralexnet-k", "XNOR-Net", 2016, 224, 96, 1000),
    Entry("xnornet18", "XNOR-Net", 2016, 224, 64, 1000),
    Entry("xnornet18-k", "XNOR-Net", 2016, 224, 64, 1000),
)
ENTRIES = {entry.name: entry for entry in _ENTRIES}
NETWORKS = tuple(ENTRIES)
