"""Composes the stages: link, retrieve, enumerate, prune, read, answer.

`Pipeline.load("world")` opens a graph and the shipped model; the pipeline is then a function from a question to a
`Prediction`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import Analysis, GraphContext, analyze, features_of, link_in_english, links_in, outcome_key
from kgqa.datatypes import (
    XSD_BOOLEAN,
    XSD_INTEGER,
    Answer,
    EntityLink,
    Fact,
    Prediction,
    Question,
    Reading,
    Reason,
    Subgraph,
    literal,
)
from kgqa.index.schema import reverse
from kgqa.index.text import tokenize
from kgqa.linking.linker import LabelEntityLinker
from kgqa.linking.words import FUNCTION_WORDS
from kgqa.protocols import EntityLinker
from kgqa.reasoning.alignment import QuestionTokens
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.evidence import EvidenceFinder
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.sparql import to_sparql

if TYPE_CHECKING:
    from kgqa.reasoning.model import Model
    from kgqa.stores.catalog import GraphSource, LoadedGraph

MAX_QUESTION_CHARACTERS = 2000
N_READINGS = 6
N_WITH_EVIDENCE = 50
MAX_SUBGRAPH_FACTS = 120
RELATION_FITS = 0.45
NULL_LINE = "the graph does not say"


@dataclass(frozen=True)
class Trace:
    """A prediction with its analysis and the candidates that were read, best first; both missing where the question was
    invalid."""

    prediction: Prediction
    analysis: Analysis | None = None
    read: tuple[Candidate, ...] = ()


class Pipeline:
    """Answers questions over one graph. Call it with a question, or use `answer` and `answer_batch`.

    `threshold` is the confidence under which the pipeline abstains; by default the one the model was calibrated with.
    """

    def __init__(
        self,
        graph: LoadedGraph,
        model: Model,
        *,
        threshold: float | None = None,
        context: GraphContext | None = None,
    ) -> None:
        self.graph, self.model = graph, model
        self.threshold = float(model.checkpoint.config.get("threshold", 0.3)) if threshold is None else threshold
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold {self.threshold} is not between 0 and 1")
        self.context = context or GraphContext.of(graph.index)
        self.linearizer = Linearizer(graph.index, self.context.schema)
        self.evidence = EvidenceFinder(graph.index)

    @classmethod
    def load(
        cls,
        graph: GraphSource = "world",
        *,
        model: Path | None = None,
        threshold: float | None = None,
        n_threads: int = 1,
    ) -> Pipeline:
        """Open a graph and a model folder, the shipped one by default. Raises KGQAError.

        The graph is a name, a file, several of them, the address of a SPARQL endpoint, or a `LoadedGraph` or rdflib
        graph that the caller holds.
        """
        from kgqa.reasoning.model import Model, shipped_model
        from kgqa.stores.catalog import open_graph

        if isinstance(graph, str) and "://" in graph:
            graph = [graph]
        if isinstance(graph, Sequence) and any("://" in str(name) for name in graph):
            from kgqa.remote.pipeline import RemotePipeline

            names = [str(name) for name in graph]
            return RemotePipeline.open(names, model or shipped_model(), threshold=threshold, n_threads=n_threads)
        return cls(open_graph(graph), Model.load(model or shipped_model(), n_threads=n_threads), threshold=threshold)

    @cached_property
    def linker(self) -> EntityLinker:
        """The spaCy entity linker over this graph's labels."""
        from kgqa.linking.spacy_pipeline import SpacyEntityLinker

        return SpacyEntityLinker(LabelEntityLinker(self.graph.index, self.context.labels, self.model.known_words))

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The bi-encoder's vectors of the schema's texts, kept in the graph's folder. Shape: (n_texts, hidden)."""
        texts = self.context.texts()
        told = hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:8]
        path = self.graph.folder / f"vectors-{self.model.checkpoint.digest()}-{told}.npy"
        try:
            stored = np.load(path, allow_pickle=False)
            if stored.shape[0] == len(texts):
                return np.asarray(stored, np.float32)
        except (OSError, ValueError):
            pass
        made = self.model.encode(texts)
        _save_beside(path, made)
        return made

    def __call__(self, text: str) -> Prediction:
        """Return the prediction for one question."""
        return self.answer(Question(text))

    def answer_batch(self, questions: Iterable[Question]) -> Iterable[Prediction]:
        """Yield the predictions in the order of the questions."""
        for question in questions:
            yield self.answer(question)

    def answer(self, question: Question, *, links: tuple[EntityLink, ...] | None = None) -> Prediction:
        """Return the prediction for one question. An empty or overlong question is abstained from, not an error.

        With `links`, the question is read with these instead of the linker's own.
        """
        return self.trace(question, links=links).prediction

    def trace(self, question: Question, *, links: tuple[EntityLink, ...] | None = None) -> Trace:
        """Return the prediction of `answer` together with what each stage handed on."""
        text = " ".join(question.text.split())
        if not any(char.isalnum() for char in text) or len(text) > MAX_QUESTION_CHARACTERS:
            return Trace(Prediction(question, "not_found", "invalid_question"))
        clock = _Clock()
        asked = text
        if links is None:
            text, links = link_in_english(self.context, self.linker, asked, self.model.known_words)
        clock.lap("link")
        if not links and all(word in FUNCTION_WORDS for _, _, word in tokenize(text)):
            return Trace(Prediction(question, "not_found", "nothing_linked", timings_ms=clock.laps))
        analysis, ranked = self._read(text, links, clock)
        prediction = self._decide(question, analysis, ranked)
        if text != asked:
            prediction = replace(prediction, links=links_in(asked, links))
        clock.lap("answer")
        return Trace(replace(prediction, timings_ms=clock.laps), analysis, tuple(ranked.candidates))

    def _read(
        self, text: str, links: tuple[EntityLink, ...], clock: _Clock, candidates: Sequence[Candidate] | None = None
    ) -> tuple[Analysis, _Ranked]:
        """Encode, retrieve, enumerate and rank; or rank `candidates`, where they are known already."""
        encoded = self.model.encode_question(text)
        clock.lap("encode")
        analysis = analyze(self.context, text, links, self.vectors @ encoded.vector, candidates=candidates)
        clock.lap("retrieve")
        ranked = self._rank(analysis, encoded)
        clock.lap("read")
        return analysis, ranked

    def _rank(self, analysis: Analysis, encoded: QuestionTokens) -> _Ranked:
        """Prune, read, and mix: probabilities over the read candidates and "the graph does not say"."""
        from kgqa.reasoning.model import null_logit, worth_reading

        features, question_features, _ = features_of(
            self.context, analysis, encoded, self.vectors, self.model.checkpoint.ranker
        )
        priors = self.model.prune_scores(features)
        places = worth_reading(priors)
        chosen = [analysis.candidates[i] for i in places.tolist()]
        lines = [self.linearizer.line(c.query, c.result) for c in chosen]
        weights = self.model.checkpoint.ranker
        read = self.model.score(analysis.text, [*lines, NULL_LINE])
        prior = priors[places]
        logits = read[:-1] + float(weights["prior_weight"][0]) * prior
        null = null_logit(weights, float(read[-1]), question_features, prior)
        together = np.append(logits, null)
        shifted = np.exp(together - together.max())
        probabilities = shifted / shifted.sum()
        order = np.argsort(-logits, kind="stable")
        return _Ranked(
            [chosen[i] for i in order], probabilities[:-1][order], float(probabilities[-1]), question_features
        )

    def _decide(self, question: Question, analysis: Analysis, ranked: _Ranked) -> Prediction:
        readings = tuple(
            self._reading(candidate, float(p))
            for candidate, p in zip(ranked.candidates[:N_READINGS], ranked.probabilities, strict=False)
        )
        if not ranked.candidates:
            return Prediction(question, "not_found", self._reason(analysis, None), links=analysis.links)
        best = ranked.candidates[0]
        confidence = self._confidence(ranked)
        prediction = Prediction(
            question, "not_found", "not_sure", confidence=confidence, links=analysis.links, readings=readings
        )
        if _ignores_a_name(best, analysis):
            return replace(prediction, reason="nothing_linked")
        if confidence < self.threshold:
            return replace(prediction, reason=self._reason(analysis, ranked))
        answers = self._answers(best, confidence)
        evidence = self.evidence.of_result(best.query, best.result)
        return replace(
            prediction,
            status="answered",
            reason="",
            answers=answers,
            sparql=readings[0].sparql,
            evidence=evidence,
            subgraph=self._subgraph(best, evidence, analysis),
        )

    def _confidence(self, ranked: _Ranked) -> float:
        """Return the calibrated probability that the first reading is right: logistic in the reader's own probability.

        Readings that give the same answers are counted together.
        """
        best = outcome_key(ranked.candidates[0])
        same = sum(
            float(p)
            for candidate, p in zip(ranked.candidates, ranked.probabilities, strict=True)
            if outcome_key(candidate) == best
        )
        weights = self.model.checkpoint.ranker["calibration"]
        told = calibration_features(same, ranked.null, ranked.question_features)
        return float(1.0 / (1.0 + np.exp(-float(weights[:-1] @ told) - float(weights[-1]))))

    def _reason(self, analysis: Analysis, ranked: _Ranked | None) -> Reason:
        named = [c for link in analysis.links for c in link.candidates if c.kind in ("entity", "literal")]
        unlinked = any(link.is_nil for link in analysis.links)
        if not named and (unlinked or ranked is None):
            return "nothing_linked"
        if ranked is None or ranked.null < 0.5:
            return "not_sure" if ranked is not None else "no_such_relation"
        best = int(np.argmax(analysis.scores)) if len(analysis.scores) else -1
        if best < 0 or analysis.scores[best] < RELATION_FITS:
            return "no_such_relation"
        starts = np.array(sorted({c.node for c in named}), np.int32)
        leaving = {relation.id for relation in self.context.schema.leaving(starts)}
        return "no_value" if best not in leaving else "no_such_relation"

    def _reading(self, candidate: Candidate, probability: float) -> Reading:
        result, index = candidate.result, self.graph.index
        n = 1 if result.truth is not None or result.count is not None else len(result.nodes)
        if result.truth is not None:
            preview: tuple[str, ...] = ("yes" if result.truth else "no",)
        elif result.count is not None:
            preview = (str(result.count),)
        else:
            preview = tuple(index.label(node) for node in result.nodes[:3].tolist())
        text = self.linearizer.text(candidate.query, result)
        sparql = to_sparql(candidate.query, index)
        return Reading(text, sparql, candidate.query.operator, probability, n, preview)

    def _answers(self, candidate: Candidate, confidence: float) -> tuple[Answer, ...]:
        result, index = candidate.result, self.graph.index
        if result.truth is not None:
            term = literal("true" if result.truth else "false", XSD_BOOLEAN)
            return (Answer(term, "yes" if result.truth else "no", confidence),)
        if result.count is not None:
            return (Answer(literal(str(result.count), XSD_INTEGER), str(result.count), confidence),)
        nodes = result.nodes.tolist()
        if not candidate.query.sort or candidate.query.projection:
            last = self._asked_or_circular(candidate)
            nodes = sorted(nodes, key=lambda node: (node in last, index.label(node).casefold(), node))
        found = []
        for place, node in enumerate(nodes):
            facts = self.evidence.of_answer(candidate.query, result, node) if place < N_WITH_EVIDENCE else ()
            found.append(Answer(index.term(node), index.label(node), confidence, facts))
        return tuple(found)

    def _asked_or_circular(self, candidate: Candidate) -> set[int]:
        """Return the answers that the question names itself, or that are reached only by coming back to what it names:
        of "the genres of the films by the director of Alien", those that only Alien has."""
        query, index = candidate.query, self.graph.index
        last = {node for constraint in query.constraints for node in constraint.nodes}
        only = query.constraints[0] if len(query.constraints) == 1 else None
        if query.operator != "list" or only is None or only.kind != "node" or len(only.nodes) != 1:
            return last
        path = (*reverse(only.path), *query.projection)
        if len(path) < 3:
            return last
        here = np.array(only.nodes, np.int32)
        fresh = here
        for predicate, inverse in path:
            fresh = index.follow(fresh, predicate, inverse=inverse)
            fresh = fresh[fresh != here[0]]
        return last | set(np.setdiff1d(candidate.result.nodes, fresh).tolist())

    def _subgraph(self, candidate: Candidate, evidence: tuple[Fact, ...], analysis: Analysis) -> Subgraph:
        index = self.graph.index
        query = candidate.query
        topics = {*query.among, *(node for c in query.constraints for node in c.nodes)}
        facts = dict.fromkeys(evidence)
        for node in sorted(topics)[:4]:
            facts.update(dict.fromkeys(self.evidence.around(node, MAX_SUBGRAPH_FACTS // 4)))
        kept = tuple(facts)[:MAX_SUBGRAPH_FACTS]
        paths = tuple(dict.fromkeys(relation.text for relation in candidate.relations))
        terms = tuple(index.term(node) for node in sorted(topics) if index.is_entity(node))
        return Subgraph(terms, kept, paths, truncated=len(facts) > len(kept))


def _ignores_a_name(candidate: Candidate, analysis: Analysis) -> bool:
    """Return whether a reading lists or counts a whole class although the only name in the question is not in the
    graph: "the capital of Wakanda" asks for no list of capitals."""
    unknown = any(link.is_nil and link.mention.text[:1].isupper() for link in analysis.links)
    named = any(c.kind in ("entity", "literal") for link in analysis.links for c in link.candidates)
    whole = all(constraint.kind in ("class", "exists") for constraint in candidate.query.constraints)
    return unknown and not named and whole and candidate.query.operator in ("list", "count")


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The candidates that were read, best first, with their probabilities and that of "the graph does not say"."""

    candidates: list[Candidate]
    probabilities: NDArray[np.float32]
    null: float
    question_features: NDArray[np.float32]


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + (now - self._last) * 1000
        self._last = now


def calibration_features(
    probability: float, null: float, question_features: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what confidence is calibrated on. Shape: (2 + len(question_features),)."""
    clipped = [min(max(value, 1e-4), 1 - 1e-4) for value in (probability, null)]
    logits = [float(np.log(value / (1 - value))) for value in clipped]
    return np.array([*logits, *question_features], np.float32)


def _save_beside(path: Path, array: NDArray[np.float32]) -> None:
    """Write an array beside `path` and rename it; a folder that cannot be written to is no error."""
    import os
    import tempfile

    try:
        handle, name = tempfile.mkstemp(suffix=".npy", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            np.save(file, array)
        os.replace(name, path)
    except OSError:
        return
