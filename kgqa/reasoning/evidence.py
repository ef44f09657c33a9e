"""The facts that support an answer."""

from __future__ import annotations

import numpy as np

from kgqa.datatypes import RDF_TYPE, Fact
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import Path
from kgqa.reasoning.query_graph import Constraint, QueryGraph, Result

MAX_FACTS = 60
MAX_FACTS_PER_ANSWER = 12
MAX_WITNESSES = 3


class EvidenceFinder:
    """Finds, for each answer, the triples that the query graph matched to reach it."""

    def __init__(self, index: GraphIndex) -> None:
        self.index = index

    def of_answer(self, query: QueryGraph, result: Result, answer: int) -> tuple[Fact, ...]:
        """Return the facts that support one answer node."""
        cores = self._cores_of(query, result, answer)
        triples: dict[tuple[int, int, int], None] = {}
        for core in cores:
            triples.update(dict.fromkeys(self._of_core(query, core)))
            if query.projection:
                triples.update(dict.fromkeys(self.connecting(core, query.projection, answer)))
        return self._facts(list(triples)[:MAX_FACTS_PER_ANSWER])

    def of_result(self, query: QueryGraph, result: Result) -> tuple[Fact, ...]:
        """Return the facts behind the whole result: for a count what was counted, for an extremum the compared
        values."""
        triples: dict[tuple[int, int, int], None] = {}
        if query.operator == "ask":
            subjects = query.among or tuple(result.core[:MAX_WITNESSES].tolist())
            for subject in subjects:
                triples.update(dict.fromkeys(self._of_core(query, subject)))
        elif query.sort:
            shown = [*dict.fromkeys([*result.nodes.tolist(), *query.among, *self._runners_up(query, result)])]
            for node in shown[:12]:
                triples.update(dict.fromkeys(self._of_core(query, node)))
        else:
            for answer in result.nodes[: MAX_FACTS // 2].tolist():
                for core in self._cores_of(query, result, answer)[:1]:
                    triples.update(dict.fromkeys(self._of_core(query, core)))
                    if query.projection:
                        triples.update(dict.fromkeys(self.connecting(core, query.projection, answer)))
        types = set(self.index.type_predicates)
        ordered = sorted(triples, key=lambda triple: triple[1] in types)
        return self._facts(ordered[:MAX_FACTS])

    def _runners_up(self, query: QueryGraph, result: Result) -> list[int]:
        starts, ends = self.index.edges(result.core[:5000], query.sort)
        if query.sort_by_count:
            nodes, counts = np.unique(starts, return_counts=True)
            order = np.argsort(-counts if query.descending else counts, kind="stable")
            return nodes[order][:4].tolist()  # type: ignore[no-any-return]
        values = self.index.value[ends]
        order = np.argsort(-values if query.descending else values, kind="stable")
        return starts[order][:5].tolist()  # type: ignore[no-any-return]

    def _cores_of(self, query: QueryGraph, result: Result, answer: int) -> list[int]:
        if not query.projection:
            return [answer]
        backwards = [(p, not inverse) for p, inverse in reversed(query.projection)]
        starts = self.index.follow_path(np.array([answer], np.int32), backwards)
        return np.intersect1d(starts, result.core)[:MAX_WITNESSES].tolist()  # type: ignore[no-any-return]

    def _of_core(self, query: QueryGraph, core: int) -> list[tuple[int, int, int]]:
        triples: list[tuple[int, int, int]] = []
        for constraint in query.constraints:
            triples += self._of_constraint(constraint, core)
        for path in (query.sort, query.shared):
            if path:
                ends = self.index.follow_path(np.array([core], np.int32), path)
                for end in ends[:MAX_WITNESSES].tolist():
                    triples += self.connecting(core, path, end)
        return triples

    def _of_constraint(self, constraint: Constraint, core: int) -> list[tuple[int, int, int]]:
        if constraint.kind == "class":
            members = set(self.index.subclasses.get(constraint.nodes[0], (constraint.nodes[0],)))
            for p in self.index.type_predicates:
                for klass in self.index.follow(np.array([core], np.int32), p).tolist():
                    if klass in members:
                        return [(core, p, klass)]
            return []
        if constraint.kind in ("not", "missing"):
            return []
        if constraint.kind == "node":
            return [t for node in constraint.nodes for t in self.connecting(core, constraint.path, node)]
        ends = self.index.follow_path(np.array([core], np.int32), constraint.path)
        if constraint.kind == "range" and constraint.range is not None:
            ends = ends[[constraint.range.contains(float(v)) for v in self.index.value[ends]]]
        return [t for end in ends[:MAX_WITNESSES].tolist() for t in self.connecting(core, constraint.path, end)]

    def connecting(self, start: int, path: Path, end: int) -> list[tuple[int, int, int]]:
        """Return the triples of one walk along `path` from `start` to `end`; empty if there is none."""
        layers: list[Ids] = [np.array([start], np.int32)]
        for predicate, inverse in path:
            layers.append(self.index.follow(layers[-1], predicate, inverse=inverse))
        if end not in layers[-1]:
            return []
        triples = []
        here = end
        for place in range(len(path) - 1, -1, -1):
            predicate, inverse = path[place]
            back = self.index.follow(np.array([here], np.int32), predicate, inverse=not inverse)
            before = int(np.intersect1d(back, layers[place])[0])
            triples.append((here, predicate, before) if inverse else (before, predicate, here))
            here = before
        return triples[::-1]

    def around(self, node: int, n: int) -> tuple[Fact, ...]:
        """Return up to `n` facts about a node, those that connect it to other entities first."""
        index = self.index
        relations = set(index.relation_predicates)
        a, b = int(index.out_start[node]), int(index.out_start[node + 1])
        out = [(node, int(p), int(o)) for p, o in zip(index.out_p[a : a + 200], index.out_o[a : a + 200], strict=True)]
        c, d = int(index.in_start[node]), min(int(index.in_start[node + 1]), int(index.in_start[node]) + n)
        into = [(int(s), int(p), node) for p, s in zip(index.in_p[c:d], index.in_s[c:d], strict=True)]
        kept = [t for t in (*out[: b - a], *into) if t[1] in relations]
        kept.sort(key=lambda t: index.is_literal(t[2]))
        return self._facts(kept[:n])

    def _facts(self, triples: list[tuple[int, int, int]]) -> tuple[Fact, ...]:
        return tuple(self.fact(s, p, o) for s, p, o in triples)

    def fact(self, subject: int, predicate: int, obj: int) -> Fact:
        """Return a triple as a fact with its sentence."""
        index = self.index
        node = int(index.pred_terms[predicate])
        verb = "is a" if index.text_of(node) == RDF_TYPE else index.predicate_labels[predicate]
        names = (self._name(subject), verb, self._name(obj))
        return Fact(index.term(subject), index.term(node), index.term(obj), " — ".join(names), names)

    def _name(self, node: int) -> str:
        """Return a label; a blank node is named by its class and what it holds."""
        if not self.index.is_inner[node]:
            return self.index.label(node)
        return f"a certain {self.index.class_label(node) or 'thing'}"
