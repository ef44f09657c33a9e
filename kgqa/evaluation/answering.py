"""Answers the examples of a set with a pipeline and keeps what evaluation needs of each.

Gold reaches the pipeline in one way only, and only where it is asked for: as links in place of the linker's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from kgqa.analysis import link_in_english
from kgqa.datasets.question_files import GoldLink, QAExample
from kgqa.datatypes import (
    XSD_BOOLEAN,
    XSD_INTEGER,
    EntityCandidate,
    EntityLink,
    LinkKind,
    Mention,
    Question,
    Term,
    literal,
)
from kgqa.errors import SettingsError
from kgqa.evaluation.metrics import answer_f1, answer_keys, exact_match
from kgqa.evaluation.oracle import linked_share, stage_scores
from kgqa.evaluation.outcomes import Diagnosis, Given, Linked, Outcome, in_form_of
from kgqa.index.graph_index import GraphIndex
from kgqa.pipeline import Pipeline, Trace
from kgqa.reasoning.candidates import Candidate

Linking = Literal["predicted", "gold"]
LINKINGS: tuple[Linking, ...] = ("predicted", "gold")


@dataclass(frozen=True, slots=True)
class Answerer:
    """Makes the function that answers a question with the object that `kgqa batch` writes: see `engines.Maker`."""

    graphs: tuple[str, ...]
    model: Path | None = None
    threshold: float | None = None
    n_threads: int = 1

    def __call__(self) -> Callable[[Question], dict[str, object]]:
        """Load the pipeline and return the function. Raises KGQAError."""
        pipeline = Pipeline.load(self.graphs, model=self.model, threshold=self.threshold, n_threads=self.n_threads)
        return lambda question: pipeline.answer(question).to_dict()


@dataclass(frozen=True, slots=True)
class Asker:
    """Makes the function that answers an example, in whichever process it is called: see `engines.Maker`.

    `oracle` also finds what each stage could still reach, `execute` runs each SPARQL and compares.
    """

    graphs: tuple[str, ...]
    model: Path | None = None
    threshold: float | None = None
    n_threads: int = 1
    linking: Linking = "predicted"
    oracle: bool = False
    execute: bool = False
    part: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether a graph is an endpoint's address."""
        return any("://" in graph for graph in self.graphs)

    def __call__(self) -> Callable[[QAExample], Outcome]:
        """Load the pipeline and return the function. Raises KGQAError.

        An endpoint's address as a graph has neither oracle nor gold linking, which need the whole graph.
        """
        if self.is_remote and (self.oracle or self.linking == "gold"):
            raise SettingsError("the oracle and gold linking need the graph itself, not an endpoint; name its files")
        pipeline = Pipeline.load(self.graphs, model=self.model, threshold=self.threshold, n_threads=self.n_threads)
        pipeline.answer(Question("What is this?"))  # loads what is loaded late, so that no question's time has it in it
        return lambda example: ask(self, pipeline, example)


def ask(asker: Asker, pipeline: Pipeline, example: QAExample) -> Outcome:
    """Return the outcome of one example."""
    question, index = example.question, pipeline.graph.index
    text = " ".join(question.text.split())
    if asker.linking == "gold" and example.gold_links:
        english, own = link_in_english(pipeline.context, pipeline.linker, text, pipeline.model.known_words)
        gold = [_in_text(link, question.text, english) for link in example.gold_links]
        trace = pipeline.trace(Question(english, question.id), links=with_gold_links(own, gold, index))
    else:
        trace = pipeline.trace(question)
    prediction = trace.prediction
    given = Given(
        tuple(answer.term for answer in prediction.answers),
        tuple(answer.label for answer in prediction.answers),
        prediction.confidence,
        prediction.sparql,
        prediction.reason,
        prediction.readings[0].text if prediction.readings else "",
        _links(trace, question.text),
        prediction.latency_ms,
    )
    return Outcome(
        example,
        given,
        asker.part,
        tuple(_label(term, index) for term in example.answers),
        _diagnosis(asker, pipeline, example, trace),
    )


