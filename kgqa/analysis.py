"""A question up to its candidates and their features: link, retrieve, enumerate, align.

What a graph's questions share is its `GraphContext`; what a question has by itself is its `Analysis`. Answering
(`kgqa.pipeline`) and training look at questions through the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import EntityLink, Mention, Question
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.index.schema import Schema
from kgqa.index.text import normalize
from kgqa.linking.glossary import Glossary
from kgqa.linking.kinship import Kinship
from kgqa.linking.preamble import without_preamble
from kgqa.linking.spelling import respell
from kgqa.protocols import EntityLinker
from kgqa.reasoning.alignment import Parts, QuestionTokens, alignment_features, graph_fit, parts_of
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.cues import Cues, read_cues
from kgqa.reasoning.enumeration import Enumerator, anchors_of
from kgqa.reasoning.features import FeatureExtractor
from kgqa.reasoning.query_graph import Remembered
from kgqa.retrieval.paths import PathRetriever

LEXICAL_WEIGHT = 0.2


@dataclass(frozen=True)
class GraphContext:
    """What is derived once from a graph's index and shared by all its questions."""

    index: GraphIndex
    schema: Schema
    labels: LabelIndex

    @classmethod
    def of(cls, index: GraphIndex) -> GraphContext:
        """Return the context of an index."""
        return cls(index, Schema(index), LabelIndex(index))

    @cached_property
    def glossary(self) -> Glossary:
        """The words of the schema in every language it is labelled in."""
        return Glossary(self.index)

    @cached_property
    def kinship(self) -> Kinship:
        """How the graph states kinship and gender."""
        return Kinship(self.index, self.schema_words)

    @cached_property
    def remembered(self) -> Remembered:
        """What query graphs over whole classes gave."""
        return Remembered()

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """The classes in the order in which their texts are encoded."""
        return tuple(self.index.class_sizes)

    @cached_property
    def class_places(self) -> dict[int, int]:
        """Each class -> the place of its text."""
        return {c: len(self.schema.relations) + place for place, c in enumerate(self.classes)}

    @cached_property
    def relation_words(self) -> tuple[tuple[frozenset[str], ...], ...]:
        """The words of each relation's labels, in every language and with its synonyms."""
        found = []
        for relation in self.schema.relations:
            stated = self.index.labels(self.index.predicate_nodes[relation.path[-1][0]])
            labels = {relation.label, *(label for label, _ in stated)}
            words = (frozenset(normalize(label).split()) for label in labels)
            found.append(tuple(sorted((w for w in words if w), key=sorted)))
        return tuple(found)

    @cached_property
    def schema_words(self) -> frozenset[str]:
        """The words of the labels of relations and classes."""
        labels = (words for labels in self.relation_words for words in labels)
        classes = (normalize(self.index.label(c)).split() for c in self.classes)
        return frozenset(word for words in (*labels, *classes) for word in words)

    def texts(self) -> list[str]:
        """Return what the bi-encoder reads of the schema: each relation's text, then each class's label."""
        return [relation.text for relation in self.schema.relations] + [self.index.label(c) for c in self.classes]


@dataclass(frozen=True)
class Analysis:
    """A question up to its candidates. `scores` holds one number a relation of the schema."""

    text: str
    links: tuple[EntityLink, ...]
    cues: Cues
    scores: NDArray[np.float32]
    class_scores: dict[int, float]
    candidates: tuple[Candidate, ...]


def link_in_english(
    context: GraphContext, linker: EntityLinker, text: str, known_words: Mapping[str, int]
) -> tuple[str, tuple[EntityLink, ...]]:
    """Return a question in English words, spelled right, without a preamble and with kinship as the graph states it,
    and its links.

    Names stay as they are written, in whichever language the graph has them.
    """
    text = without_preamble(text)
    links = linker.link(Question(text))
    english = context.glossary.english(text, links)
    if english == text:
        english = respell(text, links, context.schema_words, known_words, context.labels.by_token)
        english = context.kinship.spelled_out(english, links_in(english, links))
    return (text, links) if english == text else (english, linker.link(Question(english)))


def links_in(text: str, links: Sequence[EntityLink]) -> tuple[EntityLink, ...]:
    """Return the links whose words stand in `text` too, with their places in it."""
    found = []
    for link in links:
        start = text.find(link.mention.text)
        if start >= 0:
            mention = Mention(start, start + len(link.mention.text), link.mention.text)
            found.append(replace(link, mention=mention))
    return tuple(found)


def lexical_scores(context: GraphContext, text: str) -> NDArray[np.float32]:
    """Return for each relation the share of its label's words that the question has, for the best of its labels.

    Shape: (n_relations,).
    """
    words = set(normalize(text).split())
    found = []
    for labels in context.relation_words:
        found.append(max((len(words & label) / len(label) for label in labels), default=0.0))
    return np.array(found, np.float32)


def analyze(
    context: GraphContext,
    text: str,
    links: tuple[EntityLink, ...],
    similarities: NDArray[np.float32],
    *,
    boost: NDArray[np.float32] | None = None,
    candidates: Sequence[Candidate] | None = None,
) -> Analysis:
    """Retrieve and enumerate for one question; or take `candidates`, where they are known already.

    `similarities` are the cosines of the question with `context.texts()`. `boost`, used to find training targets, is
    added to the relations' scores.
    """
    n = len(context.schema.relations)
    scores = similarities[:n] + LEXICAL_WEIGHT * lexical_scores(context, text)
    if boost is not None:
        scores = scores + boost
    class_scores = dict(zip(context.classes, similarities[n:].tolist(), strict=True))
    cues = read_cues(text)
    if candidates is None:
        retriever = PathRetriever(context.index, context.schema)
        paths = {
            anchor: retriever.retrieve(anchor.node, scores) if anchor.kind != "class" else []
            for anchor in anchors_of(links)
        }
        enumerator = Enumerator(
            context.index,
            context.schema,
            links,
            cues,
            scores,
            class_scores,
            text=text,
            remembered=context.remembered,
        )
        candidates = enumerator.enumerate(paths)
    return Analysis(text, links, cues, scores, class_scores, tuple(candidates))


def features_of(
    context: GraphContext,
    analysis: Analysis,
    question: QuestionTokens,
    vectors: NDArray[np.float32],
    weights: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[np.float32], NDArray[np.float32], Parts]:
    """Return the features of each candidate and of the question, and the parts the former were aligned by.

    Shapes: (n_candidates, len(FEATURES) + len(ALIGNMENT_FEATURES)), (6,).
    """
    extractor = FeatureExtractor(
        context.index,
        analysis.text,
        analysis.links,
        analysis.cues,
        analysis.scores,
        analysis.class_scores,
        relation_words=context.relation_words,
    )
    parts = parts_of(analysis.candidates, analysis.links, context.class_places)
    aligned = alignment_features(question, vectors, parts, weights)
    fit = graph_fit(question, vectors, analysis.links, weights)
    told = np.concatenate((extractor.question_features(), fit))
    return np.concatenate((extractor.matrix(analysis.candidates), aligned), 1), told, parts


def outcome_key(candidate: Candidate) -> tuple[object, ...]:
    """Return what two readings share when they answer alike."""
    result = candidate.result
    return result.truth, result.count, result.nodes.tobytes()
