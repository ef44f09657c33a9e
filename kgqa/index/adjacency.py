"""Who is connected to whom, by what: following edges from one node or a million, over sorted arrays.

Layout after the compressed sparse rows of Saad, "Iterative Methods for Sparse Linear Systems", section 3.4.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kgqa.index.arrays import EMPTY, Array, Ids, distinct, fetch_rows, ranges, sort_rows

_FEW = 48  # up to so many nodes a loop over rows is quicker than whole-array operations
_LONG_ROW, _MAX_LONG_ROWS = 64, 256
_Side = tuple["memoryview[int]", "memoryview[int]", NDArray[np.int64], Ids, Ids]
"""Row starts and predicates for single look-ups, then row starts, predicates and ends as arrays."""


class Adjacency:
    """The triples by subject, by object and by predicate. Predicates are dense ids.

    A row holds the edges of a node, sorted by predicate, then end. Of the long rows of hubs, such as a class or a
    country, only the part of one predicate is ever read.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.n_terms = len(arrays["kind"])
        self.out_start, self.out_p, self.out_o = arrays["out_start"], arrays["out_p"], arrays["out_o"]
        self.in_start, self.in_p, self.in_s = arrays["in_start"], arrays["in_p"], arrays["in_s"]
        self.pred_start, self.pred_s, self.pred_o = arrays["pred_start"], arrays["pred_s"], arrays["pred_o"]
        # Single numbers are read from memory views, which is several times quicker than from arrays.
        self._sides: tuple[_Side, _Side] = (
            (self.out_start.data, self.out_p.data, self.out_start, self.out_p, self.out_o),
            (self.in_start.data, self.in_p.data, self.in_start, self.in_p, self.in_s),
        )

    def pairs(self, predicate: int) -> tuple[Ids, Ids]:
        """Return (subjects, objects) of a predicate's triples, sorted by subject. Shapes: (n,), (n,)."""
        a, b = int(self.pred_start[predicate]), int(self.pred_start[predicate + 1])
        return self.pred_s[a:b], self.pred_o[a:b]

    def follow(self, nodes: Ids, predicate: int, *, inverse: bool = False) -> Ids:
        """Return the distinct ends of `predicate` from any of `nodes`, sorted. Shape in: (n,), out: (m,)."""
        if len(nodes) == 1:
            return self.row(int(nodes[0]), predicate, inverse)
        if len(nodes) > _FEW:
            return self.distinct(self._hop(nodes, None, predicate, inverse, in_order=False)[1])
        found = [row for node in nodes.tolist() if len(row := self.row(node, predicate, inverse))]
        if not found:
            return EMPTY
        return found[0] if len(found) == 1 else distinct(np.concatenate(found))

    def follow_path(self, nodes: Ids, path: Sequence[tuple[int, bool]]) -> Ids:
        """Return the distinct ends of a path of (predicate, inverse) steps from `nodes`, sorted."""
        for predicate, inverse in path:
            nodes = self.follow(nodes, predicate, inverse=inverse)
        return nodes

    def edges(self, nodes: Ids, path: Sequence[tuple[int, bool]]) -> tuple[Ids, Ids]:
        """Return the distinct (start, end) pairs that `path` joins, with start in `nodes`. Shapes: (m,), (m,)."""
        starts = ends = nodes if bool((nodes[1:] > nodes[:-1]).all()) else distinct(nodes)
        for place, (predicate, inverse) in enumerate(path):
            starts, ends = self._hop(ends, starts if place else None, predicate, inverse)
            if place and len(starts):
                starts, ends = sort_rows((starts, ends), (self.n_terms, self.n_terms))
        return starts, ends

    def out_row(self, node: int) -> tuple[Ids, Ids]:
        """Return (predicates, objects) of a subject's triples, sorted. Shapes: (n,), (n,)."""
        a, b = int(self.out_start[node]), int(self.out_start[node + 1])
        return self.out_p[a:b], self.out_o[a:b]

    def in_row(self, node: int) -> tuple[Ids, Ids]:
        """Return (predicates, subjects) of an object's triples, sorted. Shapes: (n,), (n,)."""
        a, b = int(self.in_start[node]), int(self.in_start[node + 1])
        return self.in_p[a:b], self.in_s[a:b]

    def neighbors(self, nodes: Ids, *, inverse: bool = False, max_edges: int | None = None) -> tuple[Ids, Ids, Ids]:
        """Return (node, predicate, end) of every edge that leaves (or enters) `nodes`, the first `max_edges` of them.

        Shapes: (m,), (m,), (m,).
        """
        _, _, start, preds, ends = self._sides[inverse]
        firsts, lasts = start.take(nodes), start.take(np.add(nodes, 1))
        counts = lasts - firsts
        if max_edges is not None:
            counts = np.diff(np.minimum(np.cumsum(counts), max_edges), prepend=0)
        fetch_rows(preds, firsts, lasts)
        fetch_rows(ends, firsts, lasts)
        rows = ranges(firsts, counts)
        return np.repeat(nodes, counts), preds.take(rows), ends.take(rows)

    def row(self, node: int, predicate: int, inverse: bool = False) -> Ids:
        """Return the ends of `predicate` from one node, sorted: a slice of the stored array. Shape: (n,)."""
        start, preds, _, _, ends = self._sides[inverse]
        end = start[node + 1]
        left = bisect_left(preds, predicate, start[node], end)
        if left == end or preds[left] != predicate:
            return EMPTY
        return ends[left : bisect_right(preds, predicate, left, end)]

    def _hop(
        self, nodes: Ids, origins: Ids | None, predicate: int, inverse: bool, *, in_order: bool = True
    ) -> tuple[Ids, Ids]:
        """Return (origin, end) for every edge of `predicate` from `nodes`; nodes are their own origins if None.

        Without origins, and not `in_order`, the edges come in any order. Rows are read where that is less work than
        scanning the predicate's triples; of long rows, which hubs have, only the part of the predicate is.
        """
        if len(nodes) <= _FEW:
            if len(nodes) == 0:
                return EMPTY, EMPTY
            rows = [self.row(node, predicate, inverse) for node in nodes.tolist()]
            return np.repeat(nodes if origins is None else origins, list(map(len, rows))), np.concatenate(rows)
        single_start, single_preds, start, preds, ends = self._sides[inverse]
        firsts, lasts = start.take(nodes), start.take(np.add(nodes, 1))
        counts = lasts - firsts
        long_rows = np.flatnonzero(counts > _LONG_ROW)
        if len(long_rows) <= _MAX_LONG_ROWS:
            for place in long_rows.tolist():
                node = int(nodes[place])
                end = single_start[node + 1]
                firsts[place] = left = bisect_left(single_preds, predicate, single_start[node], end)
                counts[place] = bisect_right(single_preds, predicate, left, end) - left
        n_triples = int(self.pred_start[predicate + 1] - self.pred_start[predicate])
        if 5 * int(counts.sum()) > n_triples + self.n_terms // 16:
            return self._scan(nodes, origins, predicate, inverse, in_order=in_order)
        fetch_rows(preds, firsts, lasts)
        read = ranges(firsts, counts)
        hits = np.flatnonzero(preds.take(read) == predicate)
        return np.repeat(nodes if origins is None else origins, counts).take(hits), ends.take(read.take(hits))

    def _scan(
        self, nodes: Ids, origins: Ids | None, predicate: int, inverse: bool, *, in_order: bool
    ) -> tuple[Ids, Ids]:
        left, right = self.pairs(predicate)
        if inverse:
            left, right = right, left
        wanted = np.zeros(self.n_terms, np.bool_)
        wanted[nodes] = True
        kept = np.flatnonzero(wanted[left])
        left, right = left[kept], right[kept]
        if inverse and in_order:
            left, right = sort_rows((left, right), (self.n_terms, self.n_terms))
        if origins is None:
            return left, right
        firsts = np.searchsorted(left, nodes)
        counts = np.searchsorted(left, nodes, "right") - firsts
        return np.repeat(origins, counts), right[ranges(firsts, counts)]

    def distinct(self, nodes: Ids) -> Ids:
        """Return the distinct nodes, sorted."""
        if len(nodes) * 8 < self.n_terms:
            return distinct(nodes)
        present = np.zeros(self.n_terms, np.bool_)
        present[nodes] = True
        return np.flatnonzero(present).astype(np.int32)

    def row_of(self, subject: int, predicate: int, obj: int) -> int:
        """Return the place of a triple in the order of subject, predicate and object, or -1."""
        if min(subject, predicate, obj) < 0:
            return -1
        start, preds, _, _, ends = self._sides[False]
        a, b = start[subject], start[subject + 1]
        a, b = bisect_left(preds, predicate, a, b), bisect_right(preds, predicate, a, b)
        place = a + int(ends[a:b].searchsorted(obj))
        return place if place < b and int(ends[place]) == obj else -1

    def has_edge(self, subject: int, predicate: int, obj: int) -> bool:
        """Return whether the graph states this triple."""
        return self.row_of(subject, predicate, obj) >= 0

    def degree(self, node: int) -> int:
        """Return how many triples have this node as subject or object."""
        (out, *_), (into, *_) = self._sides
        return int(out[node + 1] - out[node] + into[node + 1] - into[node])
