"""Query graphs as one line of English: what the reader compares with the question, and what people are shown."""

from __future__ import annotations

from dataclasses import replace

from kgqa.datatypes import ValueRange
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.phrases import phrase
from kgqa.index.schema import Path, Relation, Schema, reverse
from kgqa.index.values import BOOLEAN, DATE, NUMBER
from kgqa.reasoning.query_graph import Constraint, QueryGraph, Result

_RANKS = {2: "second ", 3: "third ", 4: "fourth ", 5: "fifth ", 6: "sixth ", 7: "seventh "}
_MAX_LABEL = 60
_MAX_LOOKED_AT = 200


class Linearizer:
    """Writes the query graphs of one graph as text."""

    def __init__(self, index: GraphIndex, schema: Schema) -> None:
        self.index, self.schema = index, schema

    def line(self, query: QueryGraph, result: Result) -> str:
        """Return the reader's line: the query graph in words, then what kind of answer it gives, with an example.

        The outcome of a yes/no question and the value of a count are left out: they say nothing about the reading.
        """
        return f"{self.text(query, result)} | {self._answer(query, result)}"

    def text(self, query: QueryGraph, result: Result) -> str:
        """Return the query graph in words."""
        if query.operator == "ask":
            return self._ask(query)
        core = self._core(query, result.core)
        if query.operator == "compare":
            return f"which of {core} has the {self._extreme(query, comparative=True)}"
        if query.operator == "superlative":
            core = f"{core} with the {self._extreme(query, comparative=False)}"
        if query.operator == "order":
            first = f"the first {query.n_best} " if query.n_best is not None else ""
            return f"{first}{core} in order of {self._sort_key(query)}, {self._direction(query)} first"
        if query.projection:
            core = self._along(core, query.projection)
        if query.exclude:
            core += " other than " + ", ".join(self._name(node) for node in query.exclude)
        return f"number of {core}" if query.operator == "count" else core

    # -- parts

    def relations(self, path: Path) -> list[Relation | None]:
        """Return the relations a path is made of; None for a step that is no relation by itself."""
        found: list[Relation | None] = []
        place = 0
        while place < len(path):
            for width in (2, 1):
                relation = self.schema.by_path.get(path[place : place + width])
                if relation is not None and (width == 1 or len(path) >= place + width):
                    found.append(relation)
                    place += width
                    break
            else:
                backwards = self.schema.by_path.get(reverse(path[place : place + 1]))
                found.append(backwards)
                place += 1
        return found

    def _label(self, path: Path) -> str:
        labels = [phrase(relation.label).noun for relation in self.relations(path) if relation is not None]
        return " of the ".join(reversed(labels)) or self.index.predicate_labels[path[-1][0]]

    def _along(self, core: str, path: Path, ends: Ids | None = None) -> str:
        relations = [relation for relation in self.relations(path) if relation is not None]
        for place, relation in enumerate(relations):
            last = ends is not None and place == len(relations) - 1
            core = self._step(relation, core, self._kind(relation.end_class, ends) if last else relation.end_class)
        return core

    def _step(self, relation: Relation, start: str, end: str) -> str:
        said = phrase(relation.label)
        return (said.inverse if relation.inverse else said.forward)(start, end=end)

    def _kind(self, usual: str, nodes: Ids | None) -> str:
        """Return `usual`, the class that a relation mostly leads to, where all of `nodes` are of it, or else the
        smallest that they share: "countries" must not be said of countries and territories."""
        if nodes is None or len(nodes) == 0 or not usual:
            return usual
        shared: dict[int, None] | None = None
        for node in nodes[:: -(-len(nodes) // _MAX_LOOKED_AT)].tolist():  # evenly, since ids lie by kind
            own = self.index.classes_of(node)
            shared = dict.fromkeys(own) if shared is None else {c: None for c in shared if c in own}
        labels = [self.index.label(klass) for klass in shared or ()]
        return usual if usual in labels else next(iter(labels), "thing")

    def _core(self, query: QueryGraph, bindings: Ids | None = None) -> str:
        if query.among:
            return ", ".join(self._name(node) for node in query.among)
        if len(query.constraints) == 1 and query.constraints[0].kind == "node":
            constraint = query.constraints[0]
            return self._along(self._names(constraint.nodes), reverse(constraint.path), bindings)
        parts = [self._condition(c) for c in query.constraints if c.kind != "class"]
        return " ".join([self._noun(query, bindings), " and ".join(parts)]).strip()

    def _noun(self, query: QueryGraph, bindings: Ids | None) -> str:
        for constraint in query.constraints:
            if constraint.kind == "class":
                return self.index.label(constraint.nodes[0])
        for constraint in query.constraints:
            relations = self.relations(constraint.path)
            if relations and relations[0] is not None and relations[0].start_class:
                return self._kind(relations[0].start_class, bindings)
        return "things"

    def _condition(self, constraint: Constraint) -> str:
        relations = self.relations(constraint.path)
        first = relations[0] if relations else None
        label = self._label(constraint.path)
        if constraint.kind == "truth":
            return f"that are {label}" if constraint.truth else f"that are not {label}"
        if constraint.kind == "exists":
            return f"that have a {label}"
        if constraint.kind == "missing":
            return f"that have no {label}"
        if constraint.kind == "not":
            return _negated(self._condition(replace(constraint, kind="node")), label)
        if constraint.kind in ("range", "count"):
            assert constraint.range is not None
            many = "number of " if constraint.kind == "count" else ""
            return f"whose {many}{label} is {_range_text(constraint.range)}"
        inner = self._names(constraint.nodes)
        for relation in reversed(relations[1:]):
            if relation is not None:
                inner = f"the {relation.start_class or 'thing'} {_clause(relation, inner)}"
        return f"whose {label} is {inner}" if first is None else _clause(first, inner)

    def _sort_key(self, query: QueryGraph) -> str:
        label = self._label(query.sort)
        if not query.sort_by_count:
            return label
        relation = self.relations(query.sort)[-1]
        if relation is None:
            return f"number of {label}"
        said = phrase(relation.label)
        if said.form != "noun":
            start = "them" if relation.inverse else "they"
            return f"number of {self._step(relation, start, relation.end_class)}"
        if relation.inverse:
            return f"number of {relation.end_class or 'things'} whose {label} they are"
        return f"number of {label}"

    def _is_date(self, query: QueryGraph) -> bool:
        relation = self.relations(query.sort)[-1]
        return not query.sort_by_count and relation is not None and relation.end_kind == DATE

    def _direction(self, query: QueryGraph) -> str:
        if self._is_date(query):
            return "latest" if query.descending else "earliest"
        return "highest" if query.descending else "lowest"

    def _extreme(self, query: QueryGraph, *, comparative: bool) -> str:
        if comparative:
            words = ("later", "earlier") if self._is_date(query) else ("higher", "lower")
            word = words[0] if query.descending else words[1]
            return f"{word} {self._sort_key(query)}"
        return f"{_RANKS.get(query.rank, '')}{self._direction(query)} {self._sort_key(query)}"

    def _ask(self, query: QueryGraph) -> str:
        names = [self._name(node) for node in query.among]
        if query.shared:
            return f"whether {names[0]} and {names[1]} have the same {self._label(query.shared)}"
        if query.sort:
            return f"whether {names[0]} has a {self._extreme(query, comparative=True)} than {names[1]}"
        if query.among:
            class_names = [self.index.label(c.nodes[0]) for c in query.constraints if c.kind == "class"]
            conditions = [self._condition(c) for c in query.constraints if c.kind != "class"]
            told = [f"is a {name}" for name in class_names] + [_predicate_form(text) for text in conditions]
            return f"whether {names[0]} {' and '.join(told)}"
        return f"whether there are {self._core(query)}"

    def _answer(self, query: QueryGraph, result: Result) -> str:
        if result.truth is not None:
            return "yes or no"
        if result.count is not None:
            return "a count"
        nodes = result.nodes
        first = int(nodes[0])
        many = "one" if len(nodes) == 1 else "two" if len(nodes) == 2 else "several" if len(nodes) <= 12 else "many"
        if self.index.is_literal(first):
            kinds = {NUMBER: "number", DATE: "date", BOOLEAN: "truth value"}
            noun = kinds.get(int(self.index.value_kind[first]), "text")
        else:
            noun = self.index.class_label(first) or "thing"
        return f"{many} {noun}, {self._name(first)}"

    def _names(self, nodes: tuple[int, ...]) -> str:
        return " or ".join(self._name(node) for node in nodes)

    def _name(self, node: int) -> str:
        label = " ".join(self.index.label(node).split())
        return label if len(label) <= _MAX_LABEL else label[: _MAX_LABEL - 1] + "…"


def _clause(relation: Relation, other: str) -> str:
    """Return what follows a noun to say that `relation` leads from it to `other`."""
    said = phrase(relation.label)
    if not relation.inverse:
        return said.clause(other)
    if said.form == "noun":
        return f"that are the {said.text} of {other}"
    return f"that {other} {'' if said.form == 'verb' else 'is '}{said.text}"


def _negated(clause: str, label: str) -> str:
    for told in (f"whose {label} is ", "that are "):
        if clause.startswith(told):
            return f"{told}not {clause.removeprefix(told)}"
    return f"not {clause}"


def _predicate_form(condition: str) -> str:
    """Turn a condition on several things into one on a single subject."""
    if condition.startswith("whose "):
        label, _, value = condition.removeprefix("whose ").partition(" is ")
        return f"has {label} {value}"
    for old, new in (("that are ", "is "), ("that have ", "has "), ("that ", "")):
        if condition.startswith(old):
            return new + condition.removeprefix(old)
    return f"is {condition}"


def _range_text(span: ValueRange) -> str:
    show = _day_text if span.kind == "date" else _number_text
    if span.low is not None and span.low == span.high:
        return show(span.low)
    if span.low is not None and span.high is not None:
        last = span.high if span.high_inclusive or span.kind == "number" else span.high - 1
        return f"from {show(span.low)} to {show(last)}"
    if span.low is not None:
        word = "at least" if span.low_inclusive else "more than"
        return f"{'from' if span.kind == 'date' else word} {show(span.low)}{' on' if span.kind == 'date' else ''}"
    assert span.high is not None
    word = "at most" if span.high_inclusive else "less than"
    return f"{'before' if span.kind == 'date' else word} {show(span.high)}"


def _number_text(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _day_text(day: float) -> str:
    from datetime import date

    ordinal = int(day) + 719163
    return date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= 3652059 else f"year {1970 + day / 365.2425:.0f}"
