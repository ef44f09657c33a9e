"""Training questions with the graphs they are asked of, read from folders.

A folder holds one graph (`graph.ttl` or `graph.nt`) and `questions.jsonl`; each line has a question and either a gold
`sparql` (null where the graph does not tell) or gold `answers` with the
`gold_iris` that the gold query uses. `paraphrases.jsonl`, where there is one, has other words for the same questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kgqa.datatypes import XSD_BOOLEAN, Term, TermKind
from kgqa.index.graph_index import GraphIndex
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.query_graph import QueryGraph

AnswerKey = str | float | bool
_IRI = re.compile(r"<([^<>\s]+)>")
_PREFIX = re.compile(r"PREFIX\s+([\w-]*):\s*<([^<>]*)>", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w<:])([A-Za-z][\w-]*|):([\w][\w.\-%]*)")


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A question with its gold answers, empty where the graph does not tell, and the IRIs of its gold query."""

    id: str
    question: str
    category: str
    answers: frozenset[AnswerKey]
    gold_iris: frozenset[str]
    split: str = "train"


def answer_key(term: Term) -> AnswerKey:
    """Return the value under which two answers are the same: numbers by value, other terms by their text."""
    if term.kind == "literal":
        if term.datatype == XSD_BOOLEAN:
            return term.value in ("true", "1")
        try:
            return float(term.value)
        except ValueError:
            return term.value
    return term.value


def result_keys(candidate: Candidate, index: GraphIndex) -> frozenset[AnswerKey]:
    """Return the answers of a candidate as keys."""
    if candidate.result.truth is not None:
        return frozenset((candidate.result.truth,))
    if candidate.result.count is not None:
        return frozenset((float(candidate.result.count),))
    return frozenset(answer_key(index.term(int(node))) for node in candidate.result.nodes)


def answer_f1(predicted: frozenset[AnswerKey], gold: frozenset[AnswerKey]) -> float:
    """Return the F1 of two answer sets; 0.0 where either is empty."""
    common = len(predicted & gold)
    return 2 * common / (len(predicted) + len(gold)) if common else 0.0


def query_iris(query: QueryGraph, index: GraphIndex) -> frozenset[str]:
    """Return the IRIs that a query graph names; types count by their class only."""
    paths = [query.projection, query.sort, query.shared, *(c.path for c in query.constraints)]
    predicates = {predicate for path in paths for predicate, _ in path}
    nodes = set(query.among) | set(query.exclude) | {node for c in query.constraints for node in c.nodes}
    found = {index.text_of(int(index.pred_terms[p])) for p in predicates}
    return frozenset(found | {index.text_of(node) for node in nodes if index.is_entity(node)})


def sparql_iris(sparql: str) -> frozenset[str]:
    """Return the IRIs that occur in a SPARQL query, prefixes expanded; rdf:type is left out."""
    prefixes = dict(_PREFIX.findall(sparql))
    body = _PREFIX.sub("", sparql)
    found = set(_IRI.findall(body))
    stripped = re.sub(r'"(?:[^"\\]|\\.)*"', '""', _IRI.sub(" ", body))
    for prefix, name in _NAME.findall(stripped):
        if prefix in prefixes:
            found.add(prefixes[prefix] + name.rstrip("."))
    return frozenset(iri for iri in found if not iri.endswith(("#type", "#subClassOf")) and "XMLSchema#" not in iri)


def graph_triples(folder: Path) -> list[tuple[Term, Term, Term]]:
    """Return the triples of a training folder's graph."""
    import pyoxigraph as ox

    from kgqa.stores.oxigraph import from_oxigraph

    path = next(p for p in (folder / "graph.ttl", folder / "graph.nt") if p.exists())
    quads = ox.parse(path=str(path))
    return [(from_oxigraph(q.subject), from_oxigraph(q.predicate), from_oxigraph(q.object)) for q in quads]


def read_folder(folder: Path) -> tuple[GraphIndex, list[TrainingExample]]:
    """Return the graph and the questions of a training folder. Gold queries are run here."""
    from kgqa.stores.oxigraph import OxigraphStore

    triples = graph_triples(folder)
    index = GraphIndex.from_triples(triples)
    examples = list(_examples(folder / "questions.jsonl", OxigraphStore.in_memory(triples)))
    return index, [*examples, *_in_other_words(folder / "paraphrases.jsonl", examples)]


def _examples(path: Path, store: object) -> Iterator[TrainingExample]:
    from kgqa.stores.oxigraph import OxigraphStore

    assert isinstance(store, OxigraphStore)
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        category, split = row.get("category") or row.get("operator") or "", row.get("split", "train")
        sparql = row.get("sparql")
        if sparql is None and "answers" in row:
            answers = frozenset(answer_key(_term(answer)) for answer in row["answers"])
            iris = frozenset(row.get("gold_iris", ()))
        elif sparql is None:
            answers, iris = frozenset[AnswerKey](), frozenset[str]()
        elif re.search(r"\bASK\b", _PREFIX.sub("", sparql)[:20], re.IGNORECASE):
            answers, iris = frozenset((store.ask(sparql),)), sparql_iris(sparql)
        else:
            terms = [row_[0] for row_ in store.select(sparql) if row_[0] is not None]
            answers, iris = frozenset(answer_key(term) for term in terms), sparql_iris(sparql)
            if not answers:
                continue
        yield TrainingExample(row["id"], row["question"], category, answers, iris, split)


def _in_other_words(path: Path, examples: Sequence[TrainingExample]) -> Iterator[TrainingExample]:
    if not path.is_file():
        return
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    words = {row["id"]: row["paraphrases"] for row in rows}
    for example in examples:
        for number, text in enumerate(words.get(example.id, ()), start=2):
            yield replace(example, id=f"{example.id}-{number}", question=text)


def _term(answer: dict[str, object]) -> Term:
    if answer["type"] == "boolean":
        return Term("literal", str(answer["value"]).lower(), XSD_BOOLEAN)
    datatype = answer.get("datatype")
    kind: TermKind = "uri" if answer["type"] == "uri" else "literal"
    return Term(kind, str(answer["value"]), str(datatype) if datatype else None)
