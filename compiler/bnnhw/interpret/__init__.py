"""The golden model: what every tensor of a graph holds, computed exactly."""
