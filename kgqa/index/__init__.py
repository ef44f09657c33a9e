"""Dictionary-encoded adjacency in both directions, labels and schema profiles of one graph."""
