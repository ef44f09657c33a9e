"""The graph engines that `graph_engine.py` compares, each with the same operations and, for the same input, results.

An operation returns a number that tells whether engines agree. `None` as an operation: the engine has no such thing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.scale_free import BASE, RDF_TYPE, RDFS_LABEL
from kgqa.index.arrays import distinct

Operation = Callable[..., int]
OPERATIONS = ("facts", "two_hop", "two_hop_decoded", "path", "argmax", "count", "typo")


class Engine(Protocol):
    """One engine. `load` reads N-Triples into `folder` or memory, `open` opens what lies in `folder`."""

    def load(self, file: Path, folder: Path) -> int: ...

    def open(self, folder: Path) -> None: ...

    def operations(self) -> dict[str, Operation]: ...


class Kgqa:
    """The embedded index of this project."""

    def load(self, file: Path, folder: Path) -> int:
        from kgqa.stores.loading import load_graph

        return load_graph([file], folder).n_triples

    def open(self, folder: Path) -> None:
        from kgqa.index.labels import LabelIndex
        from kgqa.stores.catalog import open_folder

        self._index = open_folder(folder, "graph").index
        self._labels = LabelIndex(self._index)
        self._iris = np.array(self._index.texts_of(self._index.pred_terms), object)

    def operations(self) -> dict[str, Operation]:
        return {name: getattr(self, name) for name in OPERATIONS}

    def facts(self, iri: str) -> int:
        index = self._index
        preds, ends = index.out_row(index.find(iri))
        return len(list(zip(index.texts_of(index.pred_terms[preds]), index.texts_of(ends), strict=True)))

    def two_hop(self, iri: str) -> int:
        _, subjects = self._index.in_row(self._index.find(iri))
        return len(self._index.neighbors(distinct(subjects))[0])

    def two_hop_decoded(self, iri: str) -> int:
        index = self._index
        subjects = distinct(index.in_row(index.find(iri))[1])
        _, p, o = index.neighbors(subjects)
        n_edges = index.out_start[subjects + 1] - index.out_start[subjects]
        names = np.array(index.texts_of(subjects), object).repeat(n_edges)
        return len(list(zip(names.tolist(), self._iris[p].tolist(), index.texts_of(o), strict=True)))

    def path(self, iri: str, first: str, second: str) -> int:
        index = self._index
        steps = ((index.predicate_id(BASE + first), True), (index.predicate_id(BASE + second), False))
        return len(index.texts_of(index.follow_path(np.array([index.find(iri)], np.int32), steps)))

    def argmax(self, klass: str, value: str) -> int:
        index = self._index
        members = index.instances(index.find(BASE + klass))
        _, ends = index.edges(members, ((index.predicate_id(BASE + value), False),))
        return int(index.value[ends].max())

    def count(self, klass: str) -> int:
        return len(self._index.instances(self._index.find(BASE + klass)))

    def typo(self, label: str) -> int:
        words = [self._labels.corrections(word)[:1] or ((word, 1.0),) for word in label.lower().split()]
        return len(self._labels.exact.get(" ".join(word for ((word, _),) in words), ()))


class Pyoxigraph:
    """Oxigraph on disk, by quad patterns where they do and by SPARQL where not."""

    def load(self, file: Path, folder: Path) -> int:
        import pyoxigraph as ox

        shutil.rmtree(folder, ignore_errors=True)
        store = ox.Store(str(folder))
        store.bulk_load(path=str(file), format=ox.RdfFormat.N_TRIPLES)
        store.flush()
        return len(store)

    def open(self, folder: Path) -> None:
        import pyoxigraph as ox

        self._ox, self._store = ox, ox.Store.read_only(str(folder))

    def operations(self) -> dict[str, Operation]:
        names = ("facts", "two_hop", "path", "argmax", "count")
        return {name: getattr(self, name) for name in names} | {"two_hop_decoded": self.two_hop}

    def facts(self, iri: str) -> int:
        return len([(q.predicate.value, q.object.value) for q in self._quads(self._ox.NamedNode(iri), None)])

    def _quads(self, s: Any, o: Any) -> Any:
        return self._store.quads_for_pattern(s, None, o, None)

    def two_hop(self, iri: str) -> int:
        subjects = {q.subject for q in self._quads(None, self._ox.NamedNode(iri))}
        return len([(s.value, q.predicate.value, q.object.value) for s in subjects for q in self._quads(s, None)])

    def path(self, iri: str, first: str, second: str) -> int:
        return len([row[0].value for row in self._select(path_query(iri, first, second))])

    def _select(self, query: str) -> Any:
        return self._store.query(query)

    def argmax(self, klass: str, value: str) -> int:
        ((_, best),) = self._select(argmax_query(klass, value))
        return int(float(best.value))

    def count(self, klass: str) -> int:
        ((n,),) = self._select(count_query(klass))
        return int(n.value)


class Rdflib:
    """rdflib in memory, by triple patterns; paths by SPARQL."""

    def load(self, file: Path, folder: Path) -> int:
        import rdflib

        self._rdflib, self._graph = rdflib, rdflib.Graph()
        self._graph.parse(str(file), format="nt")
        return len(self._graph)

    def open(self, folder: Path) -> None:
        raise NotImplementedError("rdflib's memory store cannot be opened, only loaded")

    def operations(self) -> dict[str, Operation]:
        names = ("facts", "two_hop", "path", "argmax", "count")
        return {name: getattr(self, name) for name in names} | {"two_hop_decoded": self.two_hop}

    def facts(self, iri: str) -> int:
        return len(list(self._graph.predicate_objects(self._rdflib.URIRef(iri))))

    def two_hop(self, iri: str) -> int:
        subjects = set(self._graph.subjects(None, self._rdflib.URIRef(iri)))
        return len([triple for s in subjects for triple in self._graph.triples((s, None, None))])

    def path(self, iri: str, first: str, second: str) -> int:
        return len(list(self._graph.query(path_query(iri, first, second))))

    def argmax(self, klass: str, value: str) -> int:
        uri = self._rdflib.URIRef
        graph: Any = self._graph
        predicate, members = uri(BASE + value), graph.subjects(uri(RDF_TYPE), uri(BASE + klass))
        return int(max(v.value for s in members for v in graph.objects(s, predicate)))

    def count(self, klass: str) -> int:
        uri = self._rdflib.URIRef
        return sum(1 for _ in self._graph.subjects(uri(RDF_TYPE), uri(BASE + klass)))


class Oxrdflib(Rdflib):
    """rdflib's interface over pyoxigraph on disk."""

    def load(self, file: Path, folder: Path) -> int:
        return Pyoxigraph().load(file, folder)

    def open(self, folder: Path) -> None:
        import pyoxigraph as ox
        import rdflib
        from oxrdflib.store import OxigraphStore
        from rdflib.graph import DATASET_DEFAULT_GRAPH_ID

        store = OxigraphStore(store=ox.Store.read_only(str(folder)))
        self._rdflib, self._graph = rdflib, rdflib.Graph(store=store, identifier=DATASET_DEFAULT_GRAPH_ID)


