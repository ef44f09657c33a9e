"""SPARQL 1.1 text of a query graph. Any engine that speaks SPARQL 1.1 accepts it and returns what the index returns."""

from __future__ import annotations

from kgqa.datatypes import XSD, ValueRange
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path
from kgqa.reasoning.query_graph import Constraint, QueryGraph


def to_sparql(query: QueryGraph, index: GraphIndex) -> str:
    """Return the query graph as one SPARQL query, with full IRIs and one pattern a line."""
    return _Writer(index).write(query)


class _Writer:
    def __init__(self, index: GraphIndex) -> None:
        self.index = index
        self.n_fresh = 0

    def write(self, query: QueryGraph) -> str:
        if query.operator == "ask":
            return self._ask(query)
        body = self._core(query, "?x")
        if query.sort:
            return self._sorted(query, body)
        answer = "?x"
        if query.projection:
            answer = "?answer"
            body += self._path("?x", query.projection, answer)
        body += self._visible(answer, query)
        if query.operator == "count":
            return f"SELECT (COUNT(DISTINCT {answer}) AS ?n) WHERE {{\n{_indent(body)}}}"
        return f"SELECT DISTINCT {answer} WHERE {{\n{_indent(body)}}}"

    def _visible(self, answer: str, query: QueryGraph) -> list[str]:
        lines = [f"FILTER({answer} != {self._node(node)})" for node in query.exclude]
        last = query.projection or (query.constraints[0].path if query.constraints else ())
        if last and not query.among:
            lines.append(f"FILTER(!isBlank({answer}))")
        return lines

    def _core(self, query: QueryGraph, variable: str) -> list[str]:
        lines = []
        if query.among:
            lines.append(f"VALUES {variable} {{ {' '.join(self._node(node) for node in query.among)} }}")
        for constraint in query.constraints:
            lines += self._constraint(constraint, variable)
        return lines

    def _constraint(self, constraint: Constraint, variable: str) -> list[str]:
        if constraint.kind == "class":
            klass = constraint.nodes[0]
            types = "|".join(self._predicate(p) for p in self.index.type_predicates)
            closure = self.index.subclasses.get(klass, (klass,))
            if len(closure) == 1:
                return [f"{variable} {types} {self._node(klass)} ."]
            end = self._fresh()
            return [f"VALUES {end} {{ {' '.join(map(self._node, closure))} }}", f"{variable} {types} {end} ."]
        if constraint.kind == "node":
            if len(constraint.nodes) == 1:
                return self._path(variable, constraint.path, self._node(constraint.nodes[0]))
            end = self._fresh()
            values = " ".join(map(self._node, constraint.nodes))
            return [f"VALUES {end} {{ {values} }}", *self._path(variable, constraint.path, end)]
        end = self._fresh()
        if constraint.kind == "count":
            assert constraint.range is not None
            inner, many = self._fresh(), self._fresh()
            body = " ".join(self._path(variable, constraint.path, inner))
            return [
                f"{{ SELECT {variable} (COUNT(DISTINCT {inner}) AS {many}) WHERE {{ {body} }} GROUP BY {variable} }}",
                f"FILTER({_bounds(many, constraint.range)})",
            ]
        lines = self._path(variable, constraint.path, end)
        if constraint.kind == "truth":
            lines.append(f"FILTER({end} = {'true' if constraint.truth else 'false'})")
        elif constraint.kind == "range":
            assert constraint.range is not None
            lines.append(f"FILTER({_bounds(end, constraint.range)})")
        return lines

    def _sorted(self, query: QueryGraph, body: list[str]) -> str:
        direction = "DESC" if query.descending else "ASC"
        if query.operator == "order":
            limit = f"\nLIMIT {query.n_best}" if query.n_best is not None else ""
            if query.sort_by_count:
                body += self._path("?x", query.sort, "?end")
                select, group, key = "SELECT ?x", "\nGROUP BY ?x", "COUNT(DISTINCT ?end)"
            else:
                body += self._path("?x", query.sort, "?value")
                extreme = "MAX" if query.descending else "MIN"
                select, group, key = "SELECT ?x", "\nGROUP BY ?x", f"{extreme}(?value)"
            return f"{select} WHERE {{\n{_indent(body)}}}{group}\nORDER BY {direction}({key}) ?x{limit}"
        chosen = self._values(query, "?x", "?value")
        ranked = self._values(query, "?y", "?other")
        inner = f"SELECT DISTINCT ?other WHERE {{ {' '.join(ranked)} }} ORDER BY {direction}(?other) LIMIT 1"
        if query.rank > 1:
            inner += f" OFFSET {query.rank - 1}"
        lines = [*chosen, f"{{ {inner} }}", "FILTER(?value = ?other)"]
        answer = "?x"
        if query.projection:
            answer = "?answer"
            lines += self._path("?x", query.projection, answer)
        return f"SELECT DISTINCT {answer} WHERE {{\n{_indent(lines)}}}"

    def _values(self, query: QueryGraph, variable: str, value: str) -> list[str]:
        """Bind `value` to what `variable` is sorted by."""
        core = self._core(query, variable)
        if not query.sort_by_count:
            return [*core, *self._path(variable, query.sort, value)]
        end = self._fresh()
        body = " ".join([*core, *self._path(variable, query.sort, end)])
        return [f"{{ SELECT {variable} (COUNT(DISTINCT {end}) AS {value}) WHERE {{ {body} }} GROUP BY {variable} }}"]

    def _ask(self, query: QueryGraph) -> str:
        if query.shared:
            first, second = (self._node(node) for node in query.among[:2])
            lines = [*self._path(first, query.shared, "?shared"), *self._path(second, query.shared, "?shared")]
        elif query.sort:
            first, second = (self._node(node) for node in query.among[:2])
            sign = ">" if query.descending else "<"
            if query.sort_by_count:
                lines = []
                for node, count in ((first, "?a"), (second, "?b")):
                    end = self._fresh()
                    body = " ".join(self._path(node, query.sort, end))
                    lines.append(f"{{ SELECT (COUNT(DISTINCT {end}) AS {count}) WHERE {{ {body} }} }}")
            else:
                lines = [*self._path(first, query.sort, "?a"), *self._path(second, query.sort, "?b")]
            lines.append(f"FILTER(?a {sign} ?b)")
        else:
            lines = self._core(query, "?x")
        return f"ASK {{\n{_indent(lines)}}}"

    def _path(self, start: str, path: Path, end: str) -> list[str]:
        lines = []
        here = start
        for place, (predicate, inverse) in enumerate(path):
            there = end if place == len(path) - 1 else self._fresh()
            name = self._predicate(predicate)
            lines.append(f"{there} {name} {here} ." if inverse else f"{here} {name} {there} .")
            here = there
        return lines

    def _fresh(self) -> str:
        self.n_fresh += 1
        return f"?v{self.n_fresh}"

    def _predicate(self, predicate: int) -> str:
        return self._node(int(self.index.pred_terms[predicate]))

    def _node(self, node: int) -> str:
        return self.index.term(node).n3()


def _bounds(variable: str, span: ValueRange) -> str:
    parts = []
    for bound, sign in (
        (span.low, ">=" if span.low_inclusive else ">"),
        (span.high, "<=" if span.high_inclusive else "<"),
    ):
        if bound is not None:
            if span.kind == "date":
                parts.append(_date_bound(variable, sign, bound))
            else:
                parts.append(f"{variable} {sign} {_number(bound)}")
    if span.low is not None and span.low == span.high:
        return f"{variable} = {_number(span.low)}"
    return " && ".join(parts)


def _date_bound(variable: str, sign: str, day: float) -> str:
    """Compare the first ten characters: dates, date-times, months and years order alike as ISO text from year 0 to 9999."""
    from datetime import date

    text = date.fromordinal(int(day) + 719163).isoformat()
    return f'SUBSTR(CONCAT(STR({variable}), "-01-01"), 1, 10) {sign} "{text}"'


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _indent(lines: list[str]) -> str:
    return "".join(f"  {line}\n" for line in lines)


__all__ = ["to_sparql", "XSD"]
