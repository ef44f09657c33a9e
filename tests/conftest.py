"""The small family graph that many tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.index.graph_index import GraphIndex
from kgqa.protocols import Triple
from kgqa.stores.oxigraph import OxigraphStore, from_oxigraph

FAMILY = Path(__file__).parent.parent / "graphs" / "family.ttl"


def _family_triples() -> list[Triple]:
    import pyoxigraph as ox

    with FAMILY.open("rb") as file:
        rows = list(ox.parse(file, ox.RdfFormat.TURTLE))
    return [(from_oxigraph(q.subject), from_oxigraph(q.predicate), from_oxigraph(q.object)) for q in rows]


@pytest.fixture(scope="session")
def family_index() -> GraphIndex:
    """The index of graphs/family.ttl."""
    return GraphIndex.from_triples(_family_triples())


@pytest.fixture(scope="session")
def family_store() -> OxigraphStore:
    """A store in memory that holds graphs/family.ttl."""
    return OxigraphStore.in_memory(_family_triples())
