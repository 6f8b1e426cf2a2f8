"""The intermediate representation: types, operations, the graph, and its reference interpreter."""
