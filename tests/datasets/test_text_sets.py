from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datasets.question_files import BadLine
from kgqa.datasets.text_sets import irn_graph, metaqa_graph, read_irn, read_metaqa
from kgqa.datatypes import RDFS, Mention, iri, literal
from kgqa.errors import DatasetError

LABEL = iri(RDFS + "label")
MOVIES = "http://example.org/metaqa/"
PATHS = "http://example.org/irn/"


@pytest.fixture
def metaqa(tmp_path: Path) -> Path:
    (tmp_path / "2-hop" / "vanilla").mkdir(parents=True)
    path = tmp_path / "2-hop" / "vanilla" / "qa_dev.txt"
    path.write_text("who wrote films of [Ann Lee] ?\tBo Ek|Cé Ø\nno answers for [Ann Lee]\nwho is [Bo]\t1944\n")
    return path


def test_metaqa_brackets_become_a_gold_link_and_leave_the_text(metaqa: Path) -> None:
    example = read_metaqa(metaqa).items[0]
    assert example.question.text == "who wrote films of Ann Lee ?"
    assert example.gold_links[0].mention == Mention(19, 26, "Ann Lee")
    assert example.gold_links[0].entity == iri(MOVIES + "entity/Ann%20Lee")
    assert example.answers == (iri(MOVIES + "entity/Bo%20Ek"), iri(MOVIES + "entity/C%C3%A9%20%C3%98"))
    assert example.hops == 2


def test_a_metaqa_line_without_answers_is_listed(metaqa: Path) -> None:
    found = read_metaqa(metaqa)
    assert len(found.items) == 2
    assert found.bad_lines == (BadLine(2, "expected a question, a tab, and answers separated by |"),)


def test_metaqa_question_types_are_those_of_the_same_line(metaqa: Path) -> None:
    (metaqa.parent.parent / "qa_dev_qtype.txt").write_text("director_to_writer\nx_to_y\nactor_to_year\n")
    assert [e.category for e in read_metaqa(metaqa).items] == ["director_to_writer", "actor_to_year"]


@pytest.mark.parametrize("types", ["a\n", "a\nb\nc\nd\n"], ids=["too few", "too many"])
def test_a_metaqa_type_file_of_another_length_is_an_error(metaqa: Path, types: str) -> None:
    (metaqa.parent.parent / "qa_dev_qtype.txt").write_text(types)
    with pytest.raises(DatasetError, match="qa_dev_qtype"):
        read_metaqa(metaqa)


def test_a_metaqa_name_with_brackets_of_its_own_stays_whole(metaqa: Path) -> None:
    metaqa.write_text("who is in [[REC] 2]\tAnn\n")
    example = read_metaqa(metaqa).items[0]
    assert (example.question.text, example.gold_links[0].label) == ("who is in [REC] 2", "[REC] 2")


def test_a_metaqa_knowledge_base_becomes_triples_with_labels(tmp_path: Path) -> None:
    (tmp_path / "kb.txt").write_text('A "B"|directed_by|C/D\n')
    film, by, person = (
        iri(MOVIES + "entity/A%20%22B%22"),
        iri(MOVIES + "relation/directed_by"),
        iri(MOVIES + "entity/C%2FD"),
    )
    assert set(metaqa_graph(tmp_path / "kb.txt")) == {
        (film, by, person),
        (film, LABEL, literal('A "B"')),
        (by, LABEL, literal("directed by")),
        (person, LABEL, literal("C/D")),
    }


def test_a_broken_line_of_a_knowledge_base_is_an_error_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "kb.txt").write_text("a|b|c\na|b\n")
    with pytest.raises(DatasetError, match="line 2: expected three names"):
        metaqa_graph(tmp_path / "kb.txt")


def test_a_pathquestion_path_becomes_the_gold_query_and_link(tmp_path: Path) -> None:
    path = tmp_path / "PQ-2H.txt"
    path.write_text("what is the sex of al 's parent ?\tmale(male/female/)\tal#parents#bo#gender#male#<end>#male\n")
    example = read_irn(path).items[0]
    assert example.answers == (iri(PATHS + "entity/male"), iri(PATHS + "entity/female"))
    assert example.gold_links[0].mention == Mention(19, 21, "al")
    assert (example.hops, example.category) == (2, "2-hop")
    assert example.gold_sparql == (
        f"SELECT DISTINCT ?answer WHERE {{ <{PATHS}entity/al> <{PATHS}relation/parents> ?x0_1 . "
        f"?x0_1 <{PATHS}relation/gender> ?answer . }}"
    )


def test_a_worldcup_conjunction_has_two_links_and_its_inverse_is_walked_back(tmp_path: Path) -> None:
    path = tmp_path / "WC-C.txt"
    first, second = "Forward#plays_position_inverse#Al#<end>#Al", "Mexico#plays_for_country_inverse#Al#<end>#Al"
    path.write_text(f"name a Forward from Mexico ?\tAl\t{first}*{second}\tAl/Bo/\tAl#is_aged#3\tForward/Mexico\n")
    example = read_irn(path).items[0]
    assert [link.label for link in example.gold_links] == ["Forward", "Mexico"]
    assert example.answers == (iri(PATHS + "entity/Al"), iri(PATHS + "entity/Bo"))
    assert example.category == "conjunction"
    assert example.gold_sparql is not None
    assert f"?answer <{PATHS}relation/plays_position> <{PATHS}entity/Forward>" in example.gold_sparql


def test_a_stated_inverse_is_the_same_triple_as_its_relation(tmp_path: Path) -> None:
    (tmp_path / "kb.txt").write_text("Forward\tplays_position_inverse\tAl\n")
    (tmp_path / "same.txt").write_text("Al\tplays_position\tForward\n")
    assert set(irn_graph(tmp_path / "kb.txt")) == set(irn_graph(tmp_path / "same.txt"))


@pytest.mark.parametrize(
    "line",
    [
        "who ?\tal",
        "who ?\tal(al/)\tal#parents",
        "who ?\tbo(bo/)\tal#parents#al",
        "who ?\tal(/)\tal#parents#al",
        "who \xff",
    ],
    ids=["columns", "path", "end", "no answers", "encoding"],
)
def test_a_bad_pathquestion_line_is_listed_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "PQ-2H.txt"
    path.write_bytes(b"who is al 's parent ?\tbo(bo/)\tal#parents#bo\n" + line.encode("latin-1") + b"\n")
    found = read_irn(path)
    assert len(found.items) == 1
    assert [bad.number for bad in found.bad_lines] == [2]
