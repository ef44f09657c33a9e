"""Stage oracles: the best answer F1 a question could still reach if every later stage were perfect.

The stage that loses most is the next one to fix. The scheme is that of the stage-wise recall in Ye et al., "RNG-KBQA"
(2022) and Gu et al., "Don't Generate, Discriminate" (2023), measured in answer F1 instead of in logical forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import Analysis, GraphContext
from kgqa.datatypes import EntityLink, Term
from kgqa.evaluation.metrics import AnswerKey, answer_f1, answer_key, answer_keys, mean
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.pipeline import Trace
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.enumeration import anchors_of
from kgqa.retrieval.paths import PathRetriever

Stage = Literal["link", "retrieve", "enumerate", "prune", "rank", "answer"]
STAGES: tuple[Stage, ...] = ("link", "retrieve", "enumerate", "prune", "rank", "answer")


@dataclass(frozen=True, slots=True)
class StageScores:
    """What one answerable question could still score after each stage, in [0, 1].

    `link` is the share of the gold entities among the candidates of the links, None where no gold links are known.
    `retrieve` is the F1 of exactly those gold answers that the paths, classes or candidates reach. `enumerate` is the
    best F1 of a candidate, `prune` of one that is read, `rank` that of the first reading whatever its confidence, and
    `answer` that of the answers given. From `retrieve` to `rank` no score is above the one before.
    """

    link: float | None
    retrieve: float
    enumerate: float
    prune: float
    rank: float
    answer: float

    @property
    def failed_stage(self) -> Stage | None:
        """The stage that lost most, the earlier of two that lost alike; None where the answers are right.

        What retrieval misses because a gold entity was not linked is the linker's.
        """
        if self.answer >= 1.0:
            return None
        first: Stage = "link" if self.link is not None and self.link < 1.0 and self.retrieve < 1.0 else "retrieve"
        stages: tuple[Stage, ...] = (first, "enumerate", "prune", "rank", "answer")
        after = (self.retrieve, self.enumerate, self.prune, self.rank, self.answer)
        losses = [before - now for before, now in zip((1.0, *after), after, strict=False)]
        return stages[losses.index(max(losses))]

    def to_dict(self) -> dict[str, float | None]:
        """Return the scores by stage."""
        return {stage: getattr(self, stage) for stage in STAGES}

    @classmethod
    def from_dict(cls, told: Mapping[str, float | None]) -> StageScores:
        """Return the scores that `to_dict` wrote. Raises ValueError where a stage is missing."""
        try:
            link, *others = (None if (score := told[stage]) is None else float(score) for stage in STAGES)
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are no stage scores: {told!r}") from error
        if any(score is None for score in others):
            raise ValueError(f"only `link` may be missing of stage scores: {told!r}")
        return cls(link, *(score for score in others if score is not None))


def stage_scores(
    context: GraphContext,
    trace: Trace,
    gold: Sequence[Term],
    gold_entities: Iterable[Term] = (),
) -> StageScores:
    """Return what `trace` could still score after each stage. `gold_entities` are what the gold links name.

    A gold count or truth value is no node of the graph: it counts as retrieved where anything is. Raises ValueError
    where `gold` is empty.
    """
    if not gold:
        raise ValueError("the stages of an unanswerable question have no best answer")
    given = answer_f1([answer.term for answer in trace.prediction.answers], gold)
    if trace.analysis is None:
        return StageScores(None, 0.0, 0.0, 0.0, 0.0, given)
    scorer = _Scorer(context.index, gold)
    scores = {id(c): scorer.f1(c) for c in trace.analysis.candidates}
    best = max(scores.values(), default=0.0)
    read = [scores[id(c)] if id(c) in scores else scorer.f1(c) for c in trace.read]
    return StageScores(
        link=linked_share(trace.analysis.links, gold_entities),
        retrieve=max(best, scorer.reach(_reached(context, trace.analysis))),
        enumerate=best,
        prune=max(read, default=0.0),
        rank=read[0] if read else 0.0,
        answer=given,
    )


def linked_share(links: Iterable[EntityLink], gold_entities: Iterable[Term]) -> float | None:
    """Return the share of the distinct gold entities that are among the links' candidates, None where none is gold."""
    wanted = set(gold_entities)
    if not wanted:
        return None
    found = {candidate.entity for link in links for candidate in link.candidates}
    return len(wanted & found) / len(wanted)


