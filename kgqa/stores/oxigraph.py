"""The embedded SPARQL store: Oxigraph, in memory or in a folder.

Oxigraph keeps numbers, dates and booleans as values: `01.50` comes back as `1.5`, and `"5"^^xsd:int` as an xsd:integer.
Evidence must show the user's own text, so the triples whose literal it would respell are kept beside the store,
verbatim.

Every triple is in the default graph; those of a named graph are in that graph too. (Oxigraph's own union of graphs
counts
a triple that two graphs state twice, which would make COUNT wrong.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyoxigraph as ox

from kgqa.datatypes import XSD, XSD_STRING, Term
from kgqa.errors import GraphLoadError, QueryError
from kgqa.protocols import Row, Triple
from kgqa.stores.folders import FolderHandle

STORE_FOLDER = "store"
RESPELLED_FILE = "respelled.nt"

_Subject = ox.NamedNode | ox.BlankNode | ox.Triple
_Spelling = tuple[_Subject, ox.NamedNode, ox.Literal]
_DEFAULT_GRAPH = ox.DefaultGraph()
_ALIAS = re.compile(r"\bas\s*[?$](\w+)", re.IGNORECASE)
_DATE = r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}"
# Lexical forms that Oxigraph hands back unchanged. Others may survive too: `canonical_literals` tells for sure.
_UNCHANGED = {
    XSD + name: re.compile(pattern)
    for name, pattern in {
        "integer": r"0|-?[1-9][0-9]*",
        "decimal": r"0|-?[1-9][0-9]{0,9}|-?(?:0|[1-9][0-9]{0,9})\.[0-9]{0,7}[1-9]",
        "double": r"-?[1-9][0-9]{0,5}|-?(?:0|[1-9][0-9]{0,5})\.[0-9]{0,3}[1-9]",
        "boolean": r"true|false",
        "date": _DATE,
        "dateTime": _DATE + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{0,5}[1-9])?Z?",
        "gYear": r"[1-9][0-9]{3}",
        "anyURI": r"(?s:.*)",
    }.items()
}


def to_oxigraph(term: Term) -> ox.NamedNode | ox.BlankNode | ox.Literal:
    """Return `term` as pyoxigraph's. Raises ValueError for an IRI, language tag or blank node id it refuses."""
    if term.kind == "uri":
        return ox.NamedNode(term.value)
    if term.kind == "bnode":
        return ox.BlankNode(term.value)
    if term.lang:
        return ox.Literal(term.value, language=term.lang)
    return ox.Literal(term.value, datatype=ox.NamedNode(term.datatype) if term.datatype else None)


def from_oxigraph(term: object) -> Term:
    """Return a pyoxigraph term as ours. Raises ValueError for an RDF 1.2 triple term, which has no counterpart."""
    if isinstance(term, ox.NamedNode):
        return Term("uri", term.value)
    if isinstance(term, ox.Literal):
        if term.language:
            return Term("literal", term.value, None, term.language.lower())
        datatype = term.datatype.value
        return Term("literal", term.value, None if datatype == XSD_STRING else datatype)
    if isinstance(term, ox.BlankNode):
        return Term("bnode", term.value)
    raise ValueError(f"RDF 1.2 triple terms are not supported: {term}")


def may_be_respelled(lexical: str, datatype: str) -> bool:
    """Return False only where Oxigraph surely keeps a literal as written. Quick: no store is asked."""
    if datatype == XSD_STRING or not datatype.startswith(XSD):
        return False
    unchanged = _UNCHANGED.get(datatype)
    return unchanged is None or unchanged.fullmatch(lexical) is None


def canonical_literals(literals: Iterable[ox.Literal]) -> dict[ox.Literal, ox.Literal]:
    """Return each distinct literal with what Oxigraph makes of it."""
    distinct = list(dict.fromkeys(literals))
    scratch, predicate = ox.Store(), ox.NamedNode("urn:p")
    scratch.extend(ox.Quad(ox.NamedNode(f"urn:{i}"), predicate, literal) for i, literal in enumerate(distinct))
    stored = {quad.subject.value: quad.object for quad in scratch}
    return {literal: stored[f"urn:{i}"] for i, literal in enumerate(distinct)}


def respellings(triples: Iterable[_Spelling]) -> dict[_Spelling, ox.Literal]:
    """Return those of `triples` that Oxigraph would respell: the triple as it keeps it -> the literal as written.

    Where one subject and predicate have one value in several spellings, the first is kept.
    """
    listed = list(triples)
    canonical = canonical_literals(literal for _, _, literal in listed)
    kept: dict[_Spelling, ox.Literal] = {}
    for subject, predicate, literal in listed:
        if canonical[literal] != literal:
            kept.setdefault((subject, predicate, canonical[literal]), literal)
    return kept