def with_gold_links(own: Sequence[EntityLink], gold: Sequence[GoldLink], index: GraphIndex) -> tuple[EntityLink, ...]:
    """Return links in which the entities are the gold ones; classes, literals and values stay the linker's.

    The linker's links that overlap a gold mention are dropped, and so are its entities and unlinked names elsewhere. A
    gold entity that is not in the graph is linked to nothing. One whose words are not known stands at the first
    letter, over all else.
    """
    mentions = [link.mention or Mention(0, 1, link.label[:1] or "?") for link in gold]
    spans = [mention for mention, link in zip(mentions, gold, strict=True) if link.mention is not None]
    found = []
    for link in own:
        kept = tuple(c for c in link.candidates if c.kind != "entity")
        overlaps = any(link.mention.start < span.end and span.start < link.mention.end for span in spans)
        if kept and not overlaps:
            found.append(EntityLink(link.mention, kept))
    for mention, told in zip(mentions, gold, strict=True):
        node = index.find(told.entity.value) if told.entity.kind == "uri" else -1
        kind: LinkKind = "class" if node in index.class_sizes else "entity"
        candidate = EntityCandidate(told.entity, told.label or mention.text, 1.0, kind, node=node)
        found.append(EntityLink(mention, (candidate,) if node >= 0 else ()))
    return tuple(sorted(found, key=lambda link: (link.mention.start, -link.mention.end)))


def links_used(candidate: Candidate, links: Sequence[EntityLink]) -> tuple[Linked, ...]:
    """Return the entities that a reading starts from, each with the words that named it, in text order."""
    query = candidate.query
    nodes = {*query.among, *(node for constraint in query.constraints for node in constraint.nodes)}
    found = []
    for place in sorted(candidate.links):
        link = links[place]
        chosen = [c for c in link.candidates if c.kind == "entity" and c.node in nodes]
        found += [Linked(c.entity, link.mention.start, link.mention.end) for c in chosen[:1]]
    return tuple(found)


def _links(trace: Trace, asked: str) -> tuple[Linked, ...]:
    """Return what the first reading starts from, at its place in the question as it was asked."""
    if trace.analysis is None or not trace.read:
        return ()
    used = links_used(trace.read[0], trace.analysis.links)
    if trace.analysis.text == asked:
        return used
    found = []
    for link in used:
        words = trace.analysis.text[link.start : link.end]
        start = asked.find(words)
        found.append(Linked(link.entity, start, start + len(words)) if start >= 0 else Linked(link.entity))
    return tuple(found)


def _in_text(link: GoldLink, asked: str, text: str) -> GoldLink:
    """Return a gold link with its place in another form of the question; without one where its words are not there."""
    if link.mention is None or text == asked:
        return link
    start = text.find(link.mention.text)
    mention = Mention(start, start + len(link.mention.text), link.mention.text) if start >= 0 else None
    return replace(link, mention=mention)


def candidate_terms(candidate: Candidate, index: GraphIndex) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """Return the answers of a reading as terms, with their labels."""
    result = candidate.result
    if result.truth is not None:
        return (literal("true" if result.truth else "false", XSD_BOOLEAN),), ("yes" if result.truth else "no",)
    if result.count is not None:
        return (literal(str(result.count), XSD_INTEGER),), (str(result.count),)
    nodes = result.nodes.tolist()
    return tuple(index.term(node) for node in nodes), tuple(index.label(node) for node in nodes)


def _diagnosis(asker: Asker, pipeline: Pipeline, example: QAExample, trace: Trace) -> Diagnosis:
    index, prediction = pipeline.graph.index, trace.prediction
    f1 = exact = None
    known = prediction.answers or not asker.is_remote  # what an endpoint's reading holds back is in a graph of its own
    if trace.read and known and example.answer_form != "none":
        if prediction.answers:
            answers = tuple(a.term for a in prediction.answers), tuple(a.label for a in prediction.answers)
        else:
            answers = candidate_terms(trace.read[0], index)
        compared = in_form_of(example, *answers)
        f1, exact = (
            answer_f1(compared, example.answers),
            exact_match(compared, example.answers, ordered=example.ordered),
        )
    stages = None
    if asker.oracle and example.answer_form == "terms" and example.answers:
        stages = stage_scores(pipeline.context, trace, example.answers, (link.entity for link in example.gold_links))
    share = linked_share(trace.analysis.links if trace.analysis else (), (link.entity for link in example.gold_links))
    return Diagnosis(f1, exact, stages, share, executes(pipeline, trace) if asker.execute else None)


def executes(pipeline: Pipeline, trace: Trace) -> bool | None:
    """Return whether the SPARQL of a prediction runs on its graph's store and returns the answers; None without one."""
    from kgqa.errors import QueryError

    prediction = trace.prediction
    if prediction.sparql is None:
        return None
    expected = set(answer_keys(answer.term for answer in prediction.answers))
    try:
        if prediction.sparql.lstrip().upper().startswith("ASK"):
            return expected == {("boolean", pipeline.graph.store.ask(prediction.sparql))}
        rows = pipeline.graph.store.select(prediction.sparql)
    except QueryError:
        return False
    return expected == set(answer_keys(row[0] for row in rows if row and row[0] is not None))


def _label(term: Term, index: GraphIndex) -> str:
    if term.kind != "uri":
        return term.value
    node = index.find(term.value)
    return index.label(node) if node >= 0 else ""
