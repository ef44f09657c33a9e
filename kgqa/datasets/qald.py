"""QALD in its two layouts: JSON (QALD-6 to 10, QALD-9-plus, and sets published in its form) and XML (QALD-1 to 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgqa.datasets.documents import (
    Record,
    answer_kind,
    convert_all,
    distinct,
    identifier,
    list_in,
    metadata_of,
    query_of,
    read_json,
    read_xml,
)
from kgqa.datasets.question_files import AnswerForm, BadLine, QAExample, QuestionFile
from kgqa.datatypes import XSD, XSD_BOOLEAN, Question, Term, iri, literal

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ALL_LANGUAGES = "all"
_OUT_OF_SCOPE = "OUT OF SCOPE"


@dataclass(frozen=True, slots=True)
class Wording:
    """A question in one language; `place` counts the wordings in that language from 1."""

    language: str
    place: int
    text: str


def read_qald_json(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a QALD JSON file in one language, or in `all`.

    Where a question has several wordings in the language (QALD-9-plus), the first is taken; with `all` each is an
    example of its own, whose id ends in "@" and the language. A question without a wording in the language is a bad
    line. Gold answers are what the gold bindings hold of the first variable of the head.
    Raises DatasetError where the file cannot be read.
    """
    rows = list_in(read_json(path), path, "questions")
    return convert_all(rows, qald_examples, language)


def qald_examples(record: Record, language: str) -> Iterable[QAExample]:
    """Return the examples of one question of a QALD JSON file. Raises ValueError."""
    told = record.get("question")
    rows = told if isinstance(told, list) else [{"language": "en", "string": told}]
    wordings = _wordings((str(row.get("language") or "en"), row.get("string")) for row in rows if isinstance(row, dict))
    query = record.get("query")
    sparql = query_of(query.get("sparql") if isinstance(query, dict) else query)
    answers, form = qald_answers(record.get("answers"), sparql)
    metadata = metadata_of(record, "answertype", "aggregation", "onlydbo", "hybrid", "level", "schema_terms")
    return _examples(identifier(record, "id"), wordings, answers, form, sparql, metadata, language)


def qald_answers(told: object, sparql: str | None) -> tuple[tuple[Term, ...], AnswerForm]:
    """Return the gold answers of a QALD question, and `none` as their form where the list of them is missing.

    An empty table of bindings is a gold answer too: nothing. Raises ValueError.
    """
    tables = told if isinstance(told, list) else [told] if isinstance(told, dict) else []
    if not tables:
        if sparql is None:
            raise ValueError("neither 'answers' nor a gold query")
        return (), "none"
    return distinct(term for table in tables for term in sparql_results(table)), "terms"


def sparql_results(table: object) -> list[Term]:
    """Return the terms that a SPARQL JSON result binds to the first variable of its head. Raises ValueError."""
    if not isinstance(table, dict):
        raise ValueError("an answer is no SPARQL JSON result")
    truth = table.get("boolean")
    if isinstance(truth, bool):
        return [literal("true" if truth else "false", XSD_BOOLEAN)]
    head, results = table.get("head"), table.get("results")
    variables = head.get("vars") if isinstance(head, dict) else None
    rows = results.get("bindings") if isinstance(results, dict) else None
    if not isinstance(rows, list):
        raise ValueError("a SPARQL JSON result without 'bindings'")
    found = []
    for row in rows:
        if not isinstance(row, dict):
            raise ValueError("a binding must be an object")
        names = [name for name in variables or () if name in row] or list(row)
        if names:
            found.append(binding_term(row[names[0]]))
    return found


def binding_term(bound: object) -> Term:
    """Return the term of a binding. `list`, which QALD-8 writes, is read as an IRI. Raises ValueError."""
    if not isinstance(bound, Mapping) or not isinstance(bound.get("value"), str | int | float | bool):
        raise ValueError("a binding must be an object with 'type' and 'value'")
    kind, raw = bound.get("type"), bound["value"]
    value = str(raw).lower() if isinstance(raw, bool) else str(raw)
    if kind in ("uri", "list"):
        return iri(value.strip())
    if kind == "bnode":
        return Term("bnode", value)
    if kind in ("literal", "typed-literal"):
        datatype, lang = bound.get("datatype"), bound.get("xml:lang") or bound.get("lang")
        return literal(value, str(datatype) if datatype else None, str(lang) if lang else None)
    raise ValueError(f"unknown type {kind!r} of a binding")


