"""From an integer graph to a design that reaches a target on a board."""
