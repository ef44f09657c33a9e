"""Reads the documents that sets come as, JSON, JSON lines, XML, YAML, CSV, under limits, into records.

What users download is hostile until it is parsed: a document that is too large, nested too deeply, malformed or has XML
entities is one DatasetError; a record that is not what it should be is a bad line with its number.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kgqa.datasets.question_files import (
    AnswerKind,
    BadLine,
    QAExample,
    QuestionFile,
    kind_of_json,
    read_json_lines,
    read_lines,
    text_of_line,
)
from kgqa.datatypes import XSD_BOOLEAN, Term, literal
from kgqa.errors import DatasetError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Record = Mapping[str, object]
Convert = Callable[[Record, str], Iterable[QAExample]]
"""Makes examples of one record, in the language asked for where the set has several; ValueError where it cannot."""

MAX_DOCUMENT_BYTES = 512 << 20
MAX_YAML_BYTES = 16 << 20
MAX_XML_DEPTH = 64


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads files of JSON records: a list, the list under the first of `roots` that is there, or an object a line."""

    convert: Convert
    roots: tuple[str, ...] = ()

    def __call__(self, path: Path, language: str) -> QuestionFile[QAExample]:
        """Return the examples of a file, and the records that were left out. Raises DatasetError."""
        if path.suffix == ".jsonl" or not _is_document(path, self.roots):
            lines = read_json_lines(path, lambda row: tuple(self.convert(row, language)))
            return QuestionFile(tuple(e for found in lines.items for e in found), lines.bad_lines)
        return convert_all(list_in(read_json(path), path, *self.roots), self.convert, language)


def records(convert: Convert, *roots: str) -> RecordReader:
    """Return a reader of records, with the names under which their list may be."""
    return RecordReader(convert, roots)


def convert_all(rows: Iterable[object], convert: Convert, language: str) -> QuestionFile[QAExample]:
    """Return the examples of all rows; a row that cannot be converted is a bad line, counted from 1."""
    items: list[QAExample] = []
    bad: list[BadLine] = []
    for number, row in enumerate(rows, start=1):
        try:
            if not isinstance(row, dict):
                raise ValueError(f"expected an object, found {kind_of_json(row)}")
            items += convert(row, language)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
    return QuestionFile(tuple(items), tuple(bad))


def read_json(path: Path) -> object:
    """Return a JSON document. Raises DatasetError."""
    try:
        return json.loads(read_text(path, MAX_DOCUMENT_BYTES))
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: not JSON: nested too deeply, or a number with too many digits") from error


def list_in(document: object, path: Path, *roots: str) -> list[object]:
    """Return the list that a document is, or has under the first of `roots` that is there. Raises DatasetError."""
    if isinstance(document, dict):
        document = next((document[root] for root in roots if root in document), document)
    if not isinstance(document, list):
        wanted = f"a list, or an object with {' or '.join(map(repr, roots))}" if roots else "a list"
        raise DatasetError(f"{path}: expected {wanted}, found {kind_of_json(document)}")
    return document


def read_yaml(path: Path) -> object:
    """Return a YAML document of plain values. Raises DatasetError, also where PyYAML is not installed."""
    try:
        import yaml
    except ImportError as error:
        raise DatasetError("YAML needs PyYAML; install the extra: pip install 'kgqa[benchmarks]'") from error
    text = read_text(path, MAX_YAML_BYTES)
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise DatasetError(f"{path}{place}: not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: not YAML that can be read: {type(error).__name__}") from error


def read_xml(path: Path) -> Element:
    """Return the root of an XML document. Entities and document types are refused. Raises DatasetError."""
    from xml.etree.ElementTree import TreeBuilder
    from xml.parsers import expat

    data = _read_bytes(path, MAX_DOCUMENT_BYTES)
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(), 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_XML_DEPTH:
            raise DatasetError(f"{path}:{parser.CurrentLineNumber}: elements nested more than {MAX_XML_DEPTH} deep")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def refuse(*_: object) -> None:
        raise DatasetError(f"{path}:{parser.CurrentLineNumber}: a document type or entity is not read")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        place, problem = f"{error.lineno}:{error.offset + 1}", expat.ErrorString(error.code)
        raise DatasetError(f"{path}:{place}: not XML: {problem}") from error
    root: Element = builder.close()
    return root


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


