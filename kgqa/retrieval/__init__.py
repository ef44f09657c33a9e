"""Which paths of the graph are worth reading for a question."""
