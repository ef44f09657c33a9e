"""What a made-up graph teaches: relation texts with the questions that need them, and lines right and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path, Relation, Schema, reverse
from kgqa.index.text import normalize
from kgqa.reasoning.alignment import MAX_PARTS, Parts
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph
from kgqa.training.prepare import CandidateRecord, RelationRecord
from kgqa.training.pseudo_graph import (
    BASE,
    SYMMETRIC,
    Chain,
    FactMaker,
    Laid,
    Names,
    WordedQuestion,
    class_iri,
    predicate_iri,
)
from kgqa.training.vocabularies import Vocabulary

N_LINES = 10
UNANSWERABLE_SHARE = 0.12
QUESTION_FEATURES = np.array([0.0, 0.0, 0.0, 0.6], np.float32)
"""Linked, nothing without a link, something named, a middling best relation: what the pruner would tell."""


@dataclass(frozen=True)
class PseudoGraph:
    """What one made-up graph gives: texts and records for the bi-encoder, records with lines for the reader."""

    texts: list[str]
    n_relations: int
    relations: list[RelationRecord]
    lines: list[CandidateRecord]


def make_graph(
    questions: Sequence[WordedQuestion], vocabulary: Vocabulary, names: Names, *, seed: int, max_siblings: int = 14
) -> PseudoGraph:
    """Return the records of a few dozen questions of one vocabulary, over a graph made for them."""
    rng = np.random.default_rng(seed)
    maker = FactMaker(questions, vocabulary, names, rng, max_siblings)
    laid = maker.lay_out()
    index = GraphIndex.from_triples(maker.triples)
    schema = Schema(index)
    classes = list(index.class_sizes)
    texts = [relation.text for relation in schema.relations] + [index.label(c) for c in classes]
    reader = _Reader(index, schema, vocabulary, texts, classes, rng)
    relations = [found for one in laid if (found := reader.relation_record(one)) is not None]
    lines = [line for one in laid if (line := reader.line_record(one)) is not None]
    return PseudoGraph(texts, len(schema.relations), relations, lines)


class _Reader:
    """Reads the finished graph: query graphs of the questions, relation ids, lines."""

    def __init__(
        self,
        index: GraphIndex,
        schema: Schema,
        vocabulary: Vocabulary,
        texts: Sequence[str],
        classes: Sequence[int],
        rng: np.random.Generator,
    ) -> None:
        self.index, self.schema, self.vocabulary, self.rng = index, schema, vocabulary, rng
        self.linearizer = Linearizer(index, schema)
        self.executor = Executor(index)
        self.classes = {node: len(schema.relations) + place for place, node in enumerate(classes)}
        self.twins: dict[str, list[int]] = {}
        for place, text in enumerate(texts[: len(schema.relations)]):
            self.twins.setdefault(text, []).append(place)

    def relation_record(self, laid: Laid) -> RelationRecord | None:
        """Return which relations and classes a question needs; None where the schema has no such relation."""
        question = laid.question
        paths = [self._path(chain.steps) for chain in question.chains if chain.steps]
        if question.sort:
            paths.append(self._path(question.sort))
        positives: set[int] = set()
        for path in paths:
            for relation in self.linearizer.relations(path):
                if relation is None or not self._has_own_classes(relation, question):
                    return None
                positives |= set(self.twins[relation.text]) | self._same(relation.path)
        class_nodes = {self.index.find(class_iri(label)) for label in question.classes}
        if question.operator in ("list", "count", "superlative"):
            result = self.executor.run(self._query(question, laid.topics))
            class_nodes |= {c for node in result.nodes[:3].tolist() for c in self.index.classes_of(int(node))[:1]}
        wanted = sorted(self.classes[node] for node in class_nodes if node in self.classes)
        return RelationRecord(question.question, tuple(sorted(positives)), tuple(wanted), 1.0, question.split)

    def line_record(self, laid: Laid) -> CandidateRecord | None:
        """Return the question with its right line among wrong ones; None where there is too little to compare."""
        if not laid.readings or self.relation_record(laid) is None:
            return None
        lines: dict[str, float] = {}
        for question, topics in ((laid.question, laid.topics), *laid.readings):
            query = self._query(question, topics)
            result = self.executor.run(query)
            if result.is_empty or (result.count == 0):
                continue
            line = self.linearizer.line(query, result)
            if line.partition(" | ")[0] not in {other.partition(" | ")[0] for other in lines}:
                lines[line] = 0.0 if lines or question is not laid.question else 1.0
        if 1.0 not in lines.values() or len(lines) < 4:
            return None
        (gold,) = (line for line, grade in lines.items() if grade)
        wrong = [line for line in lines if line != gold]
        kept = [wrong[i] for i in self.rng.permutation(len(wrong))[: N_LINES - 1]]
        answerable = bool(self.rng.random() >= UNANSWERABLE_SHARE)
        kept = [*kept, gold] if answerable else kept
        kept = [kept[i] for i in self.rng.permutation(len(kept))]
        n = len(kept)
        question = laid.question
        return CandidateRecord(
            graph="",
            id=question.id,
            question=question.question,
            category=question.operator,
            split=question.split,
            answerable=answerable,
            features=np.zeros((n, 0), np.float32),
            question_features=QUESTION_FEATURES,
            parts=Parts(np.full((n, MAX_PARTS), -1, np.int16), np.zeros(n, np.int16), ((),)),
            grades=np.array([lines[line] for line in kept], np.float32),
            lines=tuple(kept),
            outcomes=tuple(range(n)),
        )

    def _has_own_classes(self, relation: Relation, question: WordedQuestion) -> bool:
        """Whether the classes that the small graph shows for a relation are the predicate's own or asked for.

        Where the schema does not tell a predicate's classes, those of another question's answers may come up.
        """
        known = {*question.classes, ""}
        for predicate, _ in relation.path:
            key = self.index.text_of(int(self.index.pred_terms[predicate])).removeprefix(BASE + "p/")
            told = self.vocabulary.properties[key]
            known |= {told.domain, told.range}
        return relation.start_class in known and relation.end_class in known

    def _path(self, steps: Sequence[tuple[str, bool]]) -> Path:
        return tuple((self.index.predicate_id(predicate_iri(key)), inverse) for key, inverse in steps)

    def _same(self, path: Path) -> set[int]:
        """Return relations that say the same: the reverse predicate walked the other way, a symmetric one back."""
        if len(path) != 1:
            return set()
        predicate, inverse = path[0]
        key = self.index.text_of(int(self.index.pred_terms[predicate])).removeprefix(BASE + "p/")
        found: set[int] = set()
        back = self.vocabulary.reverses.get(key)
        if back:
            other = self.index.predicate_id(predicate_iri(back))
            relation = self.schema.by_path.get(((other, not inverse),)) if other >= 0 else None
            found |= {relation.id} if relation is not None else set()
        told = self.vocabulary.properties.get(key)
        if told is not None and told.domain == told.range and set(normalize(told.label).split()) & SYMMETRIC:
            relation = self.schema.by_path.get(((predicate, not inverse),))
            found |= {relation.id} if relation is not None else set()
        return found

    def _query(self, question: WordedQuestion, topics: Sequence[str]) -> QueryGraph:
        nodes = [self.index.find(topic) for topic in topics]
        if question.operator == "ask":
            path = self._path(question.chains[0].steps)
            return QueryGraph("ask", (Constraint("node", path, (nodes[1],)),), among=(nodes[0],))
        chains, projection = _joined(question.chains)
        constraints = [
            Constraint("node", reverse(self._path(chain.steps)), (node,))
            for chain, node in zip(chains, nodes, strict=False)
        ]
        classes = [self.index.find(class_iri(label)) for label in question.classes]
        constraints += [Constraint("class", (), (node,)) for node in classes if node >= 0 and not projection]
        return QueryGraph(
            question.operator, tuple(constraints), projection=self._path(projection), sort=self._path(question.sort),
            descending=question.descending,
        )  # fmt: skip


def _joined(chains: tuple[Chain, ...]) -> tuple[tuple[Chain, ...], tuple[tuple[str, bool], ...]]:
    """Return chains that meet before the answer cut off where they meet, and the steps from there to the answer."""
    projection: tuple[tuple[str, bool], ...] = ()
    while len(chains) > 1 and all(len(chain.steps) > 1 for chain in chains):
        ends = {(chain.steps[-1], chain.joints[-1]) for chain in chains}
        if len(ends) > 1 or not chains[0].joints[-1] or chains[0].mediated[-1]:
            break
        projection = (chains[0].steps[-1], *projection)
        chains = tuple(Chain(c.topic, c.steps[:-1], c.mediated[:-1], c.joints[:-1]) for c in chains)
    return chains, projection
