"""Composes the stages: link, retrieve, enumerate, prune, read, answer.

`Pipeline.load("world")` opens a graph and the shipped model; the pipeline is then a function from a question to a `Prediction`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import (
    XSD_BOOLEAN,
    XSD_INTEGER,
    Answer,
    EntityLink,
    Prediction,
    Question,
    Reading,
    Reason,
    literal,
)
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.index.schema import Schema
from kgqa.index.text import normalize
from kgqa.linking.linker import LabelEntityLinker
from kgqa.protocols import EntityLinker
from kgqa.reasoning.cues import Cues, read_cues
from kgqa.reasoning.enumeration import Candidate, Enumerator, anchors_of
from kgqa.reasoning.evidence import EvidenceFinder
from kgqa.reasoning.features import FeatureExtractor
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.sparql import to_sparql
from kgqa.retrieval.paths import PathRetriever

if TYPE_CHECKING:
    from kgqa.reasoning.model import Model
    from kgqa.stores.catalog import LoadedGraph

MAX_QUESTION_CHARACTERS = 2000
N_READ = 16
N_READINGS = 6
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
    def classes(self) -> tuple[int, ...]:
        """The classes in the order in which their texts are encoded."""
        return tuple(self.index.class_sizes)

    def texts(self) -> list[str]:
        """Return what the bi-encoder reads of the schema: each relation's text, then each class's label."""
        return [relation.text for relation in self.schema.relations] + [self.index.label(c) for c in self.classes]


@dataclass(frozen=True)
class Analysis:
    """A question up to the pruner: its links, its candidates and their features.

    `scores` holds one number a relation of the schema, `features` one row a candidate.
    """

    links: tuple[EntityLink, ...]
    cues: Cues
    scores: NDArray[np.float32]
    class_scores: dict[int, float]
    candidates: tuple[Candidate, ...]
    features: NDArray[np.float32]
    question_features: NDArray[np.float32]


def lexical_scores(context: GraphContext, text: str) -> NDArray[np.float32]:
    """Return for each relation the share of its label's words that the question has. Shape: (n_relations,)."""
    words = set(normalize(text).split())
    found = []
    for relation in context.schema.relations:
        label = normalize(relation.label).split()
        found.append(len(words.intersection(label)) / len(label) if label else 0.0)
    return np.array(found, np.float32)


def analyze(
    context: GraphContext,
    text: str,
    links: tuple[EntityLink, ...],
    similarities: NDArray[np.float32],
    *,
    boost: NDArray[np.float32] | None = None,
) -> Analysis:
    """Retrieve and enumerate for one question.

    `similarities` are the cosines of the question with `context.texts()`. `boost`, used to find training targets, is added to
    the relations' scores.
    """
    n = len(context.schema.relations)
    scores = similarities[:n] + LEXICAL_WEIGHT * lexical_scores(context, text)
    if boost is not None:
        scores = scores + boost
    class_scores = dict(zip(context.classes, similarities[n:].tolist(), strict=True))
    cues = read_cues(text)
    retriever = PathRetriever(context.index, context.schema)
    paths = {
        anchor: retriever.retrieve(anchor.node, scores) if anchor.kind != "class" else [] for anchor in anchors_of(links)
    }
    enumerator = Enumerator(context.index, context.schema, links, cues, scores, class_scores)
    candidates = tuple(enumerator.enumerate(paths))
    extractor = FeatureExtractor(context.index, text, links, cues, scores, class_scores)
    return Analysis(
        links, cues, scores, class_scores, candidates, extractor.matrix(candidates), extractor.question_features()
    )
