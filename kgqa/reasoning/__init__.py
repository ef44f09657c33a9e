"""Query graphs: enumerated from a question's links, linearized, ranked by the reader, executed."""