# -- XML


def read_qald_xml(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a QALD XML file in one language, or in `all`; see `read_qald_json`.

    A question marked as out of scope has no answers: the graph does not tell. Of a hybrid question the pseudo-query,
    which asks of text too, is no gold query and is kept as metadata. A question with neither answers nor a query, as
    test files are published before a challenge, is a bad line. Raises DatasetError where the file cannot be read.
    """
    items: list[QAExample] = []
    bad: list[BadLine] = []
    for number, element in enumerate(read_xml(path).iter("question"), start=1):
        try:
            items += _xml_examples(element, language)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
    return QuestionFile(tuple(items), tuple(bad))


def _xml_examples(element: Element, language: str) -> Iterable[QAExample]:
    wordings = _wordings(((e.get("lang") or "en"), e.text) for e in element.findall("string"))
    query = query_of(element.findtext("query"))
    pseudo = query_of(element.findtext("pseudoquery"))
    metadata = metadata_of(element.attrib, "answertype", "aggregation", "onlydbo", "hybrid")
    form: AnswerForm = "terms"
    answers: tuple[Term, ...] = ()
    if query == _OUT_OF_SCOPE:
        query, metadata = None, (*metadata, ("out of scope", "true"))
    else:
        told = element.find("answers")
        answers = distinct(_xml_answer(e, element.get("answertype") or "") for e in (told if told is not None else ()))
        if not answers:
            if query is None and pseudo is None:
                raise ValueError("neither answers nor a gold query")
            form = "none"
    if pseudo:
        metadata = (*metadata, ("pseudoquery", pseudo))
    return _examples(element.get("id") or "", wordings, answers, form, query, metadata, language)


def _xml_answer(element: Element, answer_type: str) -> Term:
    typed = next(iter(element), None)
    kind = typed.tag if typed is not None else answer_type
    value = ((typed.text if typed is not None else element.text) or "").strip()
    if not value:
        raise ValueError("an empty answer")
    if kind == "boolean":
        return literal(value.lower(), XSD_BOOLEAN)
    if kind == "date":
        return literal(value, XSD + "date")
    if kind in ("number", "string") and not value.startswith(("http://", "https://")):
        return literal(value, XSD + "decimal" if kind == "number" and _is_number(value) else None)
    return iri(value) if value.startswith(("http://", "https://")) else literal(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "e" not in text.lower() and "n" not in text.lower()


# -- both


def _wordings(told: Iterable[tuple[str, object]]) -> list[Wording]:
    counts: dict[str, int] = {}
    found = []
    for tag, text in told:
        if isinstance(text, str) and text.strip():
            language = tag.lower().replace("_", "-")
            counts[language] = counts.get(language, 0) + 1
            found.append(Wording(language, counts[language], " ".join(text.split())))
    return found


def _examples(
    name: str,
    wordings: Sequence[Wording],
    answers: tuple[Term, ...],
    form: AnswerForm,
    sparql: str | None,
    metadata: tuple[tuple[str, str], ...],
    language: str,
) -> list[QAExample]:
    every = language == ALL_LANGUAGES
    chosen = list(wordings) if every else _in_language(wordings, language)[:1]
    if not chosen:
        there = ", ".join(dict.fromkeys(w.language for w in wordings)) or "no language"
        raise ValueError(f"no wording in {language!r}; there is one in {there}")
    kind = answer_kind(answers, sparql) if form == "terms" else None
    return [
        QAExample(
            Question(wording.text, f"{name}@{wording.language}{_ordinal(wording.place)}" if every else name),
            answers,
            category=dict(metadata).get("answertype", ""),
            answer_form=form,
            answer_kind=kind,
            language=wording.language,
            gold_sparql=sparql,
            metadata=metadata,
        )
        for wording in chosen
    ]


def _in_language(wordings: Sequence[Wording], language: str) -> list[Wording]:
    wanted = language.lower().replace("_", "-")
    return [w for w in wordings if w.language == wanted] or [
        w for w in wordings if w.language.partition("-")[0] == wanted.partition("-")[0]
    ]


def _ordinal(place: int) -> str:
    return f"#{place}" if place > 1 else ""
