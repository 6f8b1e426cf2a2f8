"""The same values by kernels in machine code, several processor cores and packed bits."""
