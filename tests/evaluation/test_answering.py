from __future__ import annotations

from dataclasses import replace

import pytest

from kgqa.datasets.question_files import GoldLink, QAExample
from kgqa.datatypes import EntityCandidate, EntityLink, Mention, Question, Term, iri, literal
from kgqa.evaluation.answering import LINKINGS, Asker, ask, links_used, with_gold_links
from kgqa.evaluation.metrics import answer_f1
from kgqa.evaluation.outcomes import Linked, Outcome
from kgqa.index.graph_index import GraphIndex
from kgqa.pipeline import Pipeline

FAMILY = "https://kgqa.example/family#"
ADA, CLARA, DAN, EVE, PERSON = (iri(FAMILY + name) for name in ("Ada", "Clara", "Dan", "Eve", "Person"))
NOBODY = iri("http://elsewhere.example/nobody")


def _link(start: int, text: str, *candidates: EntityCandidate) -> EntityLink:
    return EntityLink(Mention(start, start + len(text), text), candidates)


def _candidate(index: GraphIndex, term: Term, kind: str = "entity") -> EntityCandidate:
    return EntityCandidate(term, "", 0.9, kind, node=index.find(term.value))  # type: ignore[arg-type]


def test_gold_entities_take_the_place_of_the_linkers(family_index: GraphIndex) -> None:
    # "which person is ada moreau, and clara"
    own = (
        _link(6, "person", _candidate(family_index, PERSON, "class")),
        _link(16, "ada moreau", _candidate(family_index, EVE)),
        _link(20, "moreau", _candidate(family_index, PERSON, "class")),
        _link(32, "clara", _candidate(family_index, CLARA)),
        _link(40, "Zebulon"),
    )
    gold = [GoldLink(ADA, "Ada Moreau", Mention(16, 26, "ada moreau"))]
    found = with_gold_links(own, gold, family_index)
    assert found[0] == own[0]  # a class elsewhere stays
    assert [link.mention.text for link in found] == ["person", "ada moreau"]
    assert [(c.entity, c.kind, c.node) for c in found[1].candidates] == [(ADA, "entity", family_index.find(ADA.value))]


def test_a_gold_entity_outside_the_graph_is_linked_to_nothing(family_index: GraphIndex) -> None:
    (link,) = with_gold_links((), [GoldLink(NOBODY, "Nobody", Mention(0, 6, "Nobody"))], family_index)
    assert link.is_nil


def test_a_gold_entity_without_words_leaves_classes_and_values_alone(family_index: GraphIndex) -> None:
    own = (_link(0, "persons", _candidate(family_index, PERSON, "class")), _link(9, "x", _candidate(family_index, EVE)))
    found = with_gold_links(own, [GoldLink(ADA, "Ada Moreau")], family_index)
    assert sorted(c.entity.value for link in found for c in link.candidates) == sorted((ADA.value, PERSON.value))


def test_only_gold_linking_shows_the_gold_links_to_the_pipeline(family: Pipeline) -> None:
    text = "Who are Eve Novak's parents?"
    wrong = GoldLink(ADA, "Ada Moreau", Mention(8, 17, "Eve Novak"))
    example = QAExample(Question(text), (CLARA, DAN), gold_links=(wrong,))
    own = ask(Asker(("family",)), family, example)
    assert own.given == replace(
        ask(Asker(("family",)), family, QAExample(Question(text), ())).given, latency_ms=own.given.latency_ms
    )
    told = ask(Asker(("family",), linking="gold"), family, example)
    assert own.given.links == (Linked(EVE, 8, 17),)
    assert told.given.links == (Linked(ADA, 8, 17),)


def test_a_question_without_gold_links_is_linked_as_ever(family: Pipeline) -> None:
    example = QAExample(Question("Who are Eve Novak's parents?"), (CLARA, DAN))
    assert ask(Asker(("family",), linking="gold"), family, example).f1 == 1.0


def test_the_links_of_a_reading_are_the_entities_it_starts_from(family: Pipeline) -> None:
    trace = family.trace(Question("Who are the children of Ada Moreau and Ben Moreau?"))
    assert trace.analysis is not None
    found = links_used(trace.read[0], trace.analysis.links)
    nodes = {node for c in trace.read[0].query.constraints for node in c.nodes}
    assert found
    assert all(family.graph.index.find(link.entity.value) in nodes for link in found)


def test_links_stand_where_the_question_was_asked_with_other_spaces(family: Pipeline) -> None:
    gold = GoldLink(EVE, "Eve Novak", Mention(9, 18, "Eve Novak"))
    example = QAExample(Question("Who  are Eve Novak's   parents?"), (CLARA, DAN), gold_links=(gold,))
    for linking in LINKINGS:
        assert ask(Asker(("family",), linking=linking), family, example).given.links == (Linked(EVE, 9, 18),)


def test_what_was_held_back_is_scored_too(family: Pipeline, family_examples: tuple[QAExample, ...]) -> None:
    careful = Pipeline(family.graph, family.model, threshold=1.0)
    example = family_examples[0]
    held_back, given = (ask(Asker(("family",)), pipeline, example) for pipeline in (careful, family))
    assert (held_back.f1, given.f1) == (0.0, 1.0)
    assert (held_back.diagnosis.first_f1, held_back.diagnosis.first_exact) == (1.0, 1.0)
    assert held_back.first_is_right
    assert held_back.diagnosis.stages is None


def test_sparql_that_is_run_gives_the_answers(family_outcomes: tuple[Outcome, ...]) -> None:
    answered = [outcome for outcome in family_outcomes if outcome.given.sparql]
    assert len(answered) > 20
    assert all(outcome.diagnosis.executes for outcome in answered)
    assert all(o.diagnosis.executes is None for o in family_outcomes if not o.given.sparql)


def test_sparql_that_fails_or_gives_something_else_is_told(family: Pipeline) -> None:
    from kgqa.evaluation.answering import executes

    trace = family.trace(Question("Who are Eve Novak's parents?"))
    for sparql, told in (("SELECT ?x WHERE {", False), ("SELECT ?x WHERE { ?x a <http://e/None> }", False)):
        assert executes(family, replace(trace, prediction=replace(trace.prediction, sparql=sparql))) is told
    assert executes(family, trace) is True


def test_the_answers_given_score_the_same_by_hand(family_outcomes: tuple[Outcome, ...]) -> None:
    for outcome in family_outcomes:
        assert outcome.f1 == answer_f1(outcome.given.answers, outcome.example.answers)
        if not outcome.abstained and outcome.example.answers:
            assert outcome.diagnosis.first_f1 == outcome.f1


@pytest.mark.parametrize(("gold", "f1"), [("Clara Moreau", 2 / 3), ("clara moreau", 0.0)], ids=["label", "other-case"])
def test_labels_are_compared_where_gold_is_labels(family: Pipeline, gold: str, f1: float) -> None:
    example = QAExample(Question("Who are Eve Novak's parents?"), (literal(gold),), answer_form="labels")
    assert ask(Asker(("family",)), family, example).f1 == pytest.approx(f1)
