from __future__ import annotations

import re
from typing import Any, cast

import pytest

import kgqa_rendering as rendering
from kgqa.datatypes import (
    XSD_BOOLEAN,
    XSD_INTEGER,
    Answer,
    EntityCandidate,
    EntityLink,
    Fact,
    Mention,
    Prediction,
    Question,
    Reading,
    Subgraph,
    Term,
    iri,
    literal,
)
from kgqa.errors import GraphLoadError

HOSTILE = (
    "![x](http://127.0.0.1:8777/md-image-beacon)",
    "<script>document.title='PWNED'</script>",
    ":red[**SYSTEM ERROR**]",
    "{b} {c} {{7*7}}",
)
ADA, BEN, CLARA = (iri(f"https://kgqa.example/family#{name}") for name in ("Ada", "Ben", "Clara"))
PARENT = iri("https://kgqa.example/family#parent")
NO_SUBGRAPH = Subgraph()


def answered(
    *answers: Answer,
    evidence: tuple[Fact, ...] = (),
    readings: tuple[Reading, ...] = (),
    subgraph: Subgraph = NO_SUBGRAPH,
) -> Prediction:
    return Prediction(
        Question("?"),
        "answered",
        answers=answers,
        sparql="chosen",
        evidence=evidence,
        readings=readings,
        subgraph=subgraph,
    )


def reading(sparql: str, *, operator: Any = "list", preview: tuple[str, ...] = (), n_answers: int = 0) -> Reading:
    return Reading("parent of Clara | a person", sparql, operator, 0.5, n_answers, preview)


def series(picture: rendering.Picture | None) -> dict[str, Any]:
    assert picture is not None
    return cast(dict[str, Any], cast(list[object], picture.spec["series"])[0])


# -- text


@pytest.mark.parametrize("label", HOSTILE)
def test_markup_in_a_label_is_kept_as_it_is(label: str) -> None:
    assert rendering.plain(label) == label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Answer: 42\n\nverified", "# Answer: 42 verified"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\x00b\x1b[31m", "a\\u0000b\\u001b[31m"),
        ("Ber\u200blin", "Ber\\u200blin"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("Zürich", "Zürich"),
    ],
    ids=["newlines", "reversed", "control", "zero width", "joined emoji", "ordinary"],
)
def test_a_label_is_one_line_that_hides_nothing(text: str, shown: str) -> None:
    assert rendering.plain(text) == shown


def test_a_long_label_is_cut_with_an_ellipsis() -> None:
    assert rendering.plain("A" * 5000, max_chars=10) == "A" * 9 + "…"


def test_escaped_markdown_has_a_backslash_before_every_mark() -> None:
    assert rendering.escape_markdown("![x](u) *a* $b$ :c:") == r"\!\[x\]\(u\) \*a\* \$b\$ \:c\:"


@pytest.mark.parametrize(
    ("term", "label", "shown"),
    [
        (ADA, "Ada Moreau", "Ada Moreau"),
        (iri("https://kgqa.example/world#HighestPoint"), "", "highest point"),
        (iri("https://kgqa.example/world#HighestPoint"), "   ", "highest point"),
        (literal("01.50"), "", "01.50"),
        (literal(""), "", "(empty)"),
        (Term("bnode", "b0"), "", "(unnamed)"),
    ],
    ids=["label", "local name", "blank label", "lexical form", "empty", "blank node"],
)
def test_a_term_is_always_called_something(term: Term, label: str, shown: str) -> None:
    assert rendering.term_text(term, label).lower() == shown.lower()


# -- answers


@pytest.mark.parametrize(("value", "shown"), [("true", "Yes"), ("1", "Yes"), ("false", "No"), ("0", "No")])
def test_a_boolean_is_answered_by_yes_or_no(value: str, shown: str) -> None:
    assert rendering.answer_label(Answer(literal(value, XSD_BOOLEAN), value, 1.0)) == shown


@pytest.mark.parametrize(
    ("term", "row"),
    [
        (ADA, rendering.AnswerRow("x", ADA.value, "IRI")),
        (literal("5", XSD_INTEGER), rendering.AnswerRow("x", "5", "integer")),
        (literal("cinq", lang="fr"), rendering.AnswerRow("x", "cinq", "text (fr)")),
        (literal("five"), rendering.AnswerRow("x", "five", "text")),
    ],
    ids=["iri", "typed", "tagged", "plain"],
)
def test_a_row_tells_an_answers_identifier_and_kind(term: Term, row: rendering.AnswerRow) -> None:
    assert rendering.answer_row(Answer(term, "x", 1.0)) == row


def test_the_reading_that_was_answered_is_not_a_runner_up() -> None:
    first, chosen = reading("other"), reading("chosen")
    prediction = answered(readings=(first, chosen))
    assert rendering.chosen_reading(prediction) is chosen
    assert rendering.runner_ups(prediction) == (first,)


