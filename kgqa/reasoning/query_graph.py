"""Query graphs over node ids, and their execution on the graph index.

A query graph has one core variable ?x under constraints, an optional projection from ?x to the answer, and an
operator. The
form follows the s-expressions of Gu et al., "Beyond I.I.D." (GrailQA, 2021), section 4, kept flat so that it stays
readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import XSD, Operator, ValueRange
from kgqa.index.arrays import distinct, intersect, is_member, run_starts
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import Path, reverse
from kgqa.index.values import BOOLEAN, DATE, NUMBER

DURATIONS = tuple(XSD + name for name in ("duration", "dayTimeDuration", "yearMonthDuration"))
ConstraintKind = Literal["node", "class", "range", "truth", "exists", "count", "not", "missing"]
_EMPTY: Ids = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition on ?x, read along `path` from ?x outwards.

    `node`: the path ends in one of `nodes`. `class`: ?x is an instance of `nodes[0]`. `range`: the path ends in a
    value within
    `range`. `not`: the path does not end in any of `nodes`. `missing`: the path ends nowhere. `truth`: the path ends
    in the boolean `truth`. `exists`: the path ends anywhere. `count`: the number of distinct path ends lies within
    `range`.
    """

    kind: ConstraintKind
    path: Path = ()
    nodes: tuple[int, ...] = ()
    range: ValueRange | None = None
    truth: bool = True


@dataclass(frozen=True, slots=True)
class QueryGraph:
    """An executable reading of a question. Two equal query graphs have the same answers.

    `among` restricts ?x to named entities (the compared ones, or the subject of a yes/no question). `sort` orders ?x
    by the value its path ends in, or by the
    number of distinct ends if `sort_by_count`. `rank` (from 1) and `n_best` select from the distinct sort values and
    the ordered list. For
    `ask`: with `sort` and two entities in `among`, whether the first's value is the greater (`descending`) or the
    smaller; with `shared`, whether they have a path end in common;
    otherwise whether anything satisfies the constraints.
    """

    operator: Operator
    constraints: tuple[Constraint, ...] = ()
    projection: Path = ()
    exclude: tuple[int, ...] = ()
    among: tuple[int, ...] = ()
    sort: Path = ()
    sort_by_count: bool = False
    descending: bool = True
    rank: int = 1
    n_best: int | None = None
    shared: Path = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a query graph returns: nodes (in order where the query orders them), or a number, or a truth value.

    `core` holds the bindings of ?x, `values` the sort value of each node in `nodes` where there is one.
    """

    nodes: Ids
    core: Ids
    count: int | None = None
    truth: bool | None = None
    values: tuple[float, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer with; a count of 0 and a "no" are answers."""
        return self.truth is None and self.count is None and len(self.nodes) == 0


class Remembered:
    """Results that depend on no name in a question, such as the longest of all rivers, for the questions to come.

    The longest unused go where all take more than `max_bytes`, counted as if no two shared an array. Threads may share
    one.
    """

    def __init__(self, max_bytes: int = 1 << 28) -> None:
        self.max_bytes = max_bytes
        self._results: dict[QueryGraph, Result] = {}
        self._n_bytes = 0
        self._lock = Lock()

    def get(self, query: QueryGraph) -> Result | None:
        """Return the result of a query graph, if it is known."""
        with self._lock:
            result = self._results.pop(query, None)
            if result is not None:
                self._results[query] = result
            return result

    def keep(self, query: QueryGraph, result: Result) -> None:
        """Remember the result of a query graph, if it is one of those that do not depend on a name."""
        if query.among or query.exclude or any(c.kind in ("node", "not") for c in query.constraints):
            return
        with self._lock:
            if query not in self._results:
                self._results[query] = result
                self._n_bytes += _n_bytes(result)
            while self._n_bytes > self.max_bytes:
                self._n_bytes -= _n_bytes(self._results.pop(next(iter(self._results))))


def _n_bytes(result: Result) -> int:
    return 1024 + result.nodes.nbytes + result.core.nbytes + 32 * len(result.values)


