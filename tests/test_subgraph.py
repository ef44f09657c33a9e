"""A subgraph as a networkx graph."""

from __future__ import annotations

from kgqa.datatypes import Fact, Subgraph, iri
from kgqa.pipeline import Pipeline

ANN, BEN, LIKES, KNOWS = (iri(f"http://e/{name}") for name in ("ann", "ben", "likes", "knows"))


def test_parallel_predicates_between_two_nodes_are_both_kept() -> None:
    facts = (Fact(ANN, LIKES, BEN, "Ann likes Ben"), Fact(ANN, KNOWS, BEN, "Ann knows Ben"))
    graph = Subgraph((ANN,), facts).to_networkx()
    assert set(graph.edges(keys=True)) == {(ANN, BEN, LIKES.value), (ANN, BEN, KNOWS.value)}
    assert graph.edges[ANN, BEN, LIKES.value]["text"] == "Ann likes Ben"


def test_only_topic_entities_are_marked_as_topics() -> None:
    graph = Subgraph((ANN,), (Fact(ANN, LIKES, BEN),)).to_networkx()
    assert graph.nodes[ANN]["topic"]
    assert not graph.nodes[BEN]["topic"]


def test_a_topic_entity_without_facts_is_still_a_node() -> None:
    assert list(Subgraph((BEN,)).to_networkx().nodes) == [BEN]


def test_nodes_and_edges_have_labels_and_fall_back_on_the_term() -> None:
    graph = Subgraph((ANN,), (Fact(ANN, LIKES, BEN, names=("Ann", "likes", "")),)).to_networkx()
    assert [graph.nodes[node]["label"] for node in (ANN, BEN)] == ["Ann", BEN.value]
    assert graph.edges[ANN, BEN, LIKES.value]["label"] == "likes"


def test_an_answer_brings_the_labels_of_its_subgraph() -> None:
    graph = Pipeline.load("family")("Who are the children of Dan?").subgraph.to_networkx()
    labels = {data["label"] for _, data in graph.nodes(data=True)}
    assert {"Dan Novak", "Eve Novak", "Finn Novak"} <= labels
    assert "parent" in {data["label"] for *_, data in graph.edges(data=True)}
