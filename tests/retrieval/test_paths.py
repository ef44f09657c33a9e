"""Facts about the beam over relations, on the family graph."""

from __future__ import annotations

import numpy as np
import pytest

from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Schema
from kgqa.retrieval.paths import AnchoredPath, PathRetriever, best_relations

F = "https://kgqa.example/family#"


@pytest.fixture(scope="module")
def schema(family_index: GraphIndex) -> Schema:
    return Schema(family_index)


def retrieve(schema: Schema, start: str, *, max_hops: int) -> list[AnchoredPath]:
    scores = np.zeros(len(schema.relations), np.float32)
    return PathRetriever(schema.index, schema, max_hops=max_hops).retrieve(schema.index.find(F + start), scores)


def described(path: AnchoredPath) -> tuple[str, ...]:
    return tuple(("^" if relation.inverse else "") + relation.label for relation in path.relations)


def ends(schema: Schema, path: AnchoredPath) -> set[str]:
    return {schema.index.label(node) for node in path.ends.tolist()}


def test_one_hop_goes_both_ways_and_reads_through_blank_nodes(schema: Schema) -> None:
    found = {described(path): ends(schema, path) for path in retrieve(schema, "Dan", max_hops=1)}
    assert found == {
        ("^parent",): {"Eve Novak", "Finn Novak"},
        ("^spouse",): {"Clara Moreau"},
        ("birth date",): {"1966-03-09"},
        ("employer",): {"Harbour Bakery"},
        ("job",): {"baker"},
        ("since",): {"2009-03-01"},
    }


def test_going_back_the_way_it_came_leaves_out_the_start(schema: Schema) -> None:
    found = {described(path): ends(schema, path) for path in retrieve(schema, "Hugo", max_hops=2)}
    assert found["parent", "^parent"] == {"Clara Moreau"}


def test_a_path_back_leads_from_its_ends_to_the_start(schema: Schema) -> None:
    for path in retrieve(schema, "Eve", max_hops=3):
        back = schema.index.follow_path(path.ends, path.back)
        assert path.anchor in back, described(path)


def test_paths_have_no_more_hops_than_asked_for(schema: Schema) -> None:
    assert {len(path.relations) for path in retrieve(schema, "Eve", max_hops=3)} == {1, 2, 3}
    assert {len(path.relations) for path in retrieve(schema, "Eve", max_hops=1)} == {1}


def test_a_node_without_edges_has_no_paths(schema: Schema) -> None:
    literal = next(n for n in range(schema.index.n_terms) if schema.index.text_of(n) == "employment")
    assert PathRetriever(schema.index, schema).retrieve(literal, np.zeros(len(schema.relations), np.float32)) == []


def test_the_best_relations_of_a_kind_come_by_score(schema: Schema) -> None:
    entity_relations = [relation for relation in schema.relations if relation.end_kind == -1]
    scores = np.arange(len(schema.relations), dtype=np.float32)
    best = best_relations(schema.relations, scores, frozenset((-1,)), 2)
    assert best == entity_relations[:-3:-1]