class OxigraphStore:
    """A `GraphStore` over pyoxigraph.

    Queries run in this process, without a time limit, and SERVICE is not blocked: give it only queries that were
    built or
    checked here. A file store is opened read-only; it stays readable while its folder is replaced.
    """

    def __init__(self, store: ox.Store, respelled: Mapping[_Spelling, ox.Literal], *, n_triples: int) -> None:
        self._store, self._n_triples = store, n_triples
        self._read_respelled: Callable[[], Mapping[_Spelling, ox.Literal]] = lambda: respelled
        self._handle: FolderHandle | None = None

    @classmethod
    def in_memory(cls, triples: Iterable[Triple]) -> OxigraphStore:
        """Return a store in memory that holds `triples`. Raises ValueError for a term that RDF does not allow."""
        pending: list[_Spelling] = []

        def quads() -> Iterator[ox.Quad]:
            for subject, predicate, obj in triples:
                s, p, o = to_oxigraph(subject), to_oxigraph(predicate), to_oxigraph(obj)
                if isinstance(s, ox.Literal) or not isinstance(p, ox.NamedNode):
                    raise ValueError(f"not an RDF triple: {subject.n3()} {predicate.n3()} {obj.n3()}")
                if isinstance(o, ox.Literal) and may_be_respelled(o.value, o.datatype.value):
                    pending.append((s, p, o))
                yield ox.Quad(s, p, o)

        store = ox.Store()
        store.bulk_extend(quads())
        return cls(store, respellings(pending), n_triples=len(store))

    @classmethod
    def open(cls, folder: Path, *, n_triples: int | None = None, handle: FolderHandle | None = None) -> OxigraphStore:
        """Return the store of a graph folder, read-only; `n_triples` spares counting. Raises GraphLoadError.

        It stays readable, and the folder in place, for as long as it is used. `handle` is one of the folder's.
        """
        try:
            handle = handle or FolderHandle(folder)
            path = handle.path / STORE_FOLDER
            if not path.is_dir():
                raise FileNotFoundError(f"no folder {STORE_FOLDER}/")
            store = ox.Store.read_only(str(path))
            respelled = (handle.path / RESPELLED_FILE).read_bytes() if (handle.path / RESPELLED_FILE).exists() else b""
        except OSError as error:
            raise GraphLoadError(f"the graph cannot be opened ({error}); load it again", path=folder.name) from error
        if n_triples is None:
            n_triples = sum(1 for _ in store.quads_for_pattern(None, None, None, _DEFAULT_GRAPH))
        made = cls(store, {}, n_triples=n_triples)
        made._handle = handle
        made._read_respelled = lambda: read_respelled(respelled)
        return made

    def __len__(self) -> int:
        """Return the number of distinct triples over all named graphs."""
        return self._n_triples

    def triples(self) -> Iterator[Triple]:
        """Yield every distinct triple, literals as they were written, in no stated order."""
        respelled = self._respelled
        for quad in self._store.quads_for_pattern(None, None, None, _DEFAULT_GRAPH):
            subject, predicate, obj = quad.subject, quad.predicate, quad.object
            if respelled and isinstance(obj, ox.Literal):
                obj = respelled.get((subject, predicate, obj), obj)
            yield from_oxigraph(subject), Term("uri", predicate.value), from_oxigraph(obj)

    def select(self, query: str) -> Sequence[Row]:
        """Return the rows of a SELECT query, in the query's order. Raises QueryError.

        A literal taken from the graph is spelled as there, if the graph spells that value in one way only; a value
        spelled
        in several ways, or computed by the query, comes in Oxigraph's own spelling.
        """
        try:
            result = self._store.query(query)
            if not isinstance(result, ox.QuerySolutions):
                raise QueryError("this is not a SELECT query")
            computed = set(_ALIAS.findall(query))
            verbatim = [variable.value not in computed for variable in result.variables]
            return tuple(
                tuple(self._term(term, verbatim=keep) for term, keep in zip(solution, verbatim, strict=True))
                for solution in result
            )
        except (SyntaxError, ValueError, RuntimeError, OSError) as error:
            raise QueryError(_one_line(error)) from error

    def ask(self, query: str) -> bool:
        """Return the result of an ASK query. Raises QueryError."""
        try:
            result = self._store.query(query)
        except (SyntaxError, ValueError, RuntimeError, OSError) as error:
            raise QueryError(_one_line(error)) from error
        if not isinstance(result, ox.QueryBoolean):
            raise QueryError("this is not an ASK query")
        return bool(result)

    def named_quads(self) -> Iterator[ox.Quad]:
        """Yield the triples of named graphs, literals as they were written."""
        respelled = self._respelled
        for graph in self._store.named_graphs():
            for quad in self._store.quads_for_pattern(None, None, None, graph):
                written = quad.object
                if isinstance(written, ox.Literal):
                    written = respelled.get((quad.subject, quad.predicate, written), written)
                yield ox.Quad(quad.subject, quad.predicate, written, graph)

    @cached_property
    def _respelled(self) -> Mapping[_Spelling, ox.Literal]:
        return self._read_respelled()

    @cached_property
    def _spellings(self) -> dict[ox.Literal, list[ox.Literal]]:
        """Each value as Oxigraph keeps it -> the other spellings that the graph has for it, one a triple."""
        found: dict[ox.Literal, list[ox.Literal]] = {}
        for (_, _, canonical), written in self._respelled.items():
            found.setdefault(canonical, []).append(written)
        return found

    @cached_property
    def _only_spelling(self) -> dict[ox.Literal, ox.Literal]:
        return {}

    def _term(self, term: object, *, verbatim: bool) -> Term | None:
        if term is None:
            return None
        if verbatim and isinstance(term, ox.Literal) and term in self._spellings:
            if term not in self._only_spelling:
                written = self._spellings[term]
                uses = self._store.quads_for_pattern(None, None, term, _DEFAULT_GRAPH)
                alike = len(set(written)) == 1 and sum(1 for _ in uses) == len(written)
                self._only_spelling[term] = written[0] if alike else term
            term = self._only_spelling[term]
        return from_oxigraph(term)


def read_respelled(lines: bytes) -> dict[_Spelling, ox.Literal]:
    """Return the literals that a graph folder's store respells, from the triples as they were written."""
    rows = ((q.subject, q.predicate, q.object) for q in ox.parse(lines, ox.RdfFormat.N_TRIPLES, lenient=True))
    return respellings((s, p, o) for s, p, o in rows if isinstance(o, ox.Literal))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
