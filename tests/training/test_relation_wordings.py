from __future__ import annotations

from collections.abc import Mapping

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question
from kgqa.training.pseudo_graph import Chain, Names, WordedQuestion
from kgqa.training.pseudo_records import make_graph
from kgqa.training.relation_wordings import make_graphs, pool_names, worded_question
from kgqa.training.sparql_chains import gold_chains, parse_query
from kgqa.training.vocabularies import Kind, Property, Vocabulary

NAMES = Names({"film": ["Alien", "Heat"], "person": ["Ann Lee", "Bo Ek"]}, ["Rome"])


def _property(key: str, domain: str, target: str, kind: Kind = "entity") -> Property:
    return Property(key, key.replace("_", " "), domain, target, kind, domain or key.partition(".")[0])


PROPERTIES = (
    _property("director", "film", "person"),
    _property("writer", "film", "person"),
    _property("release_date", "film", "", "date"),
    _property("spouse", "person", "person"),
    _property("films_directed", "person", "film"),
    Property("marriage", "marriage", "person", "", "entity", "person"),
    Property("m.partner", "partner", "", "person", "entity", "m"),
    Property("m.start", "start", "", "", "date", "m"),
)


@pytest.fixture
def films() -> Vocabulary:
    return Vocabulary(
        "films", {found.key: found for found in PROPERTIES}, lambda iri: iri.removeprefix("http://e/"),
        lambda iri: iri.removeprefix("http://e/c/"), frozenset({"m"}), {"marriage": "m"},
        {"director": "films_directed", "films_directed": "director"},
    )  # fmt: skip


def _worded(sparql: str, vocabulary: Vocabulary, topics: Mapping[str, str]) -> WordedQuestion | None:
    example = QAExample(Question("who?", "q"), (), answer_form="none", gold_sparql=sparql)
    return worded_question(example, gold_chains(parse_query(sparql, {"e": "http://e/"})), vocabulary, topics)


def _question(*steps: tuple[str, bool], text: str = "who made Alien?", topic: str = "Alien") -> WordedQuestion:
    between = len(steps) - 1
    return WordedQuestion("q", text, "train", (Chain(topic, steps, (False,) * between, ("",) * between),))


def test_the_relation_a_question_needs_is_its_positive_and_the_reverse_is_a_negative(films: Vocabulary) -> None:
    graph = make_graph([_question(("writer", False))], films, NAMES, seed=1)
    (record,) = graph.relations
    positives = {graph.texts[place] for place in record.positives}
    assert positives <= {"writer of the film, a person", "writer of the thing, a thing"}
    assert len(positives) == 1
    assert any(text.endswith("whose writer is the person") or text == "thing whose writer is the thing"
               for text in graph.texts[: graph.n_relations])  # fmt: skip


def test_the_stated_reverse_of_a_relation_is_a_positive_too(films: Vocabulary) -> None:
    both = [_question(("director", False)), _question(("films_directed", False), topic="Ann Lee")]
    graph = make_graph(both, films, NAMES, seed=1)
    positives = {graph.texts[place].partition(",")[0] for place in graph.relations[0].positives}
    assert {"director of the film", "film whose films directed is the person"} <= positives or len(positives) == 2


def test_the_gold_chain_is_the_one_right_line_among_near_misses(films: Vocabulary) -> None:
    question = _question(("director", False), ("spouse", False), text="who is married to the director of Alien?")
    padding = [_question(("writer", False)), _question(("release_date", False))]
    seen: set[str] = set()
    for seed in range(8):
        record = make_graph([question, *padding], films, NAMES, seed=seed).lines[0]
        right = [line.partition(" | ")[0] for line, grade in zip(record.lines, record.grades, strict=True) if grade]
        wrong = {line.partition(" | ")[0] for line, grade in zip(record.lines, record.grades, strict=True) if not grade}
        assert right == (["spouse of director of Alien"] if record.answerable else [])
        assert "spouse of director of Alien" not in wrong
        seen |= wrong
    assert {
        "director of Alien",  # one hop shorter
        "spouse of writer of Alien",  # a sibling
        "director of spouse of Alien",  # the wrong order
        "number of spouse of director of Alien",  # another operator
    } <= seen


def test_a_symmetric_relation_is_not_wrong_the_other_way_round(films: Vocabulary) -> None:
    question = _question(("spouse", False), text="who is Ann Lee's wife?", topic="Ann Lee")
    graph = make_graph([question, _question(("films_directed", False))], films, NAMES, seed=3)
    assert not any("whose spouse is Ann Lee" in line for record in graph.lines for line in record.lines)
    assert {graph.texts[place].replace("thing", "person") for place in graph.relations[0].positives} == {
        "spouse of the person, a person",
        "person whose spouse is the person",
    }


def test_the_node_of_an_n_ary_fact_is_read_through(films: Vocabulary) -> None:
    sparql = "SELECT ?x { e:Ann e:marriage ?m . ?m e:m.partner ?x }"
    worded = _worded(sparql, films, {"http://e/Ann": "Ann"})
    assert worded is not None
    assert worded.chains == (Chain("Ann", (("marriage", False), ("m.partner", False)), (True,), ("?m",)),)
    graph = make_graph([worded], films, NAMES, seed=1)
    assert {graph.texts[place] for place in graph.relations[0].positives} == {"partner of the person, a person"}


def test_a_question_whose_topic_has_no_known_name_gives_no_line(films: Vocabulary) -> None:
    graph = make_graph([_question(("writer", False), topic="")], films, NAMES, seed=1)
    assert len(graph.relations) == 1
    assert graph.lines == []


@pytest.mark.parametrize(
    "sparql",
    ["SELECT ?x { e:Ann e:unknown ?x }", "SELECT ?x { e:Alien e:release_date ?d . ?x e:release_date ?d }",
     "SELECT ?x { e:Ann e:marriage ?x }"],
    ids=["no label", "through a literal", "ends in a node"],
)  # fmt: skip
def test_a_chain_that_cannot_be_read_is_left_out(films: Vocabulary, sparql: str) -> None:
    assert _worded(sparql, films, {}) is None


def test_a_yes_no_question_keeps_both_ends_though_only_one_is_named(films: Vocabulary) -> None:
    worded = _worded("ASK { e:Alien e:writer e:Bo }", films, {"http://e/Bo": "Bo"})
    assert worded is not None
    assert [(chain.topic, chain.steps) for chain in worded.chains] == [("", (("writer", False),)), ("Bo", ())]


def test_equal_wordings_are_in_one_split(films: Vocabulary) -> None:
    sparql = "SELECT ?x { e:Alien e:writer ?x }"
    chains = gold_chains(parse_query(sparql, {"e": "http://e/"}))
    splits = {
        worded.split
        for text in ("Who wrote Alien?", "who wrote  alien ?")
        if (worded := worded_question(QAExample(Question(text), ()), chains, films, {})) is not None
    }
    assert len(splits) == 1


def test_every_question_is_in_exactly_one_graph(films: Vocabulary) -> None:
    questions = [_question(("writer", False), text=f"who wrote film {n}?", topic=f"Film {n}") for n in range(60)]
    texts = [record.question for graph in make_graphs(questions, films, seed=0) for record in graph.relations]
    assert sorted(texts) == sorted(question.question for question in questions)


def test_names_are_pooled_by_the_class_they_leave(films: Vocabulary) -> None:
    questions = [_question(("writer", False), topic=f"Film {n}") for n in range(5)]
    assert set(pool_names(questions, films).by_class) == {"film"}
