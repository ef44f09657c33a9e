"""The relations of a graph as a question sees them: one readable hop each, read through blank nodes, in both
directions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.phrases import phrase
from kgqa.index.terms import URI
from kgqa.index.text import is_mere_key
from kgqa.index.values import BOOLEAN, DATE, NO_VALUE, NUMBER

Step = tuple[int, bool]
"""A dense predicate id and whether it is walked from object to subject."""
Path = tuple[Step, ...]

ENTITY, TEXT = -1, 4  # kinds of relation ends, beside values.NUMBER, DATE and BOOLEAN
_SAMPLE = 400
_MAX_REMEMBERED = 20_000
_MERE_VALUES = frozenset(("value", "numeric value", "numerical value", "quantity value", "simple result", "magnitude"))
_BARE = frozenset("of in at by for to via from on with as".split())
_KIND_WORDS = {NUMBER: "a number", DATE: "a date", BOOLEAN: "yes or no", TEXT: "a text"}


@dataclass(frozen=True, slots=True)
class Relation:
    """One hop. `path` has one step, or two where a node between is read through.

    `fan_out` is the mean number of ends a start has; `n_pairs` how many triples the first step has. `end_kind` is
    ENTITY, TEXT,
    or the value kind of a literal end.
    """

    id: int
    path: Path
    label: str
    start_class: str
    end_class: str
    end_kind: int
    fan_out: float
    n_pairs: int
    example: str

    @property
    def inverse(self) -> bool:
        """Whether the hop is walked against the direction in which what it is called by is stated."""
        return self.path[-1][1]

    @property
    def text(self) -> str:
        """Return the relation as a phrase for the encoder: its label, direction, both classes and an example value."""
        start, end = self.start_class or "thing", self.end_class or _KIND_WORDS.get(self.end_kind, "thing")
        said = phrase(self.label)
        if self.inverse:
            told = said.inverse(f"the {start}", end=end)
            return f"{told}, {_article(end)}" if said.form == "role" else told
        example = f", e.g. {self.example}" if self.example and self.end_kind != ENTITY else ""
        return f"{said.forward(f'the {start}')}, {_article(end)}{example}"


def reverse(path: Path) -> Path:
    """Return the path walked from its end to its start."""
    return tuple((predicate, not inverse) for predicate, inverse in reversed(path))


class Schema:
    """The relations of one graph. `by_first_step` finds those that can leave a node by a given step."""

    def __init__(self, index: GraphIndex) -> None:
        self.index = index
        self.relations: tuple[Relation, ...] = _stored_relations(index) or tuple(self._relations())
        self.by_path: dict[Path, Relation] = {relation.path: relation for relation in self.relations}
        self.by_first_step: dict[Step, list[Relation]] = {}
        for relation in self.relations:
            self.by_first_step.setdefault(relation.path[0], []).append(relation)
        self._leaving: dict[tuple[frozenset[int], frozenset[int]], tuple[Relation, ...]] = {}

    def leaving(self, nodes: Ids) -> list[Relation]:
        """Return the relations whose first step leaves one of `nodes` (of a sample, where there are many)."""
        incident = self.index.incident(nodes)
        found = self._leaving.get(incident)
        if found is None:
            out, into = incident
            steps = [(p, False) for p in sorted(out)] + [(p, True) for p in sorted(into)]
            found = tuple(relation for step in steps for relation in self.by_first_step.get(step, ()))
            if len(self._leaving) < _MAX_REMEMBERED:
                self._leaving[incident] = found
        return list(found)

    def _relations(self) -> Iterator[Relation]:
        number = 0
        for path, label in self._paths().items():
            relation = self._describe(number, path, label)
            if relation is not None:
                yield relation
                number += 1

    def _paths(self) -> dict[Path, str]:
        """Return the paths that a question may mean by one hop, with what each is called."""
        index = self.index
        paths: dict[Path, str] = {}
        allowed = set(index.relation_predicates)
        ways_in = {p: nodes for p in index.relation_predicates if len(nodes := self._between(self._sample(p)[1]))}
        inside = {p: sorted(index.incident(nodes)[0] & allowed) for p, nodes in ways_in.items()}
        shared = Counter(q for inner in inside.values() for q in inner)
        joining = {p for p in index.relation_predicates if self._joins_things(p)}
        claimed = {index.predicate_nodes[p] for p in joining}
        for p in index.relation_predicates:
            label = index.predicate_labels[p]
            if p in joining:
                paths[((p, False),)] = label
                paths[((p, True),)] = label
            if p in inside:
                paths[((p, True),)] = label
                names = {q: self._inner_label(p, q, ways_in[p], ambiguous=shared[q] > 1) for q in inside[p]}
                for q, name in names.items():
                    if index.predicate_nodes[p] == index.predicate_nodes[q] and index.predicate_nodes[q] in claimed:
                        continue  # the claim itself says as much
                    paths.setdefault(((q, False),), index.predicate_labels[q])
                    paths[((p, False), (q, False))] = name
                    paths[((q, True), (p, True))] = name
                self._across(paths, names)
            elif len(nodes := self._between(self._sample(p)[0])) and not index.is_inner[nodes].any():
                outward = sorted(index.incident(nodes)[0] & allowed)
                self._across(paths, {q: index.predicate_labels[q] for q in outward})
        return paths

    def _across(self, paths: dict[Path, str], names: Mapping[int, str]) -> None:
        """Add the paths from one end of what stands between to another, by its predicates and their names."""
        for q in names:
            if (self.index.kind[self._sample(q)[1]] == URI).any():
                for r, name in names.items():
                    if q != r and self.index.predicate_labels[r].lower() not in _MERE_VALUES:
                        paths.setdefault(((q, True), (r, False)), name)

    def _joins_things(self, predicate: int) -> bool:
        """Return whether a predicate relates some things themselves, not only inner nodes."""
        return not any(self.index.is_inner[ends].all() for ends in self._sample(predicate))

    def _between(self, nodes: Ids) -> Ids:
        """Return those nodes that relations are read through, sorted: inner ones, and things without a name, such as an
        event or a row that joins two tables, that relate several others."""
        index = self.index
        nodes = np.unique(nodes)
        nameless = (index.kind[nodes] == URI) & (index.display_labels[nodes] < 0) & ~index.is_inner[nodes]
        facts = np.array(index.relation_predicates, np.int32)
        for place in np.flatnonzero(nameless).tolist():
            node = int(nodes[place])
            out, ends = index.out_row(node)
            n_related = int((np.isin(out, facts) & (index.kind[ends] == URI)).sum())
            n_related += int(np.isin(index.in_row(node)[0], facts).sum())
            nameless[place] = n_related > 1 and is_mere_key(index.text_of(node))
        return np.asarray(nodes[nameless | index.is_inner[nodes]], np.int32)

    def _inner_label(self, outer: int, inner: int, nodes: Ids, *, ambiguous: bool) -> str:
        """Return how the value `inner` of `nodes`, which `outer` leads to and which stand between, is called.

        A value that has no word of its own is called by the way to it, "duration" for `duration / value`; one that
        nodes of several kinds have, by their kind too: "production carried out by", "first ascent date".
        """
        labels = self.index.predicate_labels
        own, way = phrase(labels[inner]).text, phrase(labels[outer]).text
        if own.lower() in _MERE_VALUES or own == way:
            return labels[outer]
        return f"{self._class_name(nodes) or way} {own}" if ambiguous or own in _BARE else labels[inner]

    def _sample(self, predicate: int) -> tuple[Ids, Ids]:
        index = self.index
        subjects, objects = index.pairs(predicate)
        if len(subjects) > _SAMPLE:
            rows = np.linspace(0, len(subjects) - 1, _SAMPLE).astype(np.int64)
            return subjects[rows], objects[rows]
        return subjects, objects

    def _describe(self, number: int, path: Path, label: str) -> Relation | None:
        index = self.index
        predicate, inverse = path[0]
        subjects, objects = self._sample(predicate)
        starts = np.unique(objects if inverse else subjects)
        starts, ends = index.edges(starts[:_SAMPLE], path)
        keep = ~index.is_inner[ends]
        starts, ends = starts[keep], ends[keep]
        if len(starts) == 0 or index.value_kind[starts].all():
            return None  # numbers and dates are met by comparing values, not by starting from them
        end_kind = self._end_kind(ends)
        distinct = len(np.unique(ends))
        if distinct == 1 and len(starts) >= 10 and end_kind in (NUMBER, DATE) and not inverse:
            return None  # a constant says nothing of any one thing
        pairs = int(index.pred_start[predicate + 1] - index.pred_start[predicate])
        examples = Counter(ends.tolist()).most_common(1)
        return Relation(
            id=number,
            path=path,
            label=label,
            start_class=self._class_name(starts),
            end_class=self._class_name(ends) if end_kind == ENTITY else "",
            end_kind=end_kind,
            fan_out=len(starts) / len(np.unique(starts)),
            n_pairs=pairs,
            example=index.label(examples[0][0])[:40],
        )

    def _end_kind(self, ends: Ids) -> int:
        kinds = self.index.kind[ends]
        if (kinds == URI).mean() >= 0.5:
            return ENTITY
        values = self.index.value_kind[ends[kinds == 1]]
        kind = int(np.bincount(values, minlength=4).argmax())
        return TEXT if kind == NO_VALUE else kind

    def _class_name(self, nodes: Ids) -> str:
        counts: Counter[int] = Counter()
        for node in np.unique(nodes)[:60].tolist():
            counts.update(self.index.classes_of(node)[:1])
        return self.index.label(counts.most_common(1)[0][0]) if counts else ""


def _stored_relations(index: GraphIndex) -> tuple[Relation, ...]:
    rows = json.loads(index.texts.get("relations", "[]"))
    return tuple(Relation(**{**row, "path": tuple((int(p), bool(back)) for p, back in row["path"])}) for row in rows)


def _article(noun: str) -> str:
    return noun if noun.startswith(("a ", "yes")) else f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