class Networkx:
    """networkx in memory: a MultiDiGraph of IRIs and literals, with the predicate as key."""

    def load(self, file: Path, folder: Path) -> int:
        import networkx as nx
        import pyoxigraph as ox

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for q in ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES):
            graph.add_edge(q.subject.value, q.object.value, key=q.predicate.value)
        self._graph = graph
        return graph.number_of_edges()

    def open(self, folder: Path) -> None:
        raise NotImplementedError("a networkx graph cannot be opened, only loaded")

    def operations(self) -> dict[str, Operation]:
        names = ("facts", "two_hop", "path", "argmax", "count")
        return {name: getattr(self, name) for name in names} | {"two_hop_decoded": self.two_hop}

    def facts(self, iri: str) -> int:
        return len(list(self._graph.out_edges(iri, keys=True)))

    def two_hop(self, iri: str) -> int:
        return len(list(self._graph.out_edges(set(self._graph.predecessors(iri)), keys=True)))

    def path(self, iri: str, first: str, second: str) -> int:
        starts = [s for s, _, p in self._graph.in_edges(iri, keys=True) if p == BASE + first]
        return len({o for _, o, p in self._graph.out_edges(starts, keys=True) if p == BASE + second})

    def argmax(self, klass: str, value: str) -> int:
        members = [s for s, _, p in self._graph.in_edges(BASE + klass, keys=True) if p == RDF_TYPE]
        return int(max(float(o) for _, o, p in self._graph.out_edges(members, keys=True) if p == BASE + value))

    def count(self, klass: str) -> int:
        return sum(1 for _, _, p in self._graph.in_edges(BASE + klass, keys=True) if p == RDF_TYPE)