def mean_stages(scores: Sequence[StageScores]) -> StageScores:
    """Return the mean of each stage; `link` over the questions with gold links. Raises ValueError for no questions."""
    linked = [score.link for score in scores if score.link is not None]
    return StageScores(
        mean(linked) if linked else None,
        mean(score.retrieve for score in scores),
        mean(score.enumerate for score in scores),
        mean(score.prune for score in scores),
        mean(score.rank for score in scores),
        mean(score.answer for score in scores),
    )


def _reached(context: GraphContext, analysis: Analysis) -> Ids:
    """Return the nodes at the ends of the retrieved paths, in the named classes and in any candidate, sorted."""
    retriever = PathRetriever(context.index, context.schema)
    parts = [part for c in analysis.candidates for part in (c.result.nodes, c.result.core)]
    for anchor in anchors_of(analysis.links):
        if anchor.kind == "class":
            parts.append(context.index.instances(anchor.node))
        else:
            parts += [path.ends for path in retriever.retrieve(anchor.node, analysis.scores)]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int32)


class _Scorer:
    """Compares results with the gold answers by value, on ids: only literals are decoded, each once.

    The id of an entity is its node's. Literals of one value share an id: below 0 where they are gold, else the node of
    the first of them. What is gold and not in the graph has an id that no node has.
    """

    def __init__(self, index: GraphIndex, gold: Sequence[Term]) -> None:
        self.index = index
        self.gold = tuple(answer_keys(gold))
        self._ids: dict[AnswerKey, int] = {}
        for place, key in enumerate(self.gold):
            node = index.find(str(key[1])) if key[0] == "uri" else -1
            self._ids[key] = node if node >= 0 else -1 - place
        self._literals: dict[int, int] = {}
        self.wanted = np.array(sorted(self._ids.values()), np.int64)

    def f1(self, candidate: Candidate) -> float:
        """Return the F1 of a candidate's answers."""
        result = candidate.result
        if result.truth is not None:
            return self._of_one(("boolean", result.truth))
        if result.count is not None:
            return self._of_one(("number", Decimal(result.count)))
        found = self._canonical(result.nodes)
        return 2 * self._n_common(found) / (len(found) + len(self.gold))

    def reach(self, nodes: Ids) -> float:
        """Return the F1 of the gold answers among `nodes`; a single number or truth value may still be worked out."""
        if len(nodes) and len(self.gold) == 1 and self.gold[0][0] in ("boolean", "number"):
            return 1.0
        n = self._n_common(self._canonical(nodes))
        return 2 * n / (n + len(self.gold))

    def _of_one(self, key: AnswerKey) -> float:
        return 2 / (1 + len(self.gold)) if key in self.gold else 0.0

    def _n_common(self, found: NDArray[np.int64]) -> int:
        return int(np.isin(self.wanted, found).sum())

    def _canonical(self, nodes: Ids) -> NDArray[np.int64]:
        """Return the distinct values of nodes as ids."""
        is_literal = self.index.kind[nodes] == 1
        if not is_literal.any():
            return np.unique(nodes).astype(np.int64)
        literals = [self._literal(node) for node in np.unique(nodes[is_literal]).tolist()]
        return np.unique(np.concatenate((nodes[~is_literal].astype(np.int64), np.array(literals, np.int64))))

    def _literal(self, node: int) -> int:
        if node not in self._literals:
            self._literals[node] = self._ids.setdefault(answer_key(self.index.term(node)), node)
        return self._literals[node]
