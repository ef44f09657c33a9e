"""Question files: one JSON object a line, with `question`, perhaps `id`, and for evaluation the gold `answers`.

`QAExample` is what every loader of this package returns, whatever the layout it reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar, cast, get_args

from kgqa.datatypes import XSD_BOOLEAN, Mention, Question, Term, iri, literal
from kgqa.errors import DatasetError

_Item = TypeVar("_Item")
MAX_LINE_BYTES = 64 << 20
AnswerKind = Literal["entity set", "literal", "count", "boolean", "unanswerable"]
AnswerForm = Literal["terms", "labels", "none"]


@dataclass(frozen=True, slots=True)
class GoldLink:
    """An entity that the set says the question is about. `mention` is None where the set does not tell the words."""

    entity: Term
    label: str = ""
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class QAExample:
    """A question with its gold answers, kept apart from the question; no answers means that the graph does not tell.

    `ordered` says that the order of the answers counts. `answer_form` says what the set gives: the `terms` themselves;
    only their `labels`, as plain literals, to be compared with the labels of what is answered; or `none`, where there
    is at most a gold query and `answers` says nothing. `hops` counts the relations from topic entity to answer, where
    the set tells. `metadata` holds what else the set tells, as (name, text) pairs in its own words.
    """

    question: Question
    answers: tuple[Term, ...]
    category: str = ""
    ordered: bool = False
    answer_form: AnswerForm = "terms"
    answer_kind: AnswerKind | None = None
    language: str = "en"
    hops: int | None = None
    gold_links: tuple[GoldLink, ...] = ()
    gold_sparql: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def is_answerable(self) -> bool:
        """Whether the graph holds an answer. A question whose answers the set does not give counts as answerable."""
        return bool(self.answers) or self.answer_form == "none"


@dataclass(frozen=True, slots=True)
class BadLine:
    """What was left out, and why: a line, or in a file that is one document, a question; counted from 1.

    `file` names it where a set has several.
    """

    number: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class QuestionFile(Generic[_Item]):
    """The good lines of a file in their order, and the bad ones. Blank lines are neither."""

    items: tuple[_Item, ...]
    bad_lines: tuple[BadLine, ...]


def read_questions(path: Path) -> QuestionFile[Question]:
    """Return the questions of a file. A question may be empty: what to say to that is the pipeline's to decide.

    Raises DatasetError where the file cannot be read.
    """
    return read_json_lines(path, _question)


def read_examples(path: Path) -> QuestionFile[QAExample]:
    """Return the questions of a file with their gold `answers`, which each line must have, if empty.

    An answer is `{"type": "uri" | "literal" | "boolean", "value": ...}`, with `datatype` or `lang` where it has one.
    `category`, `ordered`, `answer_kind`, `language`, `hops`, `sparql` (the gold query), `tags` and `topic_entities`
    (`iri`, and perhaps `label`, `mention`, `start`, `end`) are optional. Raises DatasetError where the file cannot be
    read.
    """
    return read_json_lines(path, _example)


def read_json_lines(path: Path, convert: Callable[[Mapping[str, object]], _Item]) -> QuestionFile[_Item]:
    """Return what `convert` makes of each line, a JSON object; where it raises ValueError the line is a bad one.

    Raises DatasetError where the file cannot be read.
    """
    return read_lines(path, lambda line: convert(_json_object(line)))


def read_lines(path: Path, convert: Callable[[bytes], _Item]) -> QuestionFile[_Item]:
    """Return what `convert` makes of each line that is not blank; where it raises ValueError the line is a bad one.

    Only a newline ends a line. Raises DatasetError where the file cannot be read.
    """
    items: list[_Item] = []
    bad: list[BadLine] = []
    try:
        for number, line in enumerate(_lines(path), start=1):
            if not line.strip():
                continue
            try:
                if len(line) > MAX_LINE_BYTES:
                    raise ValueError(f"longer than {MAX_LINE_BYTES:,} bytes")
                items.append(convert(line))
            except ValueError as error:
                bad.append(BadLine(number, str(error)))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    return QuestionFile(tuple(items), tuple(bad))


def text_of_line(line: bytes) -> str:
    """Return a line's text without its end. Raises ValueError where it is no UTF-8."""
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long only the beginning, longer than MAX_LINE_BYTES."""
    with path.open("rb") as file:
        first = True
        while line := file.readline(MAX_LINE_BYTES + 2):
            rest = line
            while not rest.endswith(b"\n") and len(rest) == MAX_LINE_BYTES + 2:
                rest = file.readline(MAX_LINE_BYTES + 2)
            yield line.removeprefix(b"\xef\xbb\xbf") if first else line
            first = False


def _json_object(line: bytes) -> Mapping[str, object]:
    text = text_of_line(line)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON: nested too deeply, or a number with too many digits") from error
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, found {kind_of_json(found)}")
    return found


def _question(row: Mapping[str, object]) -> Question:
    text, identifier = row.get("question"), row.get("id", "")
    if not isinstance(text, str):
        found = f"'question' must be a text, found {kind_of_json(text)}"
        raise ValueError(found if "question" in row else "no 'question'")
    if isinstance(identifier, bool) or not isinstance(identifier, str | int | float | None):
        raise ValueError(f"'id' must be a text or a number, found {kind_of_json(identifier)}")
    return Question(text, "" if identifier is None else str(identifier))


def _example(row: Mapping[str, object]) -> QAExample:
    question, answers = _question(row), row.get("answers")
    if not isinstance(answers, list):
        raise ValueError("no list of gold 'answers'")
    links, tags, hops, kind = (row.get(key) for key in ("topic_entities", "tags", "hops", "answer_kind"))
    if kind is not None and kind not in get_args(AnswerKind):
        raise ValueError(f"unknown answer_kind {kind!r}; expected one of: {', '.join(get_args(AnswerKind))}")
    return QAExample(
        question,
        tuple(_term(answer) for answer in answers),
        str(row.get("category") or ""),
        row.get("ordered") is True,
        answer_kind=cast(AnswerKind | None, kind),
        language=str(row.get("language") or "en"),
        hops=hops if isinstance(hops, int) and not isinstance(hops, bool) else None,
        gold_links=tuple(_gold_link(link, question.text) for link in links) if isinstance(links, list) else (),
        gold_sparql=str(row["sparql"]) if row.get("sparql") else None,
        metadata=tuple(("tag", str(tag)) for tag in tags) if isinstance(tags, list) else (),
    )


def _gold_link(link: object, text: str) -> GoldLink:
    if not isinstance(link, dict) or not isinstance(link.get("iri"), str):
        raise ValueError("a topic entity must be an object with an 'iri'")
    start, end, words = link.get("start"), link.get("end"), link.get("mention")
    mention = None
    if isinstance(start, int) and isinstance(end, int):
        mention = Mention(start, end, text[start:end])
        if end > len(text) or (isinstance(words, str) and words != mention.text):
            raise ValueError(f"the mention {words!r} is not at [{start}, {end}) of the question")
    return GoldLink(iri(link["iri"]), str(link.get("label") or ""), mention)


def _term(answer: object) -> Term:
    if not isinstance(answer, dict) or "value" not in answer:
        raise ValueError("an answer must be an object with 'type' and 'value'")
    kind, value = answer.get("type"), answer["value"]
    if kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError(f"a boolean answer must be true or false, found {value!r}")
        return literal("true" if value else "false", XSD_BOOLEAN)
    if not isinstance(value, str):
        raise ValueError(f"an answer's 'value' must be a text, found {kind_of_json(value)}")
    if kind == "uri":
        return iri(value)
    if kind == "literal":
        datatype, lang = answer.get("datatype"), answer.get("lang")
        return literal(value, str(datatype) if datatype else None, str(lang) if lang else None)
    raise ValueError(f"unknown answer type {kind!r}; expected one of: boolean, literal, uri")


def kind_of_json(value: object) -> str:
    """Return what kind of JSON value something is, in words."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