class Executor:
    """Executes query graphs over one index; path sets are remembered while it lives (one question).

    What all questions may share is in `remembered`.
    """

    def __init__(self, index: GraphIndex, remembered: Remembered | None = None) -> None:
        self.index = index
        self._remembered = remembered or Remembered()
        self._sets: dict[Constraint, Ids] = {}
        self._cores: dict[tuple[tuple[Constraint, ...], tuple[int, ...]], Ids] = {}
        self._sorts: dict[tuple[object, ...], tuple[Ids, NDArray[np.float64]]] = {}

    def run(self, query: QueryGraph) -> Result:
        """Return the result of `query`."""
        result = self._remembered.get(query)
        if result is None:
            result = self._run(query)
            self._remembered.keep(query, result)
        elif query.operator == "list":
            self._cores[(query.constraints, query.among)] = result.core
        return result

    def _run(self, query: QueryGraph) -> Result:
        if query.operator == "ask":
            return Result(_EMPTY, self.core(query), truth=self._ask(query))
        core = self.core(query)
        if query.operator in ("superlative", "order", "compare"):
            if not query.projection:
                core = self._visible(core, ())
            nodes, values = self._sorted(query, core)
            if query.projection:
                nodes = self._visible(self.index.follow_path(distinct(nodes), query.projection), query.exclude)
                return Result(nodes, core)
            return Result(nodes, core, values=tuple(values.tolist()))
        answers = self._visible(self.index.follow_path(core, query.projection), query.exclude)
        if query.operator == "count":
            return Result(answers, core, count=len(answers))
        return Result(answers, core)

    def core(self, query: QueryGraph) -> Ids:
        """Return the bindings of ?x, sorted: what satisfies every constraint. Without constraints, `among`."""
        key = (query.constraints, query.among)
        if key not in self._cores:
            self._cores[key] = self._core(query)
        return self._cores[key]

    def _core(self, query: QueryGraph) -> Ids:
        nodes: Ids | None = np.array(sorted(query.among), np.int32) if query.among else None
        late = []
        for constraint in query.constraints:
            if constraint.kind not in ("node", "class"):
                late.append(constraint)
                continue
            found = self.satisfying(constraint)
            nodes = found if nodes is None else intersect(nodes, found)
            if len(nodes) == 0:
                return nodes
        for constraint in late:
            nodes = self._filter(nodes, constraint)
        return nodes if nodes is not None else _EMPTY

    def remember(self, constraint: Constraint, nodes: Ids) -> None:
        """Take over the nodes that satisfy a `node` constraint, sorted, where they are known already."""
        self._sets.setdefault(constraint, nodes)

    def satisfying(self, constraint: Constraint) -> Ids:
        """Return every node that satisfies a `node` or `class` constraint."""
        if constraint not in self._sets:
            if constraint.kind == "class":
                found = self.index.instances(constraint.nodes[0])
            else:
                ends = np.array(sorted(constraint.nodes), np.int32)
                found = self.index.follow_path(ends, reverse(constraint.path))
            self._sets[constraint] = found
        return self._sets[constraint]

    def _filter(self, nodes: Ids | None, constraint: Constraint) -> Ids:
        index = self.index
        if nodes is None:
            predicate, inverse = constraint.path[0]
            a, b = int(index.pred_start[predicate]), int(index.pred_start[predicate + 1])
            nodes = index.adjacency.distinct((index.pred_o if inverse else index.pred_s)[a:b])
        if constraint.kind == "not":
            found = index.follow_path(np.array(sorted(constraint.nodes), np.int32), reverse(constraint.path))
            return nodes[~is_member(nodes, found)]
        if constraint.kind == "missing":
            return nodes[~self._having(nodes, constraint.path)]
        if constraint.kind == "exists":
            return nodes[self._having(nodes, constraint.path)]
        starts, ends = index.edges(nodes, constraint.path)
        if constraint.kind == "truth":
            kept = (index.value_kind[ends] == BOOLEAN) & (index.value[ends] == float(constraint.truth))
            return _in_order(starts[kept])
        assert constraint.range is not None
        if constraint.kind == "count":
            nodes, counts = _counted(starts)
            return nodes[_within(constraint.range, counts)]
        wanted = NUMBER if constraint.range.kind == "number" else DATE
        kept = (index.value_kind[ends] == wanted) & _within(constraint.range, index.value[ends])
        if self._durations:
            kept &= ~np.isin(index.datatype[ends], self._durations)
        return _in_order(starts[kept])

    def _having(self, nodes: Ids, path: Path) -> NDArray[np.bool_]:
        """Return for each node whether `path` ends anywhere. Shape: (n_nodes,)."""
        if len(path) == 1:
            return self.index.having(nodes, path[0][0], inverse=path[0][1])
        return is_member(nodes, self.index.edges(nodes, path)[0])

    @cached_property
    def _durations(self) -> list[int]:
        """The datatypes of durations, which a bare number cannot be compared with: 90 of what?"""
        return [place for place, name in enumerate(self.index.datatypes) if name in DURATIONS]

    def sort_values(self, core: Ids, path: Path, *, by_count: bool) -> tuple[Ids, NDArray[np.float64]]:
        """Return the (node, value) pairs to sort by: each node's distinct values, or its number of distinct ends.

        Where a predicate has both numbers and dates, only those of its `value_kind_of` are compared.
        """
        starts, ends = self.index.edges(core, path)
        if by_count:
            return _counted(starts)
        keep = self.index.value_kind[ends] == self.index.value_kind_of(path[-1][0])
        return starts[keep], self.index.value[ends[keep]]

    def _sorted(self, query: QueryGraph, core: Ids) -> tuple[Ids, NDArray[np.float64]]:
        key = (query.constraints, query.among, bool(query.projection), query.sort, query.sort_by_count)
        if key not in self._sorts:
            self._sorts[key] = self.sort_values(core, query.sort, by_count=query.sort_by_count)
        nodes, values = self._sorts[key]
        if len(nodes) == 0:
            return nodes, values
        if query.operator == "order":
            firsts = run_starts(nodes)
            best = (np.maximum if query.descending else np.minimum).reduceat(values, firsts)
            order = _first(-best if query.descending else best, query.n_best)
            return nodes[firsts[order]], best[order]
        if query.rank == 1:
            wanted = values.max() if query.descending else values.min()
        else:
            ranks = np.unique(values)
            if query.rank > len(ranks):
                return _EMPTY, values[:0]
            wanted = ranks[-query.rank] if query.descending else ranks[query.rank - 1]
        best = _in_order(nodes[values == wanted])  # 3 and 3.0 are two ends of one value
        return best, np.full(len(best), wanted)

    def _ask(self, query: QueryGraph) -> bool:
        if query.shared:
            ends = [self.index.follow_path(np.array([node], np.int32), query.shared) for node in query.among]
            return len(intersect(ends[0], ends[1])) > 0
        if query.sort:
            first, second = (self._best_value(node, query) for node in query.among[:2])
            if first is None or second is None:
                return False
            return first > second if query.descending else first < second
        return len(self.core(query)) > 0

    def _best_value(self, node: int, query: QueryGraph) -> float | None:
        _, values = self.sort_values(np.array([node], np.int32), query.sort, by_count=query.sort_by_count)
        if len(values) == 0:
            return 0.0 if query.sort_by_count else None
        return float(values.max() if query.descending else values.min())

    def _visible(self, nodes: Ids, exclude: tuple[int, ...]) -> Ids:
        """Drop blank nodes, which are never answers, and what the question excludes. `nodes` are sorted."""
        nodes = self.index.named(nodes)
        return nodes[~np.isin(nodes, exclude)] if exclude else nodes


def _in_order(nodes: Ids) -> Ids:
    """Return the distinct members of a sorted array."""
    return nodes[run_starts(nodes)]


def _counted(nodes: Ids) -> tuple[Ids, NDArray[np.float64]]:
    """Return the distinct members of a sorted array, and how often each occurs."""
    firsts = run_starts(nodes)
    return nodes[firsts], np.diff(firsts, append=len(nodes)).astype(np.float64)


def _first(keys: NDArray[np.float64], n: int | None) -> NDArray[np.int64]:
    """Return the places of the `n` smallest keys (of all if None) in order, the first place first among equals."""
    if n is None or n >= len(keys):
        return np.argsort(keys, kind="stable")
    near = np.flatnonzero(keys <= np.partition(keys, n - 1)[n - 1])
    return near[np.argsort(keys[near], kind="stable")][:n]


def _within(span: ValueRange, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each value whether it lies in the range; NaN never does. Shapes: (n,), (n,)."""
    inside = ~np.isnan(values)
    if span.low is not None:
        inside &= values >= span.low if span.low_inclusive else values > span.low
    if span.high is not None:
        inside &= values <= span.high if span.high_inclusive else values < span.high
    return inside
