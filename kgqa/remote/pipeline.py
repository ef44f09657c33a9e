"""The pipeline over a remote SPARQL endpoint.

The stages are those of `kgqa.pipeline`, run over a small local graph: the endpoint's profile and what was fetched for
the question. The best readings are then executed by the engine itself, and ranked again with its answers, so that
counts, superlatives and lists are exact however little was fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import LEXICAL_WEIGHT, Analysis, GraphContext, lexical_scores, link_in_english, links_in
from kgqa.datatypes import EntityLink, Prediction, Question
from kgqa.errors import UnknownGraphError
from kgqa.linking.linker import LabelEntityLinker
from kgqa.pipeline import MAX_QUESTION_CHARACTERS, Pipeline, Trace, _Clock, _Ranked
from kgqa.protocols import Triple
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.enumeration import anchors_of
from kgqa.reasoning.query_graph import QueryGraph, Result
from kgqa.remote.execution import Executed, Support, Witnesses, execute
from kgqa.remote.graph import Carrier, RemoteGraph
from kgqa.remote.labels import look_up
from kgqa.remote.neighbourhood import Neighbourhood
from kgqa.stores.catalog import LoadedGraph, default_folders
from kgqa.stores.endpoint import EndpointStore
from kgqa.stores.remote_profile import open_profile, profile_folder
from kgqa.stores.remote_queries import RemoteLimits, RemoteReader

if TYPE_CHECKING:
    from kgqa.reasoning.model import Model

MAX_RUNNER_UP_ANSWERS = 1000


class RemotePipeline(Pipeline):
    """Answers questions over one endpoint, whose profile is kept in `folder`. Used as any `Pipeline` is.

    `graph.index` and `context` are those of the profile: a sample, with counts that are the whole graph's.
    """

    def __init__(
        self,
        store: EndpointStore,
        model: Model,
        folder: Path,
        *,
        threshold: float | None = None,
        label_predicates: Sequence[str] | None = None,
        limits: RemoteLimits | None = None,
    ) -> None:
        self.reader = RemoteReader(store, limits)
        self.remote = RemoteGraph(open_profile(self.reader, folder, label_predicates=label_predicates))
        context = self.remote.naming
        super().__init__(
            LoadedGraph(store.url, store, context.index, folder), model, threshold=threshold, context=context
        )
        self._known_vectors: dict[str, NDArray[np.float32]] = {}

    @classmethod
    def open(
        cls, names: Sequence[str], model: Path, *, threshold: float | None = None, n_threads: int = 2
    ) -> RemotePipeline:
        """Open the endpoint at the one address in `names`, as the environment's variables say. Raises KGQAError."""
        from kgqa.reasoning.model import Model

        if len(names) != 1:
            raise UnknownGraphError("a SPARQL endpoint is asked alone; it cannot be merged with other graphs")
        store = EndpointStore.from_environment(names[0])
        folder = profile_folder(default_folders()[1], store.url)
        return cls(store, Model.load(model, n_threads=n_threads), folder, threshold=threshold)

    def trace(self, question: Question, *, links: tuple[EntityLink, ...] | None = None) -> Trace:
        """Return the prediction of `answer` together with what each stage handed on.

        Raises EndpointError where the endpoint does not answer.
        """
        asked = " ".join(question.text.split())
        if not any(char.isalnum() for char in asked) or len(asked) > MAX_QUESTION_CHARACTERS:
            return Trace(Prediction(question, "not_found", "invalid_question"))
        clock = _Clock()
        naming, text, links = self._link(asked, links)
        clock.lap("link")
        around = self._fetch(naming, text, links)
        local = self._local(around.triples)
        links = _carried(links, Carrier(naming.index, local.graph.index))
        clock.lap("fetch")
        analysis, ranked = local._read(text, links, clock)
        if ranked.candidates:
            local, analysis, ranked = self._executed(around, local, analysis, ranked, clock)
        prediction = local._decide(question, analysis, ranked)
        if text != asked:
            prediction = replace(prediction, links=links_in(asked, links))
        clock.lap("answer")
        return Trace(replace(prediction, timings_ms=clock.laps), analysis, tuple(ranked.candidates))

    def _link(
        self, asked: str, links: tuple[EntityLink, ...] | None
    ) -> tuple[GraphContext, str, tuple[EntityLink, ...]]:
        """Return the graph that names were looked up in, the question in English words, and its links there."""
        found = look_up(self.reader, self.remote.profile, asked)
        if links is not None:
            given = [c.entity for link in links for c in link.candidates if c.node >= 0]
            found += self.reader.describe(given, (*self.remote.types, *self.remote.labels))
        naming = self.remote.naming_with(found)
        if links is not None:
            return naming, asked, _carried(links, Carrier(self.graph.index, naming.index))
        linker = LabelEntityLinker(naming.index, naming.labels, self.model.known_words)
        return naming, *link_in_english(naming, linker, asked, self.model.known_words)

    def _fetch(self, naming: GraphContext, text: str, links: tuple[EntityLink, ...]) -> Neighbourhood:
        scores = self._relation_scores(text)
        around = Neighbourhood(self.reader, self.remote, scores)
        anchors = anchors_of(links)
        classes = [anchor.node for anchor in anchors if anchor.kind == "class"]
        around.fetch(
            [naming.index.term(anchor.node) for anchor in anchors if anchor.kind != "class"],
            [naming.index.term(klass) for klass in classes],
        )
        around.add(Witnesses(self.reader, self.remote, naming).find(text, links, classes, scores))
        return around

    def _executed(
        self, around: Neighbourhood, local: Pipeline, analysis: Analysis, ranked: _Ranked, clock: _Clock
    ) -> tuple[Pipeline, Analysis, _Ranked]:
        """Let the engine answer the readings, and rank them again with its answers, over a graph that knows these."""
        executed = execute(self.reader, local.graph.index, ranked.candidates)
        support = Support(self.reader, self.remote)
        n_known = len(around.triples)
        around.add(support.of_answers(executed, MAX_RUNNER_UP_ANSWERS))
        if executed:
            around.add(support.of_evidence(executed[0], local.graph.index))
        around.describe(term for one in executed for term in one.terms[:MAX_RUNNER_UP_ANSWERS])
        new = list(around.triples)[n_known:]
        whole = local if self.remote.sampled.issuperset(new) else self._local(around.triples)
        carrier = Carrier(local.graph.index, whole.graph.index)
        by_query = {carrier.query(one.candidate.query): one for one in executed}
        candidates = [_answered(one, query, carrier) for query, one in by_query.items()]
        links = _carried(analysis.links, carrier)
        clock.lap("execute")
        analysis, ranked = whole._read(analysis.text, links, clock, candidates)
        if not ranked.candidates:
            return whole, analysis, ranked
        best = by_query[ranked.candidates[0].query]
        if best is executed[0] and len(best.terms) <= MAX_RUNNER_UP_ANSWERS:
            return whole, analysis, ranked
        around.add(support.of_evidence(best, local.graph.index))
        around.add(support.of_answers([best], len(best.terms)))
        around.describe(best.terms)
        last = self._local(around.triples)
        carrier = Carrier(whole.graph.index, last.graph.index)
        kept = [carrier.candidate(candidate) for candidate in ranked.candidates]
        kept[0] = _answered(best, kept[0].query, Carrier(local.graph.index, last.graph.index))
        analysis = replace(analysis, links=_carried(links, carrier), candidates=tuple(kept))
        return last, analysis, replace(ranked, candidates=kept)

    def _relation_scores(self, text: str) -> NDArray[np.float32]:
        """Return how well each relation of the schema fits the question. Shape: (n_relations,)."""
        vectors = self._vectors_of([relation.text for relation in self.remote.base_schema.relations])
        similarities: NDArray[np.float32] = vectors @ self.model.encode([text])[0]
        return similarities + LEXICAL_WEIGHT * lexical_scores(self.context, text)

    def _local(self, triples: Iterable[Triple]) -> Pipeline:
        """Return a pipeline over the profile and what was fetched."""
        context = self.remote.context_of(triples)
        graph = replace(self.graph, index=context.index)
        local = Pipeline(graph, self.model, threshold=self.threshold, context=context)
        vars(local)["vectors"] = self._vectors_of(context.texts())  # known texts are not encoded again
        return local

    def _vectors_of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not self._known_vectors:
            self._known_vectors.update(zip(self.context.texts(), self.vectors, strict=True))
        new = [text for text in dict.fromkeys(texts) if text not in self._known_vectors]
        if new:
            self._known_vectors.update(zip(new, self.model.encode(new), strict=True))
        return np.array([self._known_vectors[text] for text in texts], np.float32)


def _carried(links: Iterable[EntityLink], carrier: Carrier) -> tuple[EntityLink, ...]:
    return tuple(carrier.link(link) for link in links)


def _answered(executed: Executed, query: QueryGraph, carrier: Carrier) -> Candidate:
    """Return the candidate over another local graph, with the engine's answer as its result."""
    result = carrier.result(executed.candidate.result)
    if executed.truth is not None or executed.count is not None:
        result = replace(result, truth=executed.truth, count=executed.count)
    else:
        found = [node for term in executed.terms if (node := carrier.term(term)) >= 0]
        nodes = (
            np.array(found, np.int32) if query.sort and not query.projection else np.unique(np.array(found, np.int32))
        )
        core = result.core if query.projection else np.union1d(result.core, nodes).astype(np.int32)
        result = Result(nodes, core)
    return replace(executed.candidate, query=query, result=result)
