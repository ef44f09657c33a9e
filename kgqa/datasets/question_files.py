"""Question files: one JSON object a line, with `question`, perhaps `id`, and for evaluation the gold `answers`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from kgqa.datatypes import XSD_BOOLEAN, Question, Term, iri, literal
from kgqa.errors import DatasetError

_Item = TypeVar("_Item")
AnswerKind = Literal["entity set", "literal", "count", "boolean", "unanswerable"]


@dataclass(frozen=True, slots=True)
class QAExample:
    """A question with its gold answers, kept apart from the question; no answers means that the graph does not tell.

    `ordered` says that the order of the answers counts.
    """

    question: Question
    answers: tuple[Term, ...]
    category: str = ""
    ordered: bool = False

    @property
    def is_answerable(self) -> bool:
        """Whether the graph holds an answer."""
        return bool(self.answers)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, counted from 1, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class QuestionFile(Generic[_Item]):
    """The good lines of a file in their order, and the bad ones. Blank lines are neither."""

    items: tuple[_Item, ...]
    bad_lines: tuple[BadLine, ...]


def read_questions(path: Path) -> QuestionFile[Question]:
    """Return the questions of a file. A question may be empty: what to say to that is the pipeline's to decide.

    Raises DatasetError where the file cannot be read.
    """
    return _read(path, _question)


def read_examples(path: Path) -> QuestionFile[QAExample]:
    """Return the questions of a file with their gold `answers`, which each line must have, if empty.

    An answer is `{"type": "uri" | "literal" | "boolean", "value": ...}`, with `datatype` or `lang` where it has one.
    Raises DatasetError where the file cannot be read.
    """
    return _read(path, _example)


def _read(path: Path, convert: Callable[[Mapping[str, object]], _Item]) -> QuestionFile[_Item]:
    items: list[_Item] = []
    bad: list[BadLine] = []
    try:
        for number, line in enumerate(_lines(path), start=1):
            if not line.strip():
                continue
            try:
                items.append(convert(_json_object(line)))
            except ValueError as error:
                bad.append(BadLine(number, str(error)))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    return QuestionFile(tuple(items), tuple(bad))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for number, line in enumerate(file):
            yield line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line


def _json_object(line: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON: nested too deeply, or a number with too many digits") from error
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, found {_kind(found)}")
    return found


def _question(row: Mapping[str, object]) -> Question:
    text, identifier = row.get("question"), row.get("id", "")
    if not isinstance(text, str):
        raise ValueError(f"'question' must be a text, found {_kind(text)}" if "question" in row else "no 'question'")
    if isinstance(identifier, bool) or not isinstance(identifier, str | int | float | None):
        raise ValueError(f"'id' must be a text or a number, found {_kind(identifier)}")
    return Question(text, "" if identifier is None else str(identifier))


def _example(row: Mapping[str, object]) -> QAExample:
    question, answers = _question(row), row.get("answers")
    if not isinstance(answers, list):
        raise ValueError("no list of gold 'answers'")
    return QAExample(
        question, tuple(_term(answer) for answer in answers), str(row.get("category") or ""), row.get("ordered") is True
    )


def _term(answer: object) -> Term:
    if not isinstance(answer, dict) or "value" not in answer:
        raise ValueError("an answer must be an object with 'type' and 'value'")
    kind, value = answer.get("type"), answer["value"]
    if kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError(f"a boolean answer must be true or false, found {value!r}")
        return literal("true" if value else "false", XSD_BOOLEAN)
    if not isinstance(value, str):
        raise ValueError(f"an answer's 'value' must be a text, found {_kind(value)}")
    if kind == "uri":
        return iri(value)
    if kind == "literal":
        datatype, lang = answer.get("datatype"), answer.get("lang")
        return literal(value, str(datatype) if datatype else None, str(lang) if lang else None)
    raise ValueError(f"unknown answer type {kind!r}; expected one of: boolean, literal, uri")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
