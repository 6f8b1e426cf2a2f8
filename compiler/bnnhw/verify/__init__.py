"""Comparisons: the integer graph with the model, simulations with the integer graph."""
