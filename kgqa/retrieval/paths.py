"""The path retriever: a beam over relations that read like the question, from each topic entity, in both directions.

The beam follows Zhang et al., "Subgraph Retrieval Enhanced Model for Multi-hop KBQA" (SR, 2022), section 4.1, with
one difference: pruning is
local to each frontier, which keeps what a global cut loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import ENTITY, TEXT, Path, Relation, Schema, reverse

N_FIRST, N_SECOND, N_THIRD = 9, 6, 4
N_THIRD_FRONTIERS = 14
MAX_FRONTIER = 20_000


@dataclass(frozen=True, slots=True)
class AnchoredPath:
    """A path from a topic node, the relations it is made of, and the nodes it ends in.

    `score` is the mean of its relations' scores.
    """

    anchor: int
    relations: tuple[Relation, ...]
    path: Path
    ends: Ids
    score: float

    @property
    def back(self) -> Path:
        """The path walked from its ends to the anchor."""
        return reverse(self.path)

    @property
    def ends_in_value(self) -> bool:
        """Whether the path ends in literals, from which it cannot go on."""
        return self.relations[-1].end_kind != ENTITY


class PathRetriever:
    """Retrieves paths of up to `max_hops` relations."""

    def __init__(self, index: GraphIndex, schema: Schema, *, max_hops: int = 3) -> None:
        self.index, self.schema, self.max_hops = index, schema, max_hops

    def retrieve(self, anchor: int, scores: NDArray[np.float32]) -> list[AnchoredPath]:
        """Return the paths from one node, those of the first hop first. `scores` holds one number a relation of the
        schema."""
        start = np.array([anchor], np.int32)
        first = self._extend(anchor, (), (), start, scores, N_FIRST)
        found = list(first)
        frontier = first
        for hop in range(2, self.max_hops + 1):
            if hop > 2:
                frontier = sorted(frontier, key=lambda p: -p.score)[:N_THIRD_FRONTIERS]
            width = N_SECOND if hop == 2 else N_THIRD
            longer: list[AnchoredPath] = []
            for path in frontier:
                if not path.ends_in_value and len(path.ends) <= MAX_FRONTIER:
                    longer += self._extend(anchor, path.relations, path.path, path.ends, scores, width)
            found += longer
            frontier = longer
        return found

    def _extend(
        self,
        anchor: int,
        relations: tuple[Relation, ...],
        path: Path,
        frontier: Ids,
        scores: NDArray[np.float32],
        width: int,
    ) -> list[AnchoredPath]:
        leaving = sorted(self.schema.leaving(frontier), key=lambda r: (-float(scores[r.id]), r.id))
        found: list[AnchoredPath] = []
        total = sum(float(scores[r.id]) for r in relations)
        for relation in leaving:
            if len(found) == width:
                break
            going_back = bool(relations) and relation.path == reverse(relations[-1].path)
            if going_back and relation.fan_out <= 1.0:
                continue
            ends = self.index.follow_path(frontier, relation.path)
            if going_back:
                ends = ends[ends != anchor] if len(relations) == 1 else ends
            if len(ends) == 0:
                continue
            mean = (total + float(scores[relation.id])) / (len(relations) + 1)
            found.append(AnchoredPath(anchor, (*relations, relation), path + relation.path, ends, mean))
        return found


def best_relations(
    relations: Sequence[Relation], scores: NDArray[np.float32], kinds: frozenset[int], n: int
) -> list[Relation]:
    """Return the `n` best scored relations whose ends are of one of `kinds`."""
    allowed = [relation for relation in relations if relation.end_kind in kinds]
    return sorted(allowed, key=lambda r: (-float(scores[r.id]), r.id))[:n]


__all__ = ["AnchoredPath", "PathRetriever", "best_relations", "ENTITY", "TEXT"]
