"""Predictions of other systems, read from QALD JSON or our JSONL, and our own written as QALD JSON for GERBIL.

QALD JSON is that of Usbeck et al., "Benchmarking Question Answering Systems" (2019): `questions`, each with `id`,
`question` by language, `query` with its `sparql`, and `answers` in the SPARQL 1.1 Query Results JSON Format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import XSD_BOOLEAN, Term, TermKind, literal
from kgqa.errors import DatasetError
from kgqa.evaluation.outcomes import Given, Outcome, given_of

MAX_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class PredictedLine:
    """What a file says to one question; `question` may be empty in QALD JSON."""

    id: str
    question: str
    given: Given


@dataclass(frozen=True, slots=True)
class Matched:
    """The outcomes of all examples, in order. `missing` examples had no prediction and count as abstentions; `unused`
    predictions are of no example."""

    outcomes: tuple[Outcome, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]


def read_predictions(path: Path) -> tuple[PredictedLine, ...]:
    """Return the predictions of a file: one JSON document is QALD JSON, an object a line is our JSONL.

    Raises DatasetError, with the line or question that is wrong.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DatasetError(f"{path}: larger than {MAX_BYTES >> 30} GiB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 at byte {error.start}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and "questions" in document:
        return _read_qald(document, path)
    return _read_lines(text, path)


def match(
    examples: Sequence[QAExample], predictions: Iterable[PredictedLine], parts: Sequence[str] | None = None
) -> Matched:
    """Return each example with its prediction: that of its id, else that of its very text.

    Raises DatasetError where two predictions have the same id, or the same text and no id.
    """
    by_id: dict[str, PredictedLine] = {}
    by_text: dict[str, PredictedLine] = {}
    found = tuple(predictions)
    for line in found:
        table, key = (by_id, line.id) if line.id else (by_text, line.question)
        if key in table:
            raise DatasetError(f"there are two predictions of the question {key!r}")
        table[key] = line
    texts = {**{line.question: line for line in found if line.question}, **by_text}
    outcomes, missing, used = [], [], set()
    for place, example in enumerate(examples):
        line_found = by_id.get(example.question.id) if example.question.id else None
        line_found = line_found or texts.get(example.question.text)
        part = parts[place] if parts else ""
        if line_found is None:
            missing.append(example.question.id or example.question.text)
            outcomes.append(Outcome(example, Given(), part))
        else:
            used.add(id(line_found))
            outcomes.append(Outcome(example, line_found.given, part))
    return Matched(
        tuple(outcomes), tuple(missing), tuple(line.id or line.question for line in found if id(line) not in used)
    )


def to_qald(outcomes: Iterable[Outcome], dataset: str) -> dict[str, object]:
    """Return the given answers as a QALD JSON document, which GERBIL takes as a system's answer file."""
    return {"dataset": {"id": dataset}, "questions": [_question(outcome) for outcome in outcomes]}


def _question(outcome: Outcome) -> dict[str, object]:
    example, given = outcome.example, outcome.given
    return {
        "id": example.question.id,
        "question": [{"language": example.language, "string": example.question.text}],
        "query": {"sparql": given.sparql} if given.sparql else {},
        "answers": [_results(given.answers)],
    }


def _results(answers: Sequence[Term]) -> dict[str, object]:
    if len(answers) == 1 and answers[0].datatype == XSD_BOOLEAN:
        return {"head": {}, "boolean": answers[0].value in ("true", "1")}
    return {
        "head": {"vars": ["answer"]},
        "results": {"bindings": [{"answer": _binding(term)} for term in answers]},
    }


def _binding(term: Term) -> dict[str, str]:
    told = {"type": term.kind, "value": term.value}
    if term.datatype:
        told["datatype"] = term.datatype
    if term.lang:
        told["xml:lang"] = term.lang
    return told


def _read_qald(document: Mapping[str, object], path: Path) -> tuple[PredictedLine, ...]:
    questions = document["questions"]
    if not isinstance(questions, list):
        raise DatasetError(f"{path}: 'questions' is no list")
    found = []
    for number, question in enumerate(questions, start=1):
        try:
            found.append(_qald_line(question))
        except ValueError as error:
            raise DatasetError(f"{path}: question {number}: {error}") from error
    return tuple(found)


def _qald_line(question: object) -> PredictedLine:
    if not isinstance(question, dict):
        raise ValueError("not an object")
    wordings = question.get("question")
    text = ""
    if isinstance(wordings, list) and wordings and isinstance(wordings[0], dict):
        text = str(wordings[0].get("string") or "")
    query = question.get("query")
    sparql = query.get("sparql") if isinstance(query, dict) else None
    terms: list[Term] = []
    for results in question.get("answers") or ():
        if not isinstance(results, dict):
            raise ValueError("'answers' must hold objects of SPARQL results")
        if isinstance(results.get("boolean"), bool):
            terms.append(literal("true" if results["boolean"] else "false", XSD_BOOLEAN))
        bindings = results.get("results")
        rows = bindings.get("bindings") if isinstance(bindings, dict) else None
        if rows is None:
            continue
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("'bindings' must be a list of objects")
        terms += [_term(binding) for row in rows for binding in row.values()]
    given = Given(tuple(terms), ("",) * len(terms), sparql=str(sparql) if sparql else None)
    identifier = question.get("id")
    return PredictedLine("" if identifier is None else str(identifier), text, given)


def _term(binding: object) -> Term:
    if not isinstance(binding, dict) or not isinstance(binding.get("value"), str):
        raise ValueError("a binding must be an object with a 'value'")
    kinds: dict[object, TermKind] = {"uri": "uri", "literal": "literal", "typed-literal": "literal", "bnode": "bnode"}
    kind = kinds.get(binding.get("type"))
    if kind is None:
        raise ValueError(f"unknown binding type {binding.get('type')!r}; expected one of: bnode, literal, uri")
    if kind != "literal":
        return Term(kind, binding["value"])
    datatype, lang = binding.get("datatype"), binding.get("xml:lang")
    return literal(binding["value"], str(datatype) if datatype else None, str(lang) if lang else None)


def _read_lines(text: str, path: Path) -> tuple[PredictedLine, ...]:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not a JSON object")
            identifier = row.get("id")
            question = row.get("question")
            told = PredictedLine(
                "" if identifier is None else str(identifier),
                question if isinstance(question, str) else "",
                given_of(row),
            )
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path}: line {number}: {error}") from error
        if not told.id and not told.question:
            raise DatasetError(f"{path}: line {number}: neither 'id' nor 'question'")
        found.append(told)
    return tuple(found)
