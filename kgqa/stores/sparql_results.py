"""Results of SPARQL queries as values, and the SPARQL 1.1 JSON form of them, written and strictly read.

The form is that of the W3C recommendation "SPARQL 1.1 Query Results JSON Format". What is read comes from strangers:
each part is checked, and a term that RDF does not allow is an error, so that no odd text ever reaches a later query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kgqa.datatypes import Term, literal
from kgqa.errors import QueryError
from kgqa.protocols import Row

TRIPLE_VARIABLES = ("subject", "predicate", "object")
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\ud800-\udfff]*")
_LANG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_BNODE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_VARIABLE = re.compile(r"[^\W]\w*")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The rows of a SELECT, or the `truth` of an ASK. A CONSTRUCT or DESCRIBE gives its triples as rows of three.

    `truncated` tells that a limit was met, and that there is more than `rows` hold.
    """

    variables: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    truth: bool | None = None
    truncated: bool = False


def term_to_json(term: Term) -> dict[str, str]:
    """Return one RDF term in the JSON form."""
    told = {"type": term.kind, "value": term.value}
    if term.lang:
        told["xml:lang"] = term.lang
    elif term.datatype:
        told["datatype"] = term.datatype
    return told


def result_to_json(result: QueryResult) -> dict[str, object]:
    """Return a result in the JSON form; unbound variables are left out of a row, as it says."""
    if result.truth is not None:
        return {"head": {}, "boolean": result.truth}
    bindings = [
        {name: term_to_json(term) for name, term in zip(result.variables, row, strict=True) if term is not None}
        for row in result.rows
    ]
    return {"head": {"vars": list(result.variables)}, "results": {"bindings": bindings}}


def read_json(content: bytes | str) -> QueryResult:
    """Return the result that a document in the JSON form holds. Raises QueryError where it is not one, saying why."""
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise QueryError("JSON that is nested too deeply") from error
    except ValueError as error:
        raise QueryError("a body that is not valid JSON, or was cut short") from error
    return result_from_json(document)


def result_from_json(document: object) -> QueryResult:
    """Return the result of a parsed document in the JSON form. Raises QueryError where it is not one."""
    if not isinstance(document, dict) or not isinstance(document.get("head"), dict):
        raise QueryError("JSON that holds no SPARQL results")
    if "boolean" in document:
        if not isinstance(document["boolean"], bool):
            raise QueryError("a boolean result that is neither true nor false")
        return QueryResult(truth=document["boolean"])
    variables = document["head"].get("vars", [])
    results = document.get("results")
    if not isinstance(variables, list) or not all(isinstance(v, str) and _VARIABLE.fullmatch(v) for v in variables):
        raise QueryError("results whose head names no variables")
    if not isinstance(results, dict) or not isinstance(results.get("bindings"), list):
        raise QueryError("results without bindings")
    rows = tuple(_row(binding, variables) for binding in results["bindings"])
    return QueryResult(tuple(variables), rows, truncated=document.get("truncated") is True)


def _row(binding: object, variables: list[str]) -> Row:
    if not isinstance(binding, dict):
        raise QueryError("a binding that is no object")
    unknown = [name for name in binding if name not in variables]
    if unknown:
        raise QueryError(f"a binding of ?{str(unknown[0])[:40]}, which the head does not name")
    return tuple(_term(binding[name]) if name in binding else None for name in variables)


def _term(told: object) -> Term:
    if not isinstance(told, Mapping) or not isinstance(told.get("value"), str):
        raise QueryError("a term without a text value")
    kind, value = told.get("type"), told["value"]
    if _SURROGATE.search(value):
        raise QueryError("a term with half a surrogate pair")
    if kind == "uri":
        return _uri(value)
    if kind == "bnode":
        if not _BNODE.fullmatch(value):
            raise QueryError(f"a malformed blank node name, {value[:80]!r}")
        return Term("bnode", value)
    if kind in ("literal", "typed-literal"):
        lang, datatype = told.get("xml:lang"), told.get("datatype")
        if lang is not None and not (isinstance(lang, str) and _LANG.fullmatch(lang)):
            raise QueryError(f"a malformed language tag, {str(lang)[:40]!r}")
        if datatype is not None:
            datatype = _checked_iri(datatype if isinstance(datatype, str) else "")
        return literal(value, None if lang else datatype, lang)
    raise QueryError(f"a term of the unknown type {str(kind)[:40]!r}")


@lru_cache(maxsize=50_000)
def _uri(value: str) -> Term:
    return Term("uri", _checked_iri(value))


@lru_cache(maxsize=1000)
def _checked_iri(value: str) -> str:
    if not _IRI.fullmatch(value):
        raise QueryError(f"a malformed IRI, {value[:80]!r}")
    return value


__all__ = ["QueryResult", "TRIPLE_VARIABLES", "read_json", "result_from_json", "result_to_json", "term_to_json"]