def test_the_best_reading_of_an_unsure_question_is_shown_apart() -> None:
    best, second = reading("a"), reading("b")
    prediction = Prediction(Question("?"), "not_found", "not_sure", readings=(best, second))
    assert rendering.chosen_reading(prediction) is None
    assert rendering.unsure_reading(prediction) is best
    assert rendering.runner_ups(prediction) == (second,)


def test_a_missing_relation_has_no_unsure_reading() -> None:
    prediction = Prediction(Question("?"), "not_found", "no_such_relation", readings=(reading("a"),))
    assert rendering.unsure_reading(prediction) is None


def test_only_answers_in_an_order_are_numbered() -> None:
    answers = (Answer(ADA, "Ada", 1.0), Answer(BEN, "Ben", 1.0))
    assert rendering.is_ranked(answered(*answers, readings=(reading("chosen", operator="order"),)))
    assert not rendering.is_ranked(answered(*answers, readings=(reading("chosen"),)))


def test_a_reading_is_told_without_its_kind_of_answer() -> None:
    assert rendering.reading_text(reading("a")) == "parent of Clara"


@pytest.mark.parametrize(
    ("preview", "n_answers", "shown"),
    [
        (("Ada", "Ben"), 2, "Ada, Ben"),
        (("Ada", "Ben"), 1202, "Ada, Ben and 1,200 more"),
        ((), 0, "nothing"),
        ((), 1, "1 answer"),
    ],
)
def test_a_preview_tells_how_many_more_there_are(preview: tuple[str, ...], n_answers: int, shown: str) -> None:
    assert rendering.preview_text(reading("a", preview=preview, n_answers=n_answers)) == shown


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [
        (1.0, "High confidence, 100%"),
        (0.999, "High confidence, over 99%"),
        (0.85, "High confidence, 85%"),
        (0.6, "Fair confidence, 60%"),
        (0.41, "Low confidence, 41%"),
        (0.001, "Low confidence, under 1%"),
        (0.0, "Low confidence, 0%"),
    ],
)
def test_a_confidence_is_a_word_and_a_percentage(confidence: float, shown: str) -> None:
    assert rendering.confidence_text(confidence) == shown


# -- why


def test_evidence_is_told_once_and_in_order() -> None:
    told = Fact(CLARA, PARENT, ADA, "Clara's parent is Ada.")
    bare = Fact(CLARA, PARENT, BEN)
    assert rendering.evidence_sentences(answered(evidence=(told, bare, told))) == (
        "Clara's parent is Ada.",
        "clara · parent · ben",
    )


def test_evidence_falls_back_on_the_answers_own() -> None:
    answer = Answer(ADA, "Ada", 1.0, (Fact(CLARA, PARENT, ADA, "Clara's parent is Ada."),))
    assert rendering.evidence_sentences(answered(answer)) == ("Clara's parent is Ada.",)


def test_a_link_line_tells_what_a_mention_was_taken_for() -> None:
    links = (
        EntityLink(
            Mention(0, 5, "Clara"), (EntityCandidate(CLARA, "Clara Moreau", 1.0), EntityCandidate(ADA, "Ada", 0.5))
        ),
        EntityLink(Mention(6, 9, "Zed")),
    )
    assert rendering.link_lines(Prediction(Question("?"), "not_found", links=links)) == (
        "“Clara” → Clara Moreau (1 other candidate)",
        "“Zed” names nothing in this graph",
    )


def test_timings_are_told_stage_by_stage() -> None:
    prediction = Prediction(Question("?"), "answered", timings_ms={"link": 0.4, "read": 38.2, "answer": 1400.0})
    assert rendering.timing_line(prediction) == "link under 1 ms · read 38 ms · answer 1.4 s"


# -- the picture


def test_nothing_is_drawn_where_there_are_no_facts() -> None:
    assert rendering.picture(answered(Answer(ADA, "Ada", 1.0))) is None


def test_answers_and_topic_entities_stand_out_in_the_picture() -> None:
    prediction = answered(
        Answer(ADA, "Ada Moreau", 1.0),
        evidence=(Fact(CLARA, PARENT, ADA), Fact(CLARA, PARENT, BEN)),
        subgraph=Subgraph((CLARA,)),
    )
    drawn = series(rendering.picture(prediction, name_of=lambda term: "Clara Moreau" if term == CLARA else ""))
    assert [node["name"] for node in drawn["data"]] == ["Clara Moreau", "Ada Moreau", "ben"]
    assert [node["value"] for node in drawn["data"]] == ["Asked about", "Answer", "Nearby"]
    assert [(link["source"], link["target"], link["value"]) for link in drawn["links"]] == [
        ("0", "1", "parent"),
        ("0", "2", "parent"),
    ]


