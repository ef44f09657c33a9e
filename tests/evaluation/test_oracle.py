from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kgqa.analysis import GraphContext, analyze
from kgqa.datasets.question_files import read_examples
from kgqa.datatypes import (
    XSD_BOOLEAN,
    XSD_INTEGER,
    Answer,
    EntityCandidate,
    EntityLink,
    Mention,
    Prediction,
    Question,
    Term,
    iri,
    literal,
)
from kgqa.evaluation.metrics import answer_f1
from kgqa.evaluation.oracle import StageScores, linked_share, mean_stages, stage_scores
from kgqa.index.graph_index import GraphIndex
from kgqa.linking.linker import LabelEntityLinker
from kgqa.pipeline import Trace
from kgqa.reasoning.candidates import Candidate

ROOT = Path(__file__).resolve().parents[2]
FAMILY = "https://kgqa.example/family#"
ADA, BEN, CLARA, DAN, EVE, FINN = (iri(FAMILY + name) for name in ("Ada", "Ben", "Clara", "Dan", "Eve", "Finn"))


@pytest.fixture(scope="module")
def context(family_index: GraphIndex) -> GraphContext:
    return GraphContext.of(family_index)


def _trace(context: GraphContext, text: str, *, n_read: int, given: tuple[Term, ...] = ()) -> Trace:
    """The question analyzed with lexical scores only; the first `n_read` candidates are read."""
    links = LabelEntityLinker(context.index, context.labels).link(Question(text))
    analysis = analyze(context, text, links, np.zeros(len(context.texts()), np.float32))
    answers = tuple(Answer(term, "", 1.0) for term in given)
    prediction = Prediction(Question(text), "answered" if given else "not_found", answers=answers)
    return Trace(prediction, analysis, analysis.candidates[:n_read])


def _terms(candidate: Candidate, index: GraphIndex) -> list[Term]:
    """The answers of a candidate as terms, the obvious way."""
    if candidate.result.truth is not None:
        return [literal("true" if candidate.result.truth else "false", XSD_BOOLEAN)]
    if candidate.result.count is not None:
        return [literal(str(candidate.result.count), XSD_INTEGER)]
    return [index.term(node) for node in candidate.result.nodes.tolist()]


def _best(candidates: Sequence[Candidate], gold: Sequence[Term], index: GraphIndex) -> float:
    return max((answer_f1(_terms(candidate, index), gold) for candidate in candidates), default=0.0)


def test_each_stage_equals_the_best_candidate_found_by_comparing_terms(context: GraphContext) -> None:
    examples = [e for e in read_examples(ROOT / "data" / "family_questions.jsonl").items if e.answers]
    assert len(examples) > 20
    for example in examples:
        trace = _trace(context, example.question.text, n_read=5)
        assert trace.analysis is not None
        scores = stage_scores(context, trace, example.answers)
        assert scores.enumerate == pytest.approx(_best(trace.analysis.candidates, example.answers, context.index))
        assert scores.prune == pytest.approx(_best(trace.read, example.answers, context.index))
        assert scores.rank == pytest.approx(_best(trace.read[:1], example.answers, context.index))
        assert scores.retrieve >= scores.enumerate >= scores.prune >= scores.rank


def test_retrieval_reaches_half_of_gold_where_one_of_two_answers_is_in_the_graph(context: GraphContext) -> None:
    gold = (DAN, iri("http://elsewhere.example/x"))
    scores = stage_scores(context, _trace(context, "Who is the spouse of Clara Moreau?", n_read=0), gold)
    assert scores.retrieve == pytest.approx(2 / 3)  # precision 1, recall 1/2
    assert scores.enumerate == pytest.approx(2 / 3)
    assert (scores.prune, scores.rank, scores.answer) == (0.0, 0.0, 0.0)


def test_nothing_is_reached_without_links_and_candidates(context: GraphContext) -> None:
    trace = _trace(context, "Who is Clara Moreau?", n_read=0)
    assert trace.analysis is not None
    bare = replace(trace, analysis=replace(trace.analysis, links=(), candidates=()))
    assert stage_scores(context, bare, [ADA]) == StageScores(None, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_literals_of_one_value_are_one_answer(context: GraphContext) -> None:
    # "teacher"@en in the graph, "teacher" in the gold
    scores = stage_scores(context, _trace(context, "What is the job of Clara Moreau?", n_read=0), [literal("teacher")])
    assert scores.enumerate == 1.0


def test_a_count_is_retrieved_where_anything_is(context: GraphContext) -> None:
    trace = _trace(context, "How many children does Ada Moreau have?", n_read=0)
    assert stage_scores(context, trace, [literal("99", XSD_INTEGER)]).retrieve == 1.0
    assert stage_scores(context, trace, [literal("2", XSD_INTEGER)]).enumerate == 1.0


def test_an_unanswerable_question_has_no_stages(context: GraphContext) -> None:
    with pytest.raises(ValueError, match="unanswerable"):
        stage_scores(context, _trace(context, "Who is Clara Moreau?", n_read=1), [])


def test_linked_share_counts_gold_entities_in_any_place_of_any_link() -> None:
    candidates = tuple(EntityCandidate(term, "", 1.0) for term in (ADA, CLARA))
    links = (EntityLink(Mention(0, 1, "x"), candidates), EntityLink(Mention(2, 3, "y")))
    assert linked_share(links, [CLARA, EVE]) == 0.5
    assert linked_share(links, []) is None


@pytest.mark.parametrize(
    ("scores", "stage"),
    [
        (StageScores(1.0, 1.0, 1.0, 1.0, 1.0, 1.0), None),
        (StageScores(0.0, 1.0, 1.0, 1.0, 1.0, 1.0), None),
        (StageScores(0.5, 0.5, 0.5, 0.5, 0.5, 0.5), "link"),
        (StageScores(1.0, 0.5, 0.5, 0.5, 0.5, 0.5), "retrieve"),
        (StageScores(None, 1.0, 0.4, 0.4, 0.4, 0.4), "enumerate"),
        (StageScores(None, 1.0, 0.9, 0.2, 0.2, 0.0), "prune"),
        (StageScores(0.0, 1.0, 1.0, 1.0, 0.0, 0.0), "rank"),
        (StageScores(None, 1.0, 1.0, 1.0, 1.0, 0.0), "answer"),
    ],
    ids=["right", "right-unlinked", "link", "retrieve", "enumerate", "prune", "rank", "answer"],
)
def test_the_failed_stage_is_the_one_that_lost_most(scores: StageScores, stage: str | None) -> None:
    assert scores.failed_stage == stage


def test_mean_stages_leaves_out_unknown_links() -> None:
    both = [StageScores(None, 1.0, 1.0, 1.0, 0.0, 0.0), StageScores(0.5, 1.0, 0.5, 0.5, 0.5, 0.5)]
    assert mean_stages(both) == StageScores(0.5, 1.0, 0.75, 0.75, 0.25, 0.25)


def test_stage_scores_survive_json() -> None:
    scores = StageScores(None, 1.0, 0.5, 0.25, 0.0, 0.0)
    assert StageScores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores
    with pytest.raises(ValueError, match="no stage scores"):
        StageScores.from_dict({"link": 1.0})
