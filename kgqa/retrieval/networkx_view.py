"""A retrieved subgraph as a networkx graph, for those who go on with it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgqa.datatypes import Subgraph, Term

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(subgraph: Subgraph) -> nx.MultiDiGraph[Any]:
    """Return the facts as a directed multigraph: nodes are `Term`s, each edge's key is its predicate's IRI.

    Parallel predicates are kept. Edges carry `text`, the fact's sentence; nodes carry `topic`, whether the question
    names them.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    topics = set(subgraph.topic_entities)

    def add(term: Term) -> None:
        graph.add_node(term, topic=term in topics)

    for fact in subgraph.facts:
        add(fact.subject)
        add(fact.object)
        graph.add_edge(fact.subject, fact.object, key=fact.predicate.value, text=fact.text)
    for term in subgraph.topic_entities:
        add(term)
    return graph
