"""What is known of a remote graph before any question: a sample of each predicate and class, with counts.

Made once by bounded queries and kept on disk. The sample is a small graph like any other, so that its index and schema
are made as those of a loaded graph are; the counts, which a sample cannot tell, come from the endpoint itself.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kgqa.datatypes import RDF_TYPE, RDFS, Term, iri
from kgqa.errors import EndpointError, QueryError
from kgqa.index.graph_index import GraphIndex
from kgqa.protocols import Triple
from kgqa.stores.remote_queries import RemoteReader
from kgqa.stores.remote_text import find_text_index
from kgqa.stores.sparql_results import TRIPLE_VARIABLES, QueryResult, result_from_json, result_to_json

PROFILE_VERSION = 1
MAX_AGE_S = 7 * 86_400.0
TYPES = (iri(RDF_TYPE), iri("http://www.wikidata.org/prop/direct/P31"))
SUBCLASS = (iri(RDFS + "subClassOf"), iri("http://www.wikidata.org/prop/direct/P279"))
_N_SLICES = 3
_N_WHOLE = 12  # instances of a class of which every statement is read
_PROFILE_FILE = "profile.json.gz"


@dataclass(frozen=True, slots=True)
class PredicateCounts:
    """How often a predicate is used, and with how many distinct subjects and objects; 0 where that is not known."""

    n_triples: int
    n_subjects: int = 0
    n_objects: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A sample of a remote graph. `predicates` and `classes` are by IRI; `classes` counts the direct instances.

    `labels` holds further labels, with the types of what they name: every one of the graph if `has_all_labels`.
    `languages` are those that labels are in; `text_index` names the engine's text index, if it has one that is known.
    """

    triples: tuple[Triple, ...]
    labels: tuple[Triple, ...]
    predicates: dict[str, PredicateCounts]
    classes: dict[str, int]
    label_predicates: tuple[str, ...]
    languages: tuple[str, ...]
    has_all_labels: bool
    made_at: float
    text_index: str = ""

    @property
    def n_labels(self) -> int:
        """How many labels the graph holds."""
        return sum(self.predicates[p].n_triples for p in self.label_predicates if p in self.predicates)


