"""What the gold of an example tells of its question: the operator of the gold query, and the kind of the answers."""

from __future__ import annotations

import re

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import XSD_BOOLEAN

_OPAQUE = re.compile(r"""<[^<>\s]*>|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\#[^\n]*""")


def operator_of(example: QAExample) -> str:
    """Return what the gold query does, empty where there is none.

    The first that fits of: ask, count, superlative (ordered and cut, or a MAX or MIN), aggregate (SUM, AVG or groups),
    order, difference (MINUS or NOT EXISTS), union, filter, list. Keywords in strings, IRIs and comments do not count.
    """
    if not example.gold_sparql:
        return ""
    text = _OPAQUE.sub(" ", example.gold_sparql).upper()

    def has(pattern: str) -> bool:
        return re.search(rf"\b{pattern}", text) is not None

    head = text.partition("{")[0]
    ordered = has(r"ORDER\s+BY\b")
    rules = {
        "ask": (has(r"ASK\b") and not has(r"SELECT\b")) or re.search(r"\bASK\b", head) is not None,
        "superlative": (ordered and has(r"LIMIT\b")) or has(r"(MAX|MIN)\s*\("),
        "count": re.search(r"\bCOUNT\s*\(", head) is not None,
        "aggregate": has(r"(SUM|AVG)\s*\(") or has(r"GROUP\s+BY\b"),
        "order": ordered,
        "difference": has(r"MINUS\b") or has(r"NOT\s+EXISTS\b"),
        "union": has(r"UNION\b"),
        "filter": has(r"FILTER\b"),
    }
    return next((name for name, fits in rules.items() if fits), "list")


def answer_kind_of(example: QAExample) -> str:
    """Return the kind of the gold answers: the set's own word, else what the terms tell."""
    if example.answer_kind is not None:
        return example.answer_kind
    if example.answer_form == "none":
        return ""
    if not example.answers:
        return "unanswerable"
    if example.answer_form == "labels":
        return "labels"
    kinds = {term.kind for term in example.answers}
    if kinds == {"literal"}:
        return "boolean" if all(term.datatype == XSD_BOOLEAN for term in example.answers) else "literal"
    return "entity set"
