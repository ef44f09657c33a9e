"""Where a graph's triples are kept and asked in SPARQL, and how files become such a store safely."""