def open_profile(
    reader: RemoteReader,
    folder: Path,
    *,
    label_predicates: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Return the profile kept in `folder`, if it is younger than a week, else make it anew and keep it.

    Raises EndpointError where the endpoint does not answer.
    """
    path = folder / _PROFILE_FILE
    try:
        profile = _from_record(json.loads(gzip.decompress(path.read_bytes())))
        if time.time() - profile.made_at < MAX_AGE_S:
            return profile
    except (OSError, EOFError, ValueError, KeyError, TypeError, QueryError):
        pass
    profile = make_profile(reader, label_predicates=label_predicates, progress=progress)
    for vectors in folder.glob("vectors-*.npy"):  # they are of another sample's texts
        vectors.unlink(missing_ok=True)
    _write_beside(path, gzip.compress(json.dumps(_to_record(profile)).encode()))
    return profile


def profile_folder(cache: Path, url: str) -> Path:
    """Return where the profile of an endpoint is kept."""
    return cache / f"endpoint-{hashlib.sha256(url.encode()).hexdigest()[:24]}"


def make_profile(
    reader: RemoteReader,
    *,
    label_predicates: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Profile:
    """Return a profile sampled now. Raises EndpointError where the endpoint does not answer the first query."""
    say = progress or (lambda _: None)
    limits = reader.limits
    counts = _predicate_counts(reader)
    sample: dict[Triple, None] = {}
    for place, (predicate, n) in enumerate(counts.items()):
        say(f"{place + 1} of {len(counts)} predicates")
        sample.update(dict.fromkeys(_slices(reader, predicate, n)))
    usual = label_predicates or GraphIndex.from_triples(sample).label_predicates
    labels = tuple(p for p in usual if iri(p) in counts)
    label_terms = [iri(p) for p in labels]
    say("labels")
    n_labels = sum(counts[term] for term in label_terms)
    has_all_labels = 0 < n_labels <= limits.max_labels
    named: dict[Triple, None] = {}
    if has_all_labels:
        for term in label_terms:
            table = reader.edges_of(term, n=limits.max_labels + 1)
            has_all_labels = has_all_labels and len(table) >= counts[term]
            named.update(dict.fromkeys(table))
    sample.update(dict.fromkeys(reader.describe(counts, [*label_terms, *SUBCLASS])))
    types = [iri(name) for name in _type_predicates(sample, labels) if iri(name) in counts]
    say("classes")
    classes = _class_counts(reader, types)
    for klass in classes:
        typed = [triple for term in types for triple in reader.entering([klass], term, n=30)]
        sample.update(dict.fromkeys(typed))
        sample.update(dict.fromkeys(reader.leaving([triple[0] for triple in typed[:_N_WHOLE]], n=1000)))
    for term in (term for term in SUBCLASS if term in counts):
        sample.update(dict.fromkeys(reader.edges_of(term, n=20_000)))
    say("names")
    sample.update(dict.fromkeys(reader.describe(_iris(sample), [*types, *label_terms])))
    named.update(dict.fromkeys(reader.describe((s for s, _, _ in named if s.kind == "uri"), types)))
    if any(term.kind == "bnode" for triple in sample for term in triple):
        sample = dict.fromkeys(triple for triple in sample if not any(term.kind == "bnode" for term in triple))
        sample.update(dict.fromkeys(_blank_nodes(reader, counts)))
    predicates = {p.value: _distinct(reader, p, n) for p, n in counts.items()}
    text_index = "" if has_all_labels else find_text_index(reader, (t for t in sample if t[1].value in labels))
    used = {o.lang for _, p, o in (*sample, *named) if p.value in labels and o.lang}
    return Profile(
        triples=tuple(triple for triple in sample if triple[1] in counts),
        labels=tuple(triple for triple in named if triple not in sample and triple[0].kind == "uri"),
        predicates=predicates,
        classes={klass.value: n for klass, n in classes.items()},
        label_predicates=labels,
        languages=tuple(sorted(used)),
        has_all_labels=has_all_labels,
        made_at=time.time(),
        text_index=text_index,
    )


def _predicate_counts(reader: RemoteReader) -> dict[Term, int]:
    """Each predicate -> how often it is used, the most used first; where that takes too long, without counts."""
    n = reader.limits.max_predicates
    try:
        query = f"SELECT ?p (COUNT(*) AS ?n) WHERE {{ ?s ?p ?o }} GROUP BY ?p ORDER BY DESC(?n) ?p LIMIT {n}"
        rows = reader.rows(query)
    except EndpointError:
        rows = reader.rows(f"SELECT DISTINCT ?p WHERE {{ ?s ?p ?o }} LIMIT {n}")
    found = {row[0]: as_number(row[1]) if len(row) > 1 else 0 for row in rows if row[0] is not None}
    if not found:
        raise EndpointError("endpoint holds no triples in its default graph")
    return {term: n for term, n in found.items() if term.kind == "uri"}


def _slices(reader: RemoteReader, predicate: Term, n: int) -> list[Triple]:
    """Return a sample of a predicate's triples from several places, as a run from the first one is all alike."""
    size = reader.limits.sample_rows
    if not size < n <= reader.limits.max_counted:
        return reader.edges_of(predicate, n=size)
    part = size // _N_SLICES
    starts = [n * place // _N_SLICES for place in range(_N_SLICES)]
    return [triple for start in starts for triple in reader.edges_of(predicate, n=part, offset=start)]


def _distinct(reader: RemoteReader, predicate: Term, n: int) -> PredicateCounts:
    if not 0 < n <= reader.limits.max_counted:
        return PredicateCounts(n)
    query = f"SELECT (COUNT(DISTINCT ?s) AS ?a) (COUNT(DISTINCT ?o) AS ?b) WHERE {{ ?s {predicate.n3()} ?o }}"
    rows = reader.rows(query, optional=True)
    return PredicateCounts(n, as_number(rows[0][0]), as_number(rows[0][1])) if rows else PredicateCounts(n)


def _type_predicates(sample: Iterable[Triple], labels: Sequence[str]) -> list[str]:
    index = GraphIndex.from_triples(sample, label_predicates=labels)
    return [index.text_of(int(index.pred_terms[p])) for p in index.type_predicates]


def _class_counts(reader: RemoteReader, types: Sequence[Term]) -> dict[Term, int]:
    found: dict[Term, int] = {}
    for term in types:
        rows = reader.rows(
            f"SELECT ?c (COUNT(*) AS ?n) WHERE {{ ?s {term.n3()} ?c }} GROUP BY ?c ORDER BY DESC(?n) ?c "
            f"LIMIT {reader.limits.max_classes}",
            optional=True,
        )
        for row in rows:
            if row[0] is not None and row[0].kind == "uri":
                found[row[0]] = found.get(row[0], 0) + as_number(row[1])
    return found


def _blank_nodes(reader: RemoteReader, predicates: Iterable[Term]) -> list[Triple]:
    """Return, for each predicate that leads into blank nodes, a sample of them with all that they hold."""
    found: list[Triple] = []
    for predicate in predicates:
        rows = reader.rows(
            f"SELECT DISTINCT ?s WHERE {{ ?s {predicate.n3()} ?b FILTER(isBlank(?b) && isIRI(?s)) }} LIMIT 100",
            optional=True,
        )
        subjects = [row[0] for row in rows if row[0] is not None]
        if subjects:
            found += reader.around_blank_nodes(subjects)
    return found


def _iris(triples: Iterable[Triple]) -> list[Term]:
    return [term for term in dict.fromkeys(t for s, _, o in triples for t in (s, o)) if term.kind == "uri"]


def as_number(term: Term | None) -> int:
    """Return a count that an endpoint told; 0 where it is no number."""
    try:
        return max(int(float(term.value)), 0) if term is not None else 0
    except (ValueError, OverflowError):
        return 0


# -- on disk


def _to_record(profile: Profile) -> dict[str, object]:
    return {
        "version": PROFILE_VERSION,
        "triples": result_to_json(QueryResult(TRIPLE_VARIABLES, profile.triples)),
        "labels": result_to_json(QueryResult(TRIPLE_VARIABLES, profile.labels)),
        "predicates": {p: [c.n_triples, c.n_subjects, c.n_objects] for p, c in profile.predicates.items()},
        "classes": profile.classes,
        "label_predicates": list(profile.label_predicates),
        "languages": list(profile.languages),
        "has_all_labels": profile.has_all_labels,
        "made_at": profile.made_at,
        "text_index": profile.text_index,
    }


def _from_record(record: dict[str, object]) -> Profile:
    if record["version"] != PROFILE_VERSION:
        raise ValueError("another version of the profile's format")
    return Profile(
        triples=_triples(record["triples"]),
        labels=_triples(record["labels"]),
        predicates={p: PredicateCounts(*counts) for p, counts in record["predicates"].items()},  # type: ignore[attr-defined]
        classes=dict(record["classes"]),  # type: ignore[call-overload]
        label_predicates=tuple(record["label_predicates"]),  # type: ignore[arg-type]
        languages=tuple(record["languages"]),  # type: ignore[arg-type]
        has_all_labels=bool(record["has_all_labels"]),
        made_at=float(record["made_at"]),  # type: ignore[arg-type]
        text_index=str(record["text_index"]),
    )


def _triples(document: object) -> tuple[Triple, ...]:
    rows = result_from_json(document).rows
    found = tuple((s, p, o) for s, p, o in rows if s is not None and p is not None and o is not None)
    if len(found) < len(rows):
        raise ValueError("half a triple")
    return found


def _write_beside(path: Path, content: bytes) -> None:
    """Write a file beside `path` and rename it; a folder that cannot be written to is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except OSError:
        return