def read_csv(path: Path, *, tabs: bool = False) -> Iterator[Record]:
    """Yield the rows of a table with a head as records. With `tabs` between columns no quotes are looked for.

    Raises DatasetError.
    """
    import io

    text = read_text(path, MAX_DOCUMENT_BYTES)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), dialect=_Tabs if tabs else csv.excel, strict=True)
        for row in rows:
            yield {str(key): value for key, value in row.items()}
    except csv.Error as error:
        raise DatasetError(f"{path}: not a table: {error}") from error


def tabbed(convert: Callable[[list[str], int], QAExample]) -> Callable[[Path, str], QuestionFile[QAExample]]:
    """Return a reader of lines of columns with tabs between; `convert` gets the columns and the number of the row."""

    def read(path: Path, language: str) -> QuestionFile[QAExample]:
        number = 0

        def one(line: bytes) -> QAExample:
            nonlocal number
            number += 1
            return convert(text_of_line(line).split("\t"), number)

        return read_lines(path, one)

    return read


def read_text(path: Path, max_bytes: int) -> str:
    """Return a file's text. Raises DatasetError where it cannot be read, is too large or no UTF-8."""
    try:
        return _read_bytes(path, max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 at byte {error.start}") from error


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise DatasetError(f"{path}: larger than {max_bytes:,} bytes, the most that is read of such a file")
    return data


def _is_document(path: Path, roots: tuple[str, ...]) -> bool:
    """Whether a file is one JSON document and not an object a line, of which there may be only one."""
    try:
        with path.open("rb") as file:
            first, second = file.readline(1 << 20).strip(), file.readline(1 << 20).strip()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    first = first.removeprefix(b"\xef\xbb\xbf")
    one_record = first.startswith(b"{") and first.endswith(b"}")
    return not (one_record and (second.startswith(b"{") or (not second and not roots)))


# -- what records hold


def field(record: Record, *names: str) -> str:
    """Return the first of the named fields that is a text with words in it. Raises ValueError."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    raise ValueError(f"no {' or '.join(map(repr, names))}")


def identifier(record: Record, *names: str) -> str:
    """Return the first of the named fields that is a text or a number, as a text; "" where none is."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return ""


def query_of(value: object) -> str | None:
    """Return a query as it is written; None for what is empty or no text."""
    return value.strip() or None if isinstance(value, str) else None


def metadata_of(record: Record, *names: str) -> tuple[tuple[str, str], ...]:
    """Return the named fields that are there as (name, text) pairs; those of a list one by one."""
    found: list[tuple[str, str]] = []
    for name in names:
        value = record.get(name)
        values = value if isinstance(value, list) else [value]
        found += [(name, str(item)) for item in values if isinstance(item, str | int | float) and item != ""]
    return tuple(found)


def list_or_none(value: object) -> list[object]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def distinct(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Return the terms in their order, each once."""
    return tuple(dict.fromkeys(terms))


def labels_of(value: object) -> tuple[Term, ...]:
    """Return names, one or a list of them, as plain literals. Raises ValueError for anything else."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in values):
        raise ValueError("the answers are not names")
    return distinct(literal(str(item)) for item in values if str(item).strip())


def answer_kind(answers: Iterable[Term], query: str | None = None) -> AnswerKind:
    """Return which kind of answer a question has, judged by its gold answers, and by its query where it counts."""
    terms = tuple(answers)
    if not terms:
        return "unanswerable"
    if all(term.kind != "literal" for term in terms):
        return "entity set"
    if len(terms) == 1 and terms[0].datatype == XSD_BOOLEAN:
        return "boolean"
    if len(terms) == 1 and query and "count(" in query.lower().replace(" ", ""):
        return "count"
    return "literal"
