"""SPARQL 1.1 text of a query graph. Any engine that speaks SPARQL 1.1 accepts it and returns what the index returns."""

from __future__ import annotations

from kgqa.datatypes import XSD, ValueRange
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path
from kgqa.index.values import DATE, NUMBER
from kgqa.reasoning.query_graph import DURATIONS, Constraint, QueryGraph

_DATE_TYPES = ", ".join(f"<{XSD}{name}>" for name in ("date", "dateTime", "dateTimeStamp", "gYear", "gYearMonth"))
_ZONE = "(Z|[+-][0-9]{2}:[0-9]{2})$"
_WELL_FORMED_DATE = (
    "^-?[0-9]{4,6}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
    "(T([01][0-9]|2[0-4]):[0-5][0-9](:([0-5][0-9]|60)([.][0-9]+)?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$"
)


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
        lines = []
        for node in query.exclude:
            if self.index.is_literal(node):  # "!=" compares values, and fails on unknown datatypes
                lines.append(f"FILTER(!sameTerm({answer}, {self._node(node)}))")
            elif self.index.is_entity(node):
                lines.append(f"FILTER({answer} != {self._node(node)})")
        if self._may_be_blank(query):
            lines.append(f"FILTER(!isBlank({answer}))")
        return lines

    def _may_be_blank(self, query: QueryGraph) -> bool:
        if not self.index.has_blank_nodes:
            return False
        if query.projection:
            return True
        classes = [c.nodes[0] for c in query.constraints if c.kind == "class"]
        named = any(not (self.index.kind[self.index.instances(klass)] == 2).any() for klass in classes)
        return not query.among and not named

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
        if constraint.kind in ("not", "missing"):
            end = self._fresh()
            body = " ".join(self._path(variable, constraint.path, end))
            among = ", ".join(map(self._node, constraint.nodes))
            return [f"FILTER NOT EXISTS {{ {body}{f' FILTER({end} IN ({among}))' if among else ''} }}"]
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
            kind = NUMBER if constraint.range.kind == "number" else DATE
            text = f"STR({end})"
            if not self._only(constraint.path, kind):
                lines.append(f"FILTER({_guard(end, kind)})")
                text = f'REPLACE({text}, "{_ZONE}", "")'
            lines.append(f"FILTER({_bounds(end, constraint.range, text)})")
        return lines

    def _only(self, path: Path, kind: int) -> bool:
        """Return whether a path can end in nothing but well-formed values of a kind."""
        return self.index.likeness(*path[-1])[0] == kind and (kind != DATE or self.index.has_plain_dates(*path[-1]))

    def _comparable(self, path: Path) -> bool:
        """Return whether SPARQL orders and tells apart the ends of a path as the index does.

        So it does where all have one datatype, no two the same value, and no date a time zone. Durations are left to
        SPARQL.
        """
        kind, datatype, is_distinct = self.index.likeness(*path[-1])
        if kind != self.index.value_kind_of(path[-1][0]) or datatype < 0:
            return False
        if self.index.datatypes[datatype] in DURATIONS:
            return True
        return is_distinct and (kind != DATE or self.index.has_plain_dates(*path[-1]))

    def _sorted(self, query: QueryGraph, body: list[str]) -> str:
        direction = "DESC" if query.descending else "ASC"
        if query.operator == "order":
            if self._may_be_blank(query):
                body.append("FILTER(!isBlank(?x))")
            limit = f"\nLIMIT {query.n_best}" if query.n_best is not None else ""
            if query.sort_by_count:
                body += self._path("?x", query.sort, "?end")
                select, group, key = "SELECT ?x", "\nGROUP BY ?x", "COUNT(DISTINCT ?end)"
            else:
                body += self._sort_key("?x", query.sort, "?value")
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
            lines += [*self._path("?x", query.projection, answer), *self._visible(answer, query)]
        return f"SELECT DISTINCT {answer} WHERE {{\n{_indent(lines)}}}"

    def _values(self, query: QueryGraph, variable: str, value: str) -> list[str]:
        """Bind `value` to what `variable` is sorted by."""
        core = self._core(query, variable)
        if not query.projection and self._may_be_blank(query):
            core.append(f"FILTER(!isBlank({variable}))")
        if not query.sort_by_count:
            return [*core, *self._sort_key(variable, query.sort, value)]
        end = self._fresh()
        body = " ".join([*core, *self._path(variable, query.sort, end)])
        return [f"{{ SELECT {variable} (COUNT(DISTINCT {end}) AS {value}) WHERE {{ {body} }} GROUP BY {variable} }}"]

    def _sort_key(self, start: str, path: Path, key: str) -> list[str]:
        """Bind `key` to the value a path ends in, or to what orders as the index orders it."""
        if self._comparable(path):
            return self._path(start, path, key)
        end = self._fresh()
        kind = self.index.value_kind_of(path[-1][0])
        text = _key(end, kind)
        return [*self._path(start, path, end), f"FILTER({_guard(end, kind)})", f"BIND({text} AS {key})"]

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
                extreme = "MAX" if query.descending else "MIN"
                lines = []
                for node, best in ((first, "?a"), (second, "?b")):
                    key = self._fresh()
                    body = " ".join(self._sort_key(node, query.sort, key))
                    lines.append(f"{{ SELECT ({extreme}({key}) AS {best}) WHERE {{ {body} }} }}")
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


def _bounds(variable: str, span: ValueRange, text: str = "") -> str:
    """Return the condition on a number, or on a date whose ISO text is the expression `text`."""
    parts = []
    for bound, sign in (
        (span.low, ">=" if span.low_inclusive else ">"),
        (span.high, "<=" if span.high_inclusive else "<"),
    ):
        if bound is not None:
            if span.kind == "date":
                parts.append(_date_bound(text, sign, bound))
            else:
                parts.append(f"{variable} {sign} {_number(bound)}")
    if span.low is not None and span.low == span.high:
        return f"{variable} = {_number(span.low)}"
    return " && ".join(parts)


def _date_bound(text: str, sign: str, day: float) -> str:
    """Compare the first ten characters: dates, date-times, months and years order alike as ISO text from year 0 to
    9999."""
    from datetime import date

    ordinal = int(day) + 719163
    bound = date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= 3652059 else "0000" if ordinal < 1 else "9999-13"
    return f'SUBSTR(CONCAT({text}, "-01-01"), 1, 10) {sign} "{bound}"'


def _guard(variable: str, kind: int) -> str:
    """Keep what the index compares: finite numbers, or well-formed dates."""
    if kind == NUMBER:
        return f"isNumeric({variable}) && ABS({variable}) <= 1.7976931348623157e308"
    return f'DATATYPE({variable}) IN ({_DATE_TYPES}) && REGEX(STR({variable}), "{_WELL_FORMED_DATE}")'


def _key(variable: str, kind: int) -> str:
    """Return a number, or a date as text padded to the second, without its time zone."""
    if kind == NUMBER:
        return f"<{XSD}double>({variable})"
    text = f'REPLACE(STR({variable}), "{_ZONE}", "")'
    return f'SUBSTR(CONCAT({text}, SUBSTR("0000-01-01T00:00:00", STRLEN({text}) + 1)), 1, 19)'


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _indent(lines: list[str]) -> str:
    return "".join(f"  {line}\n" for line in lines)


__all__ = ["XSD", "to_sparql"]