def test_equal_literals_of_two_things_are_two_nodes() -> None:
    age = iri("https://kgqa.example/age")
    facts = (Fact(ADA, age, literal("40", XSD_INTEGER)), Fact(BEN, age, literal("40", XSD_INTEGER)))
    drawn = series(rendering.picture(answered(evidence=facts)))
    assert [node["name"] for node in drawn["data"]] == ["ada", "40", "ben", "40"]


def test_two_predicates_between_two_things_share_an_edge() -> None:
    facts = (Fact(CLARA, PARENT, ADA), Fact(CLARA, iri("https://kgqa.example/heir"), ADA))
    assert [link["value"] for link in series(rendering.picture(answered(evidence=facts)))["links"]] == ["parent, heir"]


def test_the_picture_keeps_to_its_cap_and_says_what_it_left_out() -> None:
    facts = tuple(Fact(ADA, PARENT, iri(f"https://kgqa.example/child{n}")) for n in range(400))
    picture = rendering.picture(answered(evidence=facts))
    assert picture is not None
    assert len(series(picture)["data"]) == picture.n_nodes == rendering.MAX_NODES == 150
    assert (picture.n_facts, picture.n_left_out) == (149, 251)  # one node is the hub


def test_a_large_picture_names_only_answers_and_topic_entities() -> None:
    facts = tuple(Fact(CLARA, PARENT, iri(f"https://kgqa.example/child{n}")) for n in range(40))
    prediction = answered(Answer(facts[0].object, "First", 1.0), evidence=facts, subgraph=Subgraph((CLARA,)))
    drawn = series(rendering.picture(prediction, name_of=lambda term: "Clara" if term == CLARA else ""))
    assert [node["name"] for node in drawn["data"] if node["label"]["show"]] == ["Clara", "First"]
    assert not any(link["label"]["show"] for link in drawn["links"])


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_never_becomes_a_template_of_the_picture(label: str) -> None:
    prediction = answered(Answer(ADA, label, 1.0), evidence=(Fact(CLARA, PARENT, ADA),))
    picture = rendering.picture(prediction)
    drawn = series(picture)
    assert [node["name"] for node in drawn["data"]] == ["clara", label]
    templates = re.findall(r"'formatter': '([^']*)'", repr(picture))
    assert templates == ["{c}"]  # the edges' own, over the names of predicates


def test_the_pictures_text_is_light_on_a_dark_page() -> None:
    prediction = answered(evidence=(Fact(CLARA, PARENT, ADA),))
    light, dark = (series(rendering.picture(prediction, dark=dark))["label"]["color"] for dark in (False, True))
    assert int(light[1:3], 16) < 80 < 200 < int(dark[1:3], 16)


# -- graphs and files


@pytest.mark.parametrize(
    ("file_name", "slug"),
    [
        ("films.ttl", "films"),
        ("Films of 1999.TTL.gz", "films-of-1999"),
        ("../../../../tmp/evil.ttl", "evil"),
        ("..\\..\\evil.ttl", "evil"),
        ("", "graph"),
        ("..", "graph"),
        (".ttl", "graph"),
        ("x\x00.ttl", "x"),
        ("$(touch pwned).ttl", "touch-pwned"),
        ("<img src=x onerror=alert(1)>.ttl", "img-src-x-onerror-alert-1"),
        ("柏林.ttl", "graph"),
        ("a" * 300 + ".ttl", "a" * 32),
    ],
)
def test_a_stored_name_keeps_only_letters_and_digits(file_name: str, slug: str) -> None:
    assert rendering.slug(file_name) == slug


@pytest.mark.parametrize(
    ("file_name", "suffix"),
    [("a.ttl", ".ttl"), ("a.NT.GZ", ".nt.gz"), ("a.gz", ".gz"), ("a.exe", ""), ("a.ttl/../x", ""), ("a", "")],
)
def test_only_a_known_suffix_of_a_file_name_is_kept(file_name: str, suffix: str) -> None:
    assert rendering.upload_suffix(file_name) == suffix


def test_a_refused_file_is_called_by_its_own_name_in_one_line() -> None:
    error = GraphLoadError("Unexpected\nend of file", path="upload.ttl", line=3)
    shown = rendering.failure_line(error, path="/somewhere/upload.ttl", shown_name="<b>films</b>.ttl")
    assert shown == "<b>films</b>.ttl:3: Unexpected end of file"


def test_example_questions_come_from_the_schema() -> None:
    classes = [("person", 7), ("city", 2), ("lone thing", 1)]
    relations = [("Clara Moreau", "birth date"), ("Clara Moreau", "has part"), ("Porto", "population")]
    assert rendering.example_questions(classes, relations) == (
        "What is the birth date of Clara Moreau?",
        "What is the population of Porto?",
        "How many people are there?",
        "How many cities are there?",
    )


@pytest.mark.parametrize("label", HOSTILE)
def test_markup_never_gets_into_an_example_question(label: str) -> None:
    assert rendering.example_questions([(label, 5)], [(label, "population"), ("Porto", label)]) == ()
