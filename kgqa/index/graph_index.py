"""The integer index of one graph: who is connected to whom, by what, in both directions.

Every term has an id; triples are kept three times as sorted integer arrays (by subject, by object, by predicate), so
that
following a predicate is a slice. Arrays are written as `.npy` and opened memory-mapped. Strings are decoded only when
read.
Layout after the compressed sparse rows of Saad, "Iterative Methods for Sparse Linear Systems", section 3.4.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import RDF, RDF_TYPE, RDFS, Term
from kgqa.index.text import normalize, split_local_name
from kgqa.index.values import BOOLEAN, DATE, NO_VALUE, NUMBER, literal_value

Ids = NDArray[np.int32]

FORMAT_VERSION = 1
DEFAULT_LABEL_PREDICATES: tuple[str, ...] = (
    RDFS + "label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "https://schema.org/name",
    "http://schema.org/name",
    "http://xmlns.com/foaf/0.1/name",
    "http://purl.org/dc/terms/title",
    "http://purl.org/dc/elements/1.1/title",
    "http://www.w3.org/2004/02/skos/core#altLabel",
    "https://schema.org/alternateName",
    "http://schema.org/alternateName",
)
_ALTERNATIVE = frozenset(("altLabel", "alternateName"))
_ANNOTATIONS = frozenset(
    (RDFS + "comment", RDFS + "seeAlso", RDFS + "isDefinedBy", "http://www.w3.org/2004/02/skos/core#definition",
     "http://www.w3.org/2002/07/owl#sameAs", "http://www.w3.org/2002/07/owl#versionInfo")
)  # fmt: skip
_SCHEMA_NAMESPACES = (RDF, RDFS, "http://www.w3.org/2002/07/owl#")
_INSTANCE_OF = frozenset(("instance of", "is a", "is an", "type of thing", "rdf type"))
_SUBCLASS_OF = frozenset(("subclass of", "sub class of"))
_KINDS = ("uri", "literal", "bnode")
_EMPTY: Ids = np.empty(0, np.int32)
_ARRAYS = (
    "kind", "datatype", "lang", "text_start", "text", "out_start", "out_p", "out_o", "in_start", "in_p", "in_s",
    "pred_start", "pred_s", "pred_o", "pred_terms", "value_kind", "value",
)  # fmt: skip


def build_index(
    triples: Iterable[tuple[Term, Term, Term]],
    folder: Path,
    *,
    label_predicates: Sequence[str] = DEFAULT_LABEL_PREDICATES,
) -> None:
    """Write the index of `triples` into `folder`, which is made if need be. Duplicates are stored once."""
    index = GraphIndex.from_triples(triples, label_predicates=label_predicates)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(index, name))
    head = {
        "format_version": FORMAT_VERSION,
        "label_predicates": list(label_predicates),
        "datatypes": list(index.datatypes),
        "langs": list(index.langs),
    }
    (folder / "index.json").write_text(json.dumps(head, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class GraphIndex:
    """The index, opened. Node ids run from 0; predicates also have dense ids of their own, 0 to `n_predicates` - 1."""

    label_predicates: tuple[str, ...]
    datatypes: tuple[str, ...]
    langs: tuple[str, ...]
    kind: NDArray[np.uint8]
    datatype: Ids
    lang: Ids
    text_start: NDArray[np.int64]
    text: NDArray[np.uint8]
    out_start: NDArray[np.int64]
    out_p: Ids
    out_o: Ids
    in_start: NDArray[np.int64]
    in_p: Ids
    in_s: Ids
    pred_start: NDArray[np.int64]
    pred_s: Ids
    pred_o: Ids
    pred_terms: Ids
    value_kind: NDArray[np.uint8]
    value: NDArray[np.float64]

    # -- making and opening

    @classmethod
    def from_triples(
        cls,
        triples: Iterable[tuple[Term, Term, Term]],
        *,
        label_predicates: Sequence[str] = DEFAULT_LABEL_PREDICATES,
    ) -> GraphIndex:
        """Return an in-memory index of `triples`."""
        ids: dict[tuple[str, str, str | None, str | None], int] = {}
        rows: list[tuple[int, int, int]] = []
        for triple in triples:
            row = [ids.setdefault((t.kind, t.value, t.datatype, t.lang), len(ids)) for t in triple]
            rows.append((row[0], row[1], row[2]))
        table = np.array(rows, np.int32).reshape(-1, 3)
        table = np.unique(table, axis=0)
        datatypes = tuple(sorted({key[2] for key in ids if key[2]}))
        langs = tuple(sorted({key[3] for key in ids if key[3]}))
        datatype_ids: dict[str | None, int] = {name: i for i, name in enumerate(datatypes)}
        lang_ids: dict[str | None, int] = {name: i for i, name in enumerate(langs)}
        encoded = [key[1].encode("utf-8", "surrogatepass") for key in ids]
        text_start = np.zeros(len(ids) + 1, np.int64)
        np.cumsum([len(part) for part in encoded], out=text_start[1:])
        value_kind = np.zeros(len(ids), np.uint8)
        value = np.full(len(ids), np.nan)
        for i, (kind, lexical, datatype, _) in enumerate(ids):
            if kind == "literal" and datatype:
                value_kind[i], value[i] = literal_value(lexical, datatype)
        pred_terms = np.unique(table[:, 1]).astype(np.int32)
        s, o = table[:, 0], table[:, 2]
        p = np.searchsorted(pred_terms, table[:, 1]).astype(np.int32)
        by_s, by_o, by_p = np.lexsort((o, p, s)), np.lexsort((s, p, o)), np.lexsort((o, s, p))
        return cls(
            label_predicates=tuple(label_predicates),
            datatypes=datatypes,
            langs=langs,
            kind=np.array([_KINDS.index(key[0]) for key in ids], np.uint8),
            datatype=np.array([datatype_ids.get(key[2], -1) for key in ids], np.int32),
            lang=np.array([lang_ids.get(key[3], -1) for key in ids], np.int32),
            text_start=text_start,
            text=np.frombuffer(b"".join(encoded), np.uint8),
            out_start=_row_starts(s, len(ids)),
            out_p=p[by_s],
            out_o=o[by_s],
            in_start=_row_starts(o, len(ids)),
            in_p=p[by_o],
            in_s=s[by_o],
            pred_start=_row_starts(p, len(pred_terms)),
            pred_s=s[by_p],
            pred_o=o[by_p],
            pred_terms=pred_terms,
            value_kind=value_kind,
            value=value,
        )

    @classmethod
    def open(cls, folder: Path) -> GraphIndex:
        """Return the index that `build_index` wrote to `folder`, memory-mapped. Raises ValueError if it is not one."""
        head = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if head.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"{folder} has index format {head.get('format_version')!r}; load the graph again")
        arrays = {name: _load_array(folder / f"{name}.npy") for name in _ARRAYS}
        return cls(
            label_predicates=tuple(head["label_predicates"]),
            datatypes=tuple(head["datatypes"]),
            langs=tuple(head["langs"]),
            **arrays,
        )

    # -- terms

    @property
    def n_terms(self) -> int:
        """The number of distinct terms."""
        return len(self.kind)

    @property
    def n_triples(self) -> int:
        """The number of distinct triples."""
        return len(self.out_o)

    @property
    def n_predicates(self) -> int:
        """The number of distinct predicates."""
        return len(self.pred_terms)

    def text_of(self, node: int) -> str:
        """Return the IRI, lexical form or blank node id of a term."""
        raw = self.text[self.text_start[node] : self.text_start[node + 1]].tobytes()
        return raw.decode("utf-8", "surrogatepass")

    def term(self, node: int) -> Term:
        """Return the term with id `node`."""
        datatype, lang = int(self.datatype[node]), int(self.lang[node])
        return Term(
            _KINDS[self.kind[node]],  # type: ignore[arg-type]
            self.text_of(node),
            self.datatypes[datatype] if datatype >= 0 else None,
            self.langs[lang] if lang >= 0 else None,
        )

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {self.text_of(i): i for i in range(self.n_terms) if self.kind[i] == 0}

    def find(self, iri: str) -> int:
        """Return the id of an IRI, or -1."""
        return self._ids.get(iri, -1)

    def is_entity(self, node: int) -> bool:
        """Return whether a term is an IRI, not a literal or blank node."""
        return bool(self.kind[node] == 0)

    def is_literal(self, node: int) -> bool:
        """Return whether a term is a literal."""
        return bool(self.kind[node] == 1)

    @cached_property
    def has_blank_nodes(self) -> bool:
        """Whether any term is a blank node."""
        return bool((self.kind == 2).any())

    # -- following edges

    def follow(self, nodes: Ids, predicate: int, *, inverse: bool = False) -> Ids:
        """Return the distinct ends of `predicate` from any of `nodes`, sorted. Shape in: (n,), out: (m,)."""
        if len(nodes) > 64:
            return self._follow_many(nodes, predicate, inverse=inverse)
        start, preds, ends = (
            (self.in_start, self.in_p, self.in_s) if inverse else (self.out_start, self.out_p, self.out_o)
        )
        found = []
        for node in nodes.tolist():
            a, b = int(start[node]), int(start[node + 1])
            if a == b:
                continue
            row = preds[a:b]
            left = int(row.searchsorted(predicate))
            right = int(row.searchsorted(predicate, "right"))
            if left < right:
                found.append(ends[a + left : a + right])
        if not found:
            return _EMPTY
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    def _follow_many(self, nodes: Ids, predicate: int, *, inverse: bool) -> Ids:
        nodes = np.unique(nodes)
        a, b = int(self.pred_start[predicate]), int(self.pred_start[predicate + 1])
        starts, ends = self.pred_s[a:b], self.pred_o[a:b]
        if inverse:
            starts, ends = ends, starts
        return np.unique(ends[_member(starts, nodes)])

    def follow_path(self, nodes: Ids, path: Sequence[tuple[int, bool]]) -> Ids:
        """Return the distinct ends of a path of (predicate, inverse) steps from `nodes`, sorted."""
        for predicate, inverse in path:
            nodes = self.follow(nodes, predicate, inverse=inverse)
        return nodes

    def edges(self, nodes: Ids, path: Sequence[tuple[int, bool]]) -> tuple[Ids, Ids]:
        """Return the distinct (start, end) pairs that `path` joins, with start in `nodes`. Shapes: (m,), (m,)."""
        starts = ends = np.unique(nodes)
        for predicate, inverse in path:
            a, b = int(self.pred_start[predicate]), int(self.pred_start[predicate + 1])
            left, right = self.pred_s[a:b], self.pred_o[a:b]
            if inverse:
                order = np.argsort(right, kind="stable")
                left, right = right[order], left[order]
            lo, hi = np.searchsorted(left, ends), np.searchsorted(left, ends, "right")
            counts = hi - lo
            rows = np.repeat(lo, counts) + _ranges(counts)
            starts, ends = np.repeat(starts, counts), right[rows]
            if len(starts):
                pairs = np.unique(np.stack((starts, ends)), axis=1)
                starts, ends = pairs[0], pairs[1]
        return starts, ends

    def incident(self, nodes: Ids, *, max_nodes: int = 128) -> tuple[frozenset[int], frozenset[int]]:
        """Return the predicates that leave and that enter a sample of `nodes` (evenly spaced, all if few)."""
        if len(nodes) > max_nodes:
            nodes = nodes[np.linspace(0, len(nodes) - 1, max_nodes).astype(np.int64)]
        out: set[int] = set()
        into: set[int] = set()
        for node in nodes.tolist():
            out.update(self.out_p[self.out_start[node] : self.out_start[node + 1]].tolist())
            a, b = int(self.in_start[node]), int(self.in_start[node + 1])
            if b - a < 256:
                into.update(self.in_p[a:b].tolist())
            else:  # a hub: jump from one predicate to the next instead of reading the row
                while a < b:
                    predicate = int(self.in_p[a])
                    into.add(predicate)
                    a += int(self.in_p[a:b].searchsorted(predicate, "right"))
        return frozenset(out), frozenset(into)

    def has_edge(self, subject: int, predicate: int, obj: int) -> bool:
        """Return whether the graph states this triple."""
        return obj in self.follow(np.array([subject], np.int32), predicate)

    def degree(self, node: int) -> int:
        """Return how many triples have this node as subject or object."""
        out = self.out_start[node + 1] - self.out_start[node]
        return int(out + self.in_start[node + 1] - self.in_start[node])

    # -- predicates, classes

    @cached_property
    def predicate_labels(self) -> tuple[str, ...]:
        """The text of each predicate: its label, or its split local name."""
        return tuple(self.label(int(node)) for node in self.pred_terms)

    def predicate_id(self, iri: str) -> int:
        """Return the dense id of a predicate, or -1 where no triple uses it."""
        node = self.find(iri)
        place = int(np.searchsorted(self.pred_terms, node))
        return place if node >= 0 and place < self.n_predicates and self.pred_terms[place] == node else -1

    @lru_cache(maxsize=4096)
    def value_kind_of(self, predicate: int) -> int:
        """Return what the values of a predicate are compared as: DATE if most of its numbers and dates are dates,
        else NUMBER."""
        a, b = int(self.pred_start[predicate]), int(self.pred_start[predicate + 1])
        counts = np.bincount(self.value_kind[self.pred_o[a:b]], minlength=4)
        return DATE if counts[DATE] > counts[NUMBER] else NUMBER

    @cached_property
    def _label_predicate_ids(self) -> tuple[int, ...]:
        ids = (self.predicate_id(name) for name in self.label_predicates)
        return tuple(p for p in ids if p >= 0)

    @cached_property
    def labels_used(self) -> tuple[str, ...]:
        """The label predicates that occur in this graph, in the order they are consulted."""
        return tuple(self.text_of(int(self.pred_terms[p])) for p in self._label_predicate_ids)

    @cached_property
    def type_predicates(self) -> tuple[int, ...]:
        """rdf:type and the predicates that the graph's own labels call "instance of"."""
        return tuple(
            p
            for p in range(self.n_predicates)
            if self.text_of(int(self.pred_terms[p])) == RDF_TYPE
            or self.predicate_labels[p].lower() in _INSTANCE_OF
            or self.text_of(int(self.pred_terms[p])) == "http://www.wikidata.org/prop/direct/P31"
        )

    @cached_property
    def _subclass_predicates(self) -> tuple[int, ...]:
        return tuple(
            p
            for p in range(self.n_predicates)
            if self.text_of(int(self.pred_terms[p])) == RDFS + "subClassOf"
            or self.predicate_labels[p].lower() in _SUBCLASS_OF
        )

    @cached_property
    def relation_predicates(self) -> tuple[int, ...]:
        """The predicates that state facts: not labels, annotations, types, or schema statements."""
        skipped = set(self._label_predicate_ids) | set(self.type_predicates) | set(self._subclass_predicates)
        kept = []
        for p in range(self.n_predicates):
            name = self.text_of(int(self.pred_terms[p]))
            if p not in skipped and name not in _ANNOTATIONS and not name.startswith(_SCHEMA_NAMESPACES):
                kept.append(p)
        return tuple(kept)

    @cached_property
    def subclasses(self) -> dict[int, tuple[int, ...]]:
        """Each class that has subclasses -> all of them, transitively, itself first."""
        children: dict[int, set[int]] = {}
        for p in self._subclass_predicates:
            a, b = int(self.pred_start[p]), int(self.pred_start[p + 1])
            for child, parent in zip(self.pred_s[a:b].tolist(), self.pred_o[a:b].tolist(), strict=True):
                if child != parent:
                    children.setdefault(parent, set()).add(child)
        closure: dict[int, tuple[int, ...]] = {}
        for parent in children:
            seen, frontier = {parent: None}, [parent]
            while frontier:
                for child in sorted(children.get(frontier.pop(), ())):
                    if child not in seen:
                        seen[child] = None
                        frontier.append(child)
            if self.kind[parent] != 2:  # an anonymous class can be neither asked for nor written in a query
                closure[parent] = tuple(c for c in seen if self.kind[c] != 2)
        return closure

    @cached_property
    def class_sizes(self) -> dict[int, int]:
        """Each class that has instances -> how many (subclasses included). Schema classes such as owl:Class are left
        out."""
        classes: set[int] = set()
        for p in self.type_predicates:
            a, b = int(self.pred_start[p]), int(self.pred_start[p + 1])
            classes.update(np.unique(self.pred_o[a:b]).tolist())
        classes.update(parent for parent in self.subclasses)
        kept = (c for c in sorted(classes) if self.kind[c] == 0 and not self.text_of(c).startswith(_SCHEMA_NAMESPACES))
        sizes = ((c, len(self.instances(c))) for c in kept)
        return {c: size for c, size in sizes if size}

    @cached_property
    def schema_nodes(self) -> frozenset[int]:
        """Classes, predicates and ontology headers: parts of the schema, not things it is about."""
        nodes = {int(node) for node in self.pred_terms} | set(self.class_sizes) | set(self.subclasses)
        for p in self.type_predicates:
            a, b = int(self.pred_start[p]), int(self.pred_start[p + 1])
            for subject, kind in zip(self.pred_s[a:b].tolist(), self.pred_o[a:b].tolist(), strict=True):
                name = self.text_of(kind) if self.kind[kind] == 0 else ""
                if name.startswith(_SCHEMA_NAMESPACES) and not name.endswith(
                    ("#NamedIndividual", "#Thing", "#Resource")
                ):
                    nodes.add(subject)
        return frozenset(nodes)

    @lru_cache(maxsize=4096)
    def instances(self, klass: int) -> Ids:
        """Return the instances of a class or of its subclasses, sorted."""
        found = [_EMPTY]
        members = np.array(self.subclasses.get(klass, (klass,)), np.int32)
        for p in self.type_predicates:
            found.append(self.follow(members, p, inverse=True))
        return np.unique(np.concatenate(found))

    @lru_cache(maxsize=100_000)
    def classes_of(self, node: int) -> tuple[int, ...]:
        """Return the classes stated for a node, the smallest first."""
        found: list[int] = []
        for p in self.type_predicates:
            found.extend(self.follow(np.array([node], np.int32), p).tolist())
        return tuple(sorted((c for c in set(found) if c in self.class_sizes), key=lambda c: self.class_sizes[c]))

    # -- labels

    @lru_cache(maxsize=200_000)
    def labels(self, node: int) -> tuple[tuple[str, bool], ...]:
        """Return (label, is_alternative) of a node as stated, the one to display first. Empty if none is stated.

        English comes first, then labels without a language, then others.
        """
        found = []
        one = np.array([node], np.int32)
        for rank, p in enumerate(self._label_predicate_ids):
            alternative = any(self.text_of(int(self.pred_terms[p])).endswith(name) for name in _ALTERNATIVE)
            for value in self.follow(one, p).tolist():
                if self.kind[value] == 1:
                    lang = self.langs[self.lang[value]] if self.lang[value] >= 0 else ""
                    order = 0 if lang.split("-")[0] == "en" else 1 if not lang else 2
                    found.append((alternative, order, rank, self.text_of(value)))
        found.sort()
        return tuple(dict.fromkeys((text, alternative) for alternative, _, _, text in found if text.strip()))

    @lru_cache(maxsize=200_000)
    def label(self, node: int) -> str:
        """Return the text to show for a term: its label, its split local name, or a literal's lexical form."""
        if self.kind[node] == 1:
            return self.text_of(node)
        if self.kind[node] == 2:
            return "something"
        stated = self.labels(node)
        return stated[0][0] if stated else split_local_name(self.text_of(node))

    def class_label(self, node: int) -> str:
        """Return the label of the smallest class of a node, or an empty string."""
        classes = self.classes_of(node)
        return self.label(classes[0]) if classes else ""

    # -- summaries for people

    def classes(self) -> tuple[tuple[str, int], ...]:
        """Return (label, number of instances) of each class, the largest first."""
        sizes = sorted(self.class_sizes.items(), key=lambda item: (-item[1], item[0]))
        return tuple((self.label(c), size) for c, size in sizes)

    def predicates(self) -> tuple[tuple[str, int], ...]:
        """Return (label, number of triples) of each relation predicate, the most used first."""
        counts = [(int(self.pred_start[p + 1] - self.pred_start[p]), p) for p in self.relation_predicates]
        return tuple((self.predicate_labels[p], n) for n, p in sorted(counts, key=lambda item: (-item[0], item[1])))

    def examples(self, klass: int, n: int = 3) -> tuple[str, ...]:
        """Return the labels of the `n` best connected instances of a class."""
        members = self.instances(klass)[:2000].tolist()
        best = sorted(members, key=lambda node: (-self.degree(node), node))[:n]
        return tuple(self.label(node) for node in best)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def _row_starts(keys: NDArray[np.int32], n_rows: int) -> NDArray[np.int64]:
    starts = np.zeros(n_rows + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=n_rows), out=starts[1:])
    return starts


def _ranges(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0..counts[0]-1, 0..counts[1]-1, ... one after the other."""
    total = int(counts.sum())
    offsets = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(total, dtype=np.int64) - offsets


def _member(values: Ids, sorted_nodes: Ids) -> NDArray[np.bool_]:
    """Return for each value whether it is in `sorted_nodes`."""
    places = np.searchsorted(sorted_nodes, values)
    places[places == len(sorted_nodes)] = 0
    return np.asarray(sorted_nodes[places] == values)


def _load_array(path: Path) -> NDArray[Any]:
    """Return a stored array, memory-mapped, as a plain ndarray: slicing np.memmap is several times slower."""
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:  # an empty array cannot be mapped
        return np.asarray(np.load(path, allow_pickle=False))


__all__ = [
    "BOOLEAN",
    "DATE",
    "DEFAULT_LABEL_PREDICATES",
    "NO_VALUE",
    "NUMBER",
    "GraphIndex",
    "Ids",
    "build_index",
    "normalize",
]
