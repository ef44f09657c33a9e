"""A subgraph as a networkx graph."""

from __future__ import annotations

from kgqa.datatypes import Fact, Subgraph, iri
from kgqa.retrieval.networkx_view import to_networkx

ANN, BEN, LIKES, KNOWS = (iri(f"http://e/{name}") for name in ("ann", "ben", "likes", "knows"))


def test_parallel_predicates_between_two_nodes_are_both_kept() -> None:
    facts = (Fact(ANN, LIKES, BEN, "Ann likes Ben"), Fact(ANN, KNOWS, BEN, "Ann knows Ben"))
    graph = to_networkx(Subgraph((ANN,), facts))
    assert set(graph.edges(keys=True)) == {(ANN, BEN, LIKES.value), (ANN, BEN, KNOWS.value)}
    assert graph.edges[ANN, BEN, LIKES.value]["text"] == "Ann likes Ben"


def test_only_topic_entities_are_marked_as_topics() -> None:
    graph = to_networkx(Subgraph((ANN,), (Fact(ANN, LIKES, BEN),)))
    assert graph.nodes[ANN]["topic"]
    assert not graph.nodes[BEN]["topic"]


def test_a_topic_entity_without_facts_is_still_a_node() -> None:
    assert list(to_networkx(Subgraph((BEN,))).nodes) == [BEN]
