"""Questions over a remote SPARQL endpoint: fetch what a question needs, read it as any graph, let the engine answer."""
