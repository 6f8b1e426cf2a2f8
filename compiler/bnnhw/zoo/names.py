"""Names of the zoo's networks, which need no PyTorch to be listed."""

NETWORKS = (
    "birealnet18",
    "birealnet18-cifar10",
    "birealnet34",
    "birealnet8-digits",
    "cnv",
    "digits",
    "lfc",
    "sfc",
    "tfc",
)
