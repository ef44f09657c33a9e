"""What a free SPARQL query may do, decided on the parsed query: read the graph, and nothing else.

A word in a query means little: `SERVICE` may be written with escapes, and may stand harmlessly in a string or in a
comment. So the query is parsed by rdflib, and its tree is searched. The text that was parsed is the text that must be
run: escapes are expanded and line ends made plain first, so that a second parser has nothing to read differently.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kgqa.errors import QueryError

QueryKind = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]
MAX_QUERY_CHARACTERS = 1_000_000
_KINDS: dict[str, QueryKind] = {
    "SelectQuery": "SELECT", "AskQuery": "ASK", "ConstructQuery": "CONSTRUCT", "DescribeQuery": "DESCRIBE"
}  # fmt: skip
_ESCAPE = re.compile(r"\\[uU][0-9A-Fa-f]{4}")
_RECURSION_LIMIT = 20_000  # pyparsing takes about 30 frames a level of nesting


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A query that only reads. `text` is what was checked, and what may be sent to an engine in its place."""

    text: str
    kind: QueryKind


def check_query(query: str, *, graphs: Collection[str] = ()) -> CheckedQuery:
    """Return the query if it only reads what is there: no SERVICE, no FROM but of `graphs`, no update.

    A hostile query can take long or exhaust the stack in the parser itself: call this in a process that may die.
    Raises QueryError with one line.
    """
    from pyparsing import ParseBaseException
    from rdflib.plugins.sparql.parser import parseQuery

    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryError(f"the query has {len(query):,} characters; at most {MAX_QUERY_CHARACTERS:,} are read")
    text = _plain_text(query)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        prologue, body = parseQuery(text)
        kind = _KINDS[body.name]
        if any(part == "ServiceGraphPattern" for part in _names(body)):
            raise QueryError("SERVICE is refused: a query may not ask other hosts")
        _check_dataset(prologue, body, graphs)
    except RecursionError as error:
        raise QueryError("the query is nested too deeply") from error
    except ParseBaseException as error:
        if _is_update(text):
            raise QueryError("updates are refused: only SELECT, ASK, CONSTRUCT and DESCRIBE are run") from error
        message = f"line {error.lineno}, column {error.column}: this is not a SPARQL 1.1 query that only reads"
        raise QueryError(message) from error
    except QueryError:
        raise
    except Exception as error:  # rdflib raises plain Exception for an unknown prefix
        raise QueryError(f"this is not a SPARQL 1.1 query: {' '.join(str(error).split())[:200]}") from error
    finally:
        sys.setrecursionlimit(limit)
    return CheckedQuery(text, kind)


def _plain_text(query: str) -> str:
    """Return the query with escapes expanded, so that every parser sees the same characters, and lines end alike."""
    from rdflib.plugins.sparql.parser import expandUnicodeEscapes

    try:
        text = expandUnicodeEscapes(query)
        text.encode("utf-8")
    except ValueError as error:
        raise QueryError("the query has an escape that is no character") from error
    if _ESCAPE.search(text):
        raise QueryError("the query has an escape within an escape")
    if "\0" in text:
        raise QueryError("the query has a NUL character")
    return text.replace("\r\n", "\n").replace("\r", "\n")  # rdflib ends a comment at a line feed only


def _is_update(text: str) -> bool:
    from rdflib.plugins.sparql.parser import parseUpdate

    try:
        return bool(parseUpdate(text).get("request"))
    except Exception:  # whatever it is, it is no update
        return False


def _names(tree: object) -> Iterator[str]:
    """Yield the name of every part of a parse tree. Without recursion: the tree may be deep."""
    from pyparsing import ParseResults
    from rdflib.plugins.sparql.parserutils import CompValue

    pending: list[object] = [tree]
    seen: set[int] = set()
    while pending:
        part = pending.pop()
        if isinstance(part, str) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, CompValue):
            yield part.name
            pending.extend(dict.values(part))
        elif isinstance(part, ParseResults):
            pending.extend(part.as_list())
            pending.extend(part.as_dict().values())
        elif isinstance(part, dict):
            pending.extend(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            pending.extend(part)


def _check_dataset(prologue: Any, body: Any, graphs: Collection[str]) -> None:
    from rdflib.plugins.sparql.algebra import translatePrologue

    clauses = body.datasetClause
    if not clauses:
        return
    names = translatePrologue(prologue, None)
    for clause in clauses:
        target = clause.default if clause.default is not None else clause.named
        name = str(names.absolutize(target))
        if name not in graphs:
            word = "FROM" if clause.default is not None else "FROM NAMED"
            raise QueryError(f"{word} <{name[:200]}> is refused: the graph holds no named graph of that name")


__all__ = ["CheckedQuery", "QueryKind", "check_query"]
