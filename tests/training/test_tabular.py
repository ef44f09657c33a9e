"""Facts about turning a small school database into an RDF graph with gold answers."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

sqlglot = pytest.importorskip("sqlglot", reason="only building training data needs sqlglot")

from kgqa.datatypes import RDF_TYPE, RDFS, XSD, Term, iri, literal
from kgqa.training.tabular import convert_database, question_records, sample_rows, write_graph
from kgqa.training.tabular_graph import (
    STYLES,
    GraphMapping,
    Style,
    clean_column,
    find_links,
    graph_triples,
    map_schema,
    read_database,
    singular,
    split_words,
)
from kgqa.training.tabular_sql import Gold, TableQuestion
from kgqa.training.wikitables import gold_answer as wikitable_gold
from kgqa.training.wikitables import read_table

SCHOOL = """
CREATE TABLE teacher (teacher_id INT, name TEXT, age TEXT);
CREATE TABLE course (course_id INT, title TEXT, credits INT, teacher_id INT,
                     FOREIGN KEY (teacher_id) REFERENCES teacher(teacher_id));
CREATE TABLE student (student_id INT, first_name TEXT, last_name TEXT, active TEXT, born TEXT);
CREATE TABLE takes (student_id INT, course_id INT, FOREIGN KEY (student_id) REFERENCES student(student_id),
                    FOREIGN KEY (course_id) REFERENCES course(course_id));
INSERT INTO teacher VALUES (1, 'Ada', '9'), (2, 'Bob', '41'), (3, 'Cid', '41'), (4, 'Dan', '30');
INSERT INTO course VALUES (10, 'Logic', 5, 1), (11, 'Sets', 3, 1), (12, 'Verbs', 4, 2), (13, 'Clay', NULL, NULL);
INSERT INTO student VALUES (7, 'Eve', 'Ray', 'T', '2001-02-03'), (8, 'Fay', 'Ray', 'F', '2002-02-03'),
                           (9, 'Gus', 'Orr', 'T', NULL), (6, 'Hal', 'Orr', 'T', '2000-01-01');