class Igraph:
    """igraph in memory: vertex numbers and edge numbers, names and predicates beside them."""

    def load(self, file: Path, folder: Path) -> int:
        import igraph
        import pyoxigraph as ox

        self._ids: dict[str, int] = {}
        number = self._ids.setdefault
        edges, self._predicate = [], []
        for q in ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES):
            s, o = number(q.subject.value, len(self._ids)), number(q.object.value, len(self._ids))
            edges.append((s, o))
            self._predicate.append(number(q.predicate.value, len(self._ids)))
        self._names = list(self._ids)
        self._graph = igraph.Graph(n=len(self._ids), edges=edges, directed=True)
        return len(edges)

    def open(self, folder: Path) -> None:
        raise NotImplementedError("an igraph graph is loaded here, not opened")

    def operations(self) -> dict[str, Operation]:
        return {name: getattr(self, name) for name in ("facts", "two_hop", "two_hop_decoded", "path", "count")}

    def facts(self, iri: str) -> int:
        return len(self._graph.incident(self._ids[iri], mode="out"))

    def _around(self, iri: str) -> list[int]:
        subjects = set(self._graph.predecessors(self._ids[iri]))
        return [e for s in subjects for e in self._graph.incident(s, mode="out")]

    def two_hop(self, iri: str) -> int:
        return len(self._around(iri))

    def two_hop_decoded(self, iri: str) -> int:
        names, predicate = self._names, self._predicate
        ends = [(e, self._graph.es[e].tuple) for e in self._around(iri)]
        return len([(names[s], names[predicate[e]], names[o]) for e, (s, o) in ends])

    def path(self, iri: str, first: str, second: str) -> int:
        graph, predicate = self._graph, self._predicate
        p, q = self._ids[BASE + first], self._ids[BASE + second]
        starts = {graph.es[e].source for e in graph.incident(self._ids[iri], mode="in") if predicate[e] == p}
        return len({graph.es[e].target for s in starts for e in graph.incident(s, mode="out") if predicate[e] == q})

    def count(self, klass: str) -> int:
        return len(self._graph.incident(self._ids[BASE + klass], mode="in"))


class Rapidfuzz:
    """Labels only: a misspelt one is compared with every label of the graph."""

    def load(self, file: Path, folder: Path) -> int:
        import pyoxigraph as ox

        label = ox.NamedNode(RDFS_LABEL)
        quads = ox.parse(path=str(file), format=ox.RdfFormat.N_TRIPLES)
        self._labels = [q.object.value.lower() for q in quads if q.predicate == label]
        return len(self._labels)

    def open(self, folder: Path) -> None:
        raise NotImplementedError("a list of labels is loaded here, not opened")

    def operations(self) -> dict[str, Operation]:
        return {"typo": self.typo}

    def typo(self, label: str) -> int:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        return len(process.extract(label.lower(), self._labels, scorer=OSA.distance, score_cutoff=2, limit=1))


def path_query(iri: str, first: str, second: str) -> str:
    """Return what lies at the other end of two relations: against the first, along the second."""
    return f"SELECT DISTINCT ?y {{ ?x <{BASE}{first}> <{iri}> . ?x <{BASE}{second}> ?y }}"


def argmax_query(klass: str, value: str) -> str:
    """Return the member of a class with the greatest value."""
    return f"SELECT ?x ?v {{ ?x a <{BASE}{klass}> ; <{BASE}{value}> ?v }} ORDER BY DESC(?v) LIMIT 1"


def count_query(klass: str) -> str:
    """Return how many members a class has."""
    return f"SELECT (COUNT(*) AS ?n) {{ ?x a <{BASE}{klass}> }}"


ENGINES: dict[str, Callable[[], Engine]] = {
    "kgqa": Kgqa, "pyoxigraph": Pyoxigraph, "rdflib": Rdflib, "oxrdflib": Oxrdflib, "networkx": Networkx,
    "igraph": Igraph, "rapidfuzz": Rapidfuzz,
}  # fmt: skip
PERSISTENT = ("kgqa", "pyoxigraph", "oxrdflib")
