"""Questions made from a graph: true by execution, in the words that were given."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kgqa.datatypes import RDF_TYPE, iri
from kgqa.errors import DatasetError
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Schema
from kgqa.training.examples import read_folder
from kgqa.training.speaking import MadeQuestion
from kgqa.training.synthesis import Synthesizer
from kgqa.training.variation import vary, write_folder
from kgqa.training.wordings import RelationWording, Wordings, plural, read_wordings, wordings_from_labels

EX = "http://example.org/"


def _graph() -> list[tuple[str, str, str]]:
    films = {"alien": "scott", "duel": "scott", "jaws": "spielberg", "hook": "spielberg"}
    return [(film, "director", person) for film, person in films.items()]


@pytest.fixture(scope="module")
def index() -> GraphIndex:
    triples = [(iri(EX + s), iri(EX + p), iri(EX + o)) for s, p, o in _graph()]
    triples += [(iri(EX + s), iri(RDF_TYPE), iri(EX + "Film")) for s, _, _ in _graph()]
    triples += [(iri(EX + o), iri(RDF_TYPE), iri(EX + "Person")) for _, _, o in _graph()]
    return GraphIndex.from_triples(triples)


@pytest.fixture(scope="module")
def wordings() -> Wordings:
    director = RelationWording(
        {
            "noun": ("maker",), "nouns": ("makers",), "ask_object": ("who made {X}?",), "ask_subject": ("what did {Y} make?",),
            "by_object": ("made by {Y}",), "by_subject": ("who made {X}",), "whether": ("did {Y} make {X}?",),
        }
    )  # fmt: skip
    return Wordings({EX + "director": director}, {EX + "Film": (("film",), ("films",))})


def _made(index: GraphIndex, wordings: Wordings) -> list[MadeQuestion]:
    return Synthesizer(index, Schema(index), wordings, np.random.default_rng(0)).make(120)


def test_the_maker_of_each_film_is_who_the_graph_says(index: GraphIndex, wordings: Wordings) -> None:
    told = {f"who made {film}": person for film, _, person in _graph()}
    asked = [q for q in _made(index, wordings) if q.text.lower().rstrip("?") in told]
    assert asked
    for question in asked:
        assert isinstance(question.answers, np.ndarray)
        assert [index.label(int(n)) for n in question.answers] == [told[question.text.lower().rstrip("?")]]


def test_yes_no_questions_are_true_where_the_graph_states_them(index: GraphIndex, wordings: Wordings) -> None:
    facts = {(film, person) for film, _, person in _graph()}
    asked = [q for q in _made(index, wordings) if q.category == "yes-no"]
    assert {q.answers for q in asked} == {True, False}
    for question in asked:
        words = question.text.lower().rstrip("?").split()  # did PERSON make FILM
        assert question.answers == ((words[3], words[1]) in facts)


def test_the_gold_iris_are_those_spoken_of(index: GraphIndex, wordings: Wordings) -> None:
    question = next(q for q in _made(index, wordings) if q.text.lower().startswith("who made alien"))
    assert question.iris == {EX + "director", EX + "alien"}


def test_a_varied_graph_has_the_same_facts_under_other_labels(wordings: Wordings) -> None:
    triples = [(iri(EX + s), iri(EX + p), iri(EX + o)) for s, p, o in _graph()]
    seen = set()
    for seed in range(12):
        made, _ = vary(triples, wordings, np.random.default_rng(seed))
        labels = [o.value for s, p, o in made if p.value.endswith("#label")]
        facts = {(s.value, o.value) for s, p, o in made if p.value == EX + "director"}
        straight = {(s.value, o.value) for s, _, o in triples}
        turned = {(b, a) for a, b in straight}
        assert facts == (turned if labels == ["maker of"] else straight)
        seen.update(labels)
    assert {"maker of", "made by"} <= seen


def test_a_written_folder_reads_back_as_a_training_folder(tmp_path: Path, wordings: Wordings) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "graph.nt").write_text("".join(f"<{EX}{s}> <{EX}{p}> <{EX}{o}> .\n" for s, p, o in _graph()))
    n = write_folder(folder, tmp_path / "out", n_questions=40, varied=False, seed=1)
    _, examples = read_folder(tmp_path / "out")
    assert len(examples) == n > 10
    assert all(example.gold_iris for example in examples)


def test_paraphrases_ask_the_same(tmp_path: Path) -> None:
    (tmp_path / "graph.nt").write_text("".join(f"<{EX}{s}> <{EX}{p}> <{EX}{o}> .\n" for s, p, o in _graph()))
    sparql = f"SELECT ?x {{ <{EX}alien> <{EX}director> ?x }}"
    row = {"id": "1", "question": "who made Alien?", "category": "1-hop", "sparql": sparql}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n")
    words = {"id": "1", "paraphrases": ["Alien's director", "who is behind Alien"]}
    (tmp_path / "paraphrases.jsonl").write_text(json.dumps(words) + "\n")
    _, examples = read_folder(tmp_path)
    assert [example.question for example in examples] == ["who made Alien?", "Alien's director", "who is behind Alien"]
    assert [example.id for example in examples] == ["1", "1-2", "1-3"]
    assert {(example.answers, example.gold_iris, example.category) for example in examples} == {
        (frozenset({EX + "scott"}), frozenset({EX + "alien", EX + "director"}), "1-hop")
    }


def test_a_name_beside_a_class_word_means_what_it_tells_apart(index: GraphIndex, wordings: Wordings) -> None:
    asked = {q.text.lower().rstrip("?"): q for q in _made(index, wordings) if "scott films" in q.text.lower()}
    assert asked
    for question in asked.values():
        assert {EX + "scott", EX + "director"} <= question.iris


def test_wordings_from_labels_say_a_verb_as_a_verb() -> None:
    index = GraphIndex.from_triples([(iri(EX + "alien"), iri(EX + "directed_by"), iri(EX + "scott"))])
    made = wordings_from_labels(index, Schema(index).relations).relations[EX + "directed_by"]
    assert "directed by {Y}" in made.of("by_object")


@pytest.mark.parametrize("text", ["[]", "{}", '{"relations": 3}', "not json"])
def test_a_file_that_holds_no_wordings_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "wordings.json").write_text(text)
    with pytest.raises(DatasetError, match="holds no wordings"):
        read_wordings(tmp_path / "wordings.json")


def test_skipped_relations_are_left_out_and_extremes_keep_their_place(tmp_path: Path) -> None:
    told = {"relations": {"a": {"skip": True}, "b": {"noun": ["age"], "high": [{"pre": "oldest"}, {"post": "by age"}]}}}
    (tmp_path / "wordings.json").write_text(json.dumps(told))
    made = read_wordings(tmp_path / "wordings.json").relations
    assert set(made) == {"b"}
    assert made["b"].extremes == {"high": (("oldest", False), ("by age", True))}


@pytest.mark.parametrize(("noun", "many"), [("film", "films"), ("country", "countries"), ("box", "boxes"), ("films", "films")])
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many