INSERT INTO takes VALUES (7, 10), (7, 11), (8, 10), (9, 12);
"""


def school() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHOOL)
    return connection


def convert(sql: str, style: Style = "snake") -> tuple[GraphMapping, Gold | str]:
    """Return the mapping, and the gold or the reason why there is none."""
    question = TableQuestion("q", "?", "", sql, "train")
    mapping, kept, dropped = convert_database("school", school(), [question], style=style)
    return mapping, kept[0][1] if kept else next(iter(dropped))


def labels(sql: str) -> list[str]:
    """Return the labels or values of the gold answers, in order."""
    mapping, gold = convert(sql)
    assert isinstance(gold, Gold), gold
    known = {s: o.value for s, p, o in graph_triples(mapping) if p.value == RDFS + "label"}
    return [known[term] if term.kind == "uri" else term.value for term in gold.answers]


def entity(name: str) -> Term:
    return iri(f"http://example.com/school/id/{name}")


def predicate(name: str) -> Term:
    return iri(f"http://example.com/school/schema#{name}")


def test_a_row_becomes_an_entity_with_its_class_its_label_and_typed_values() -> None:
    triples = set(graph_triples(convert("SELECT name FROM teacher")[0]))
    eve = entity("student/7")
    assert (eve, iri(RDF_TYPE), predicate("Student")) in triples
    assert (eve, iri(RDFS + "label"), literal("Eve Ray")) in triples
    assert (eve, predicate("active"), literal("true", XSD + "boolean")) in triples
    assert (eve, predicate("born"), literal("2001-02-03", XSD + "date")) in triples
    assert (entity("teacher/2"), predicate("age"), literal("41", XSD + "integer")) in triples


def test_null_and_surrogate_keys_leave_no_triple() -> None:
    triples = list(graph_triples(convert("SELECT name FROM teacher")[0]))
    assert {p for s, p, _ in triples if s == entity("course/13")} == {iri(RDF_TYPE), iri(RDFS + "label")}


def test_a_foreign_key_becomes_a_link_named_after_its_target() -> None:
    triples = set(graph_triples(convert("SELECT name FROM teacher")[0]))
    assert (entity("course/12"), predicate("teacher"), entity("teacher/2")) in triples


def test_a_pure_join_table_becomes_a_direct_property() -> None:
    mapping, _ = convert("SELECT name FROM teacher")
    between = {(s, o) for s, _, o in graph_triples(mapping) if s == entity("student/8") and "course" in o.value}
    assert between == {(entity("student/8"), entity("course/10"))}
    assert "takes" not in mapping.classes


@pytest.mark.parametrize("style", STYLES)
def test_every_style_keeps_every_link_between_rows(style: Style) -> None:
    mapping, _ = convert("SELECT name FROM teacher", style)
    rows = {term for terms in mapping.rows.values() for term in terms}
    links = [triple for triple in graph_triples(mapping) if triple[0] in rows and triple[2] in rows]
    assert len(links) == 3 + 4  # three courses have a teacher; four times a student takes a course


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT T1.title FROM course AS T1 JOIN teacher AS T2 ON T1.teacher_id = T2.teacher_id WHERE T2.name = 'Ada'", ["Logic", "Sets"]),
        ('SELECT title FROM course WHERE title = "Sets"', ["Sets"]),
        ("SELECT teacher_id FROM course WHERE title = 'Verbs'", ["Bob"]),
        ("SELECT first_name, last_name FROM student WHERE active = 'F'", ["Fay Ray"]),
        ("SELECT last_name FROM student WHERE active = 'T'", ["Ray", "Orr"]),
        ("SELECT count(*) FROM student AS T1 JOIN takes AS T2 ON T1.student_id = T2.student_id WHERE T1.last_name = 'Ray'", ["3"]),
        ("SELECT title FROM course ORDER BY credits LIMIT 1", ["Sets"]),
        ("SELECT name, age FROM teacher ORDER BY age, name", ["Ada", "Dan", "Bob", "Cid"]),
        ("SELECT name FROM teacher ORDER BY age DESC LIMIT 1", ["Bob", "Cid"]),
        ("SELECT name FROM teacher WHERE age > 9 AND age = (SELECT max(age) FROM teacher)", ["Bob", "Cid"]),
        ("SELECT T1.name FROM teacher AS T1 JOIN course AS T2 ON T1.teacher_id = T2.teacher_id GROUP BY T1.teacher_id ORDER BY count(*) DESC LIMIT 1", ["Ada"]),
        ("SELECT name FROM teacher WHERE teacher_id NOT IN (SELECT teacher_id FROM course WHERE teacher_id IS NOT NULL)", ["Cid", "Dan"]),
        ("SELECT student_id FROM student EXCEPT SELECT student_id FROM takes", ["Hal Orr"]),
        ("SELECT max(credits) FROM course", ["5"]),
    ],
    ids=[
        "join", "double-quoted string", "key of another row", "whole name", "part of a name", "count over a join",
        "null is not the least", "order of numbers kept as text", "ties at the limit", "nested maximum",
        "group by count", "not in", "except over keys", "extreme value",
    ],
)  # fmt: skip
def test_gold_answers_are_what_the_question_asks_for(sql: str, expected: list[str]) -> None:
    assert labels(sql) == expected


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT avg(credits) FROM course", "average or sum"),
        ("SELECT title, credits FROM course", "several columns"),
        ("SELECT name FROM teacher WHERE name LIKE 'A%'", "text pattern"),
        ("SELECT name FROM teacher WHERE teacher_id = 2", "filter on a hidden key"),
        ("SELECT name FROM teacher WHERE name = 'Zoe'", "no answer"),
        ("SELECT name FROM (SELECT * FROM teacher)", "subquery in FROM"),
        ("SELECT T1.title FROM course AS T1 JOIN teacher AS T2 ON T1.credits < T2.age", "join outside the graph"),
        (
            "SELECT T2.title FROM teacher AS T1 JOIN course AS T2 ON T1.teacher_id = T2.teacher_id GROUP BY T1.teacher_id",
            "group has several answers",
        ),
    ],
)
def test_a_question_that_cannot_be_mapped_exactly_is_dropped_with_its_reason(sql: str, reason: str) -> None:
    assert convert(sql)[1] == reason


def test_a_count_over_a_pure_join_table_names_its_direct_property() -> None:
    mapping, gold = convert("SELECT count(*) FROM takes")
    assert isinstance(gold, Gold)
    assert gold.answers == (literal("4", XSD + "integer"),)
    assert gold.iris == (mapping.predicates["takes", "course_id"][0],)


def test_gold_iris_hold_the_predicates_classes_and_named_entities_of_the_query() -> None:
    _, gold = convert(
        "SELECT T1.title FROM course AS T1 JOIN teacher AS T2 ON T1.teacher_id = T2.teacher_id WHERE T2.name = 'Ada'"
    )
    assert isinstance(gold, Gold)
    expected = {predicate("Course"), predicate("Teacher"), predicate("teacher"), entity("teacher/1")}
    assert set(gold.iris) == {term.value for term in expected}


@pytest.mark.parametrize(
    ("sql", "operator"),
    [
        ("SELECT name FROM teacher", "list"),
        ("SELECT count(*) FROM teacher", "count"),
        ("SELECT name FROM teacher ORDER BY age", "order"),
        ("SELECT name FROM teacher ORDER BY age LIMIT 1", "superlative"),
        ("SELECT name FROM teacher WHERE name = 'Ada' OR name = 'Bob' ORDER BY age DESC LIMIT 1", "compare"),
    ],
)
def test_the_operator_is_read_from_the_sql(sql: str, operator: str) -> None:
    gold = convert(sql)[1]
    assert isinstance(gold, Gold)
    assert gold.operator == operator


def test_a_sample_keeps_touched_rows_and_the_rows_they_link_to() -> None:
    tables, foreign_keys = read_database(school())
    links, _ = find_links(tables, foreign_keys)
    query = sqlglot.parse_one("SELECT title FROM course WHERE title = 'Verbs'", read="sqlite")
    small = sample_rows(tables, links, [query], random.Random(0), max_triples=11)
    assert [row[1] for row in small["course"].rows] == ["Verbs"]
    assert [row[1] for row in small["teacher"].rows] == ["Bob"]


@pytest.mark.parametrize(
    ("values", "datatype"),
    [
        (["1", "20", None], "integer"),
        (["1,200", "7"], "integer"),
        (["007", "12"], "text"),
        ([1.0, 2.0], "integer"),
        ([1.5, 2.0], "decimal"),
        (["yes", "no", "yes", "no"], "boolean"),
        (["F", "M", "F", "M"], "text"),
        (["2001-02-03 00:00:00", "2001-02-04 00:00:00"], "date"),
        (["2001-02-03 10:00:00", "2001-02-04 00:00:00"], "dateTime"),
        ([None, " ", "NULL"], "empty"),
    ],
)
def test_a_column_has_the_datatype_that_all_its_values_fit(values: list[str | float | None], datatype: str) -> None:
    assert clean_column(values)[0] == datatype


def test_identifiers_are_split_into_words() -> None:
    assert split_words("Song_releaseYear") == "song release year"
    assert [singular(word) for word in ("cities", "boxes", "classes", "series", "bus", "dogs")] == [
        "city", "box", "class", "series", "bus", "dog",
    ]  # fmt: skip


def test_the_same_seed_writes_the_same_files_with_both_wordings(tmp_path: Path) -> None:
    question = TableQuestion("q", "Who teaches?", "Who instructs?", "SELECT name FROM teacher", "dev")
    texts = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        mapping, kept, _ = convert_database("school", school(), [question], style="opaque", seed=3)
        records = [record for one, gold in kept for record in question_records(one, gold)]
        n_triples = write_graph(folder, mapping, records)
        assert n_triples == len((folder / "graph.nt").read_text().splitlines())
        texts.append((folder / "graph.nt").read_text() + (folder / "questions.jsonl").read_text())
    assert texts[0] == texts[1]
    lines = [json.loads(line) for line in (tmp_path / "a" / "questions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["q", "q-syn"]
    assert lines[0]["answers"] == lines[1]["answers"]
    assert lines[0]["split"] == "dev"


def test_a_wiki_table_answer_is_a_row_only_where_it_names_one(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('"Film","Year","Country"\n"Alien","1979","Peru"\n"Brazil","1985","Chile"\n"Clue","1985","Peru"\n')
    table = read_table(path)
    assert table is not None
    mapping = map_schema("wiki", {"record": table}, [], random.Random(0), "snake")
    gold = wikitable_gold(mapping, "which film came last?", ["Brazil"])
    assert gold.answers == (mapping.rows["record"][1],)
    assert wikitable_gold(mapping, "how many films are there?", ["3"]).operator == "count"
    with pytest.raises(ValueError, match="stored or counted"):
        wikitable_gold(mapping, "how many films are from 1985?", ["1985"])
