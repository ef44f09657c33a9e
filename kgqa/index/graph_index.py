"""The integer index of one graph: who is connected to whom, by what, in both directions.

Every term has an id; triples are kept three times as sorted integer arrays (by subject, by object, by predicate), so
that following a predicate is a slice. Arrays are memory-mapped from one file. Strings are decoded only when read.
Layout after the compressed sparse rows of Saad, "Iterative Methods for Sparse Linear Systems", section 3.4.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import RDF_TYPE, RDFS, Term
from kgqa.index import derived, wikibase
from kgqa.index.adjacency import Adjacency
from kgqa.index.arrays import EMPTY, Array, Ids, distinct, fetch_rows, open_arrays, ranges
from kgqa.index.encoding import encode, encode_with_names
from kgqa.index.naming import full_names, naming_predicates
from kgqa.index.terms import BNODE, KINDS, LITERAL, URI, TripleBuffer, sort_key_of
from kgqa.index.text import split_local_name
from kgqa.index.values import DATE, NUMBER, is_plain_date
from kgqa.index.vocabularies import DEFAULT_LABEL_PREDICATES, INSTANCE_OF, SUBCLASS_OF, WIKIDATA_INSTANCE_OF

FORMAT_VERSION = 4
INDEX_FILE = "index.safetensors"
# Fewer texts, or longer ones, are decoded one by one, which is quicker then; batches bound what is copied at once.
_MIN_GATHERED, _MAX_MEAN_BYTES, _BATCH = 64, 80, 1024
_MAX_DATES = 20_000


class GraphIndex:
    """The index, opened. Node ids run from 0; predicates also have dense ids of their own, 0 to `n_predicates` - 1.

    `arrays` holds the columns and adjacencies by name, and those of what is derived from them where that is stored;
    what is not stored is worked out when first asked for. `texts` holds the small parts, as JSON.
    """

    def __init__(self, arrays: Mapping[str, Array], texts: Mapping[str, str]) -> None:
        self.arrays, self.texts = arrays, texts
        head = json.loads(texts["head"])
        self.label_predicates: tuple[str, ...] = tuple(head["label_predicates"])
        self.code_predicates: tuple[str, ...] = tuple(head["code_predicates"])
        self.datatypes: tuple[str, ...] = tuple(head["datatypes"])
        self.langs: tuple[str, ...] = tuple(head["langs"])
        self.kind: NDArray[np.uint8] = arrays["kind"]
        self.datatype: Ids = arrays["datatype"]
        self.lang: Ids = arrays["lang"]
        self.text_start: NDArray[np.int64] = arrays["text_start"]
        self.text: NDArray[np.uint8] = arrays["text"]
        self.out_start: NDArray[np.int64] = arrays["out_start"]
        self.out_p: Ids = arrays["out_p"]
        self.out_o: Ids = arrays["out_o"]
        self.in_start: NDArray[np.int64] = arrays["in_start"]
        self.in_p: Ids = arrays["in_p"]
        self.in_s: Ids = arrays["in_s"]
        self.pred_start: NDArray[np.int64] = arrays["pred_start"]
        self.pred_s: Ids = arrays["pred_s"]
        self.pred_o: Ids = arrays["pred_o"]
        self.pred_terms: Ids = arrays["pred_terms"]
        self.value_kind: NDArray[np.uint8] = arrays["value_kind"]
        self.value: NDArray[np.float64] = arrays["value"]
        # What is asked for often is remembered, for as long as the index lives.
        self.instances = lru_cache(maxsize=4096)(self._instances)
        self.classes_of = lru_cache(maxsize=100_000)(self._classes_of)
        self.label = lru_cache(maxsize=200_000)(self._label)
        self._predicate_set = lru_cache(maxsize=100_000)(self._set)
        self.likeness = lru_cache(maxsize=4096)(self._likeness)
        self.has_plain_dates = lru_cache(maxsize=4096)(self._has_plain_dates)
        self._sets_with = lru_cache(maxsize=256)(self._with_predicate)
        self._text, self._text_start = self.text.data, self.text_start.data
        self.adjacency = edges = Adjacency(arrays)
        self.pairs, self.out_row, self.in_row = edges.pairs, edges.out_row, edges.in_row
        self.follow, self.follow_path, self.edges, self.neighbors = (
            edges.follow, edges.follow_path, edges.edges, edges.neighbors
        )  # fmt: skip
        self.row_of, self.has_edge, self.degree = edges.row_of, edges.has_edge, edges.degree

    # -- making and opening

    @classmethod
    def from_triples(
        cls,
        triples: Iterable[tuple[Term, Term, Term]],
        *,
        label_predicates: Sequence[str] | None = None,
    ) -> GraphIndex:
        """Return an in-memory index of `triples`. Duplicates are stored once. See `from_rows`."""
        buffer = TripleBuffer()
        buffer.add_terms(triples)
        return cls.from_rows(list(buffer.ids), buffer.rows(), label_predicates=label_predicates)[0]

    @classmethod
    def from_rows(
        cls, keys: Sequence[str], rows: Ids, *, label_predicates: Sequence[str] | None = None
    ) -> tuple[GraphIndex, Ids]:
        """Return an in-memory index, and the node id of each key.

        `keys` are distinct terms in N-Triples syntax; `rows` are triples of places in `keys`. Shape: (n, 3). Things are
        named by `label_predicates`; left out, by the usual ones and those that `kgqa.index.naming` finds.
        """
        arrays, datatypes, langs, ids = encode(keys, rows)
        labels = list(DEFAULT_LABEL_PREDICATES if label_predicates is None else label_predicates)
        head = {
            "format_version": FORMAT_VERSION,
            "label_predicates": labels,
            "code_predicates": [],
            "datatypes": datatypes,
            "langs": langs,
        }
        index = cls(arrays, {"head": json.dumps(head)})
        if label_predicates is not None:
            return index, ids
        names, codes = ([index.text_of(int(index.pred_terms[p])) for p in found] for found in naming_predicates(index))
        if names or codes:
            head |= {"label_predicates": labels + names, "code_predicates": codes}
            index = cls(arrays, {"head": json.dumps(head)})
        if people := full_names(index):
            arrays, ids = encode_with_names(keys, rows, ids, people)
            index = cls(arrays, {"head": json.dumps(head)})
        return index, ids

    @classmethod
    def open(cls, folder: Path) -> GraphIndex:
        """Return the index that `kgqa.index.build` wrote to `folder`, memory-mapped. Raises ValueError if it is none.
        """
        arrays, texts = open_arrays(folder / INDEX_FILE)
        version = json.loads(texts.get("head", "{}")).get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(f"{folder} has index format {version!r}; load the graph again")
        return cls(arrays, texts)

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
        start = self._text_start
        return str(self._text[start[node] : start[node + 1]], "utf-8", "surrogatepass")

    def texts_of(self, nodes: Ids) -> list[str]:
        """Return the texts of many terms in one go, in their order."""
        starts, ends = self.text_start.take(nodes), self.text_start.take(np.add(nodes, 1))
        if len(nodes) < _MIN_GATHERED:
            return self._sliced(starts, ends)
        fetch_rows(self.text, starts, ends)
        texts: list[str] = []
        for first in range(0, len(nodes), _BATCH):
            texts += self._gathered(starts[first : first + _BATCH], ends[first : first + _BATCH])
        return texts

    def _sliced(self, starts: Array, ends: Array) -> list[str]:
        text = self._text
        return [str(text[a:b], "utf-8", "surrogatepass") for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]

    def _gathered(self, starts: Array, ends: Array) -> list[str]:
        """Return texts that are copied together, each with the byte behind it as a separator, and decoded as one."""
        lengths = ends - starts + 1
        if int(lengths.sum()) > _MAX_MEAN_BYTES * len(lengths):
            return self._sliced(starts, ends)
        gathered = self.text.take(ranges(starts, lengths), mode="clip")  # behind the last text there is no byte
        gathered[np.cumsum(lengths) - 1] = 0
        texts = str(gathered.data, "utf-8", "surrogatepass").split("\0")
        return texts[:-1] if len(texts) == len(lengths) + 1 else self._sliced(starts, ends)  # a text has a NUL

    def term(self, node: int) -> Term:
        """Return the term with id `node`."""
        datatype, lang = int(self.datatype[node]), int(self.lang[node])
        return Term(
            KINDS[self.kind[node]],
            self.text_of(node),
            self.datatypes[datatype] if datatype >= 0 else None,
            self.langs[lang] if lang >= 0 else None,
        )

    @cached_property
    def _blocks(self) -> tuple[int, int, int, int]:
        """Where IRIs, literals and blank nodes start, and where the last end."""
        first, second = np.searchsorted(self.kind, (LITERAL, BNODE)).tolist()
        return 0, first, second, self.n_terms

    def find(self, iri: str) -> int:
        """Return the id of an IRI, or -1."""
        end = self._blocks[1]
        place = bisect_left(range(end), iri, key=self.text_of)
        return place if place < end and self.text_of(place) == iri else -1

    def find_term(self, term: Term) -> int:
        """Return the id of a term, or -1."""
        kind = KINDS.index(term.kind)
        start, end = self._blocks[kind : kind + 2]
        place = start + bisect_left(range(start, end), sort_key_of(term), key=lambda node: sort_key_of(self.term(node)))
        return place if place < end and self.term(place) == term else -1

    def is_entity(self, node: int) -> bool:
        """Return whether a term is an IRI, not a literal or blank node."""
        return bool(self.kind[node] == URI)

    def is_literal(self, node: int) -> bool:
        """Return whether a term is a literal."""
        return bool(self.kind[node] == LITERAL)

    @property
    def has_blank_nodes(self) -> bool:
        """Whether any term is a blank node."""
        return self._blocks[2] < self._blocks[3]

    def named(self, nodes: Ids) -> Ids:
        """Return the sorted `nodes` without blank nodes, which have the last ids."""
        return nodes[: int(nodes.searchsorted(self._blocks[2]))] if self.has_blank_nodes else nodes

    # -- sets of predicates

    @cached_property
    def predicate_sets(self) -> tuple[tuple[Ids, Array, Ids], tuple[Ids, Array, Ids]]:
        """The sets of predicates that leave and that enter each node, as `derived.predicate_sets` gives them."""
        if "out_set" in self.arrays:
            out, into = ([self.arrays[f"{side}_set{part}"] for part in ("", "_start", "_pred")] for side in _SIDES)
            return (out[0], out[1], out[2]), (into[0], into[1], into[2])
        return (
            derived.predicate_sets(self.out_start, self.out_p, self.n_predicates),
            derived.predicate_sets(self.in_start, self.in_p, self.n_predicates),
        )

    def _set(self, side: int, number: int) -> frozenset[int]:
        _, start, preds = self.predicate_sets[side]
        return frozenset(preds[start[number] : start[number + 1]].tolist())

    def incident(self, nodes: Ids, *, max_nodes: int = 128) -> tuple[frozenset[int], frozenset[int]]:
        """Return the predicates that leave and that enter a sample of `nodes` (evenly spaced, all if few)."""
        if len(nodes) > max_nodes:
            nodes = nodes[np.linspace(0, len(nodes) - 1, max_nodes).astype(np.int64)]
        found = []
        for side, (set_of, _, _) in enumerate(self.predicate_sets):
            sets = [self._predicate_set(side, number) for number in set(set_of[nodes].tolist())]
            found.append(sets[0] if len(sets) == 1 else frozenset().union(*sets))
        return found[0], found[1]

    def having(self, nodes: Ids, predicate: int, *, inverse: bool = False) -> NDArray[np.bool_]:
        """Return for each node whether `predicate` leaves (or enters) it. Shape: (n_nodes,)."""
        set_of, _, _ = self.predicate_sets[inverse]
        return np.asarray(self._sets_with(predicate, inverse)[set_of[nodes]])

    def _with_predicate(self, predicate: int, inverse: bool) -> NDArray[np.bool_]:
        """Return for each set of predicates whether `predicate` is in it. Shape: (n_sets,)."""
        _, start, preds = self.predicate_sets[inverse]
        found = np.zeros(len(start) - 1, np.bool_)
        found[np.searchsorted(start, np.flatnonzero(preds == predicate), "right") - 1] = True
        return found

    # -- predicates

    @cached_property
    def _predicates(self) -> dict[str, Any]:
        """What is stored of the predicates; see `kgqa.index.build`."""
        return json.loads(self.texts["predicates"]) if "predicates" in self.texts else {}

    @cached_property
    def predicate_labels(self) -> tuple[str, ...]:
        """The text of each predicate: its label, or its split local name with abbreviations written out."""
        if self._predicates:
            return tuple(self._predicates["labels"])
        return derived.predicate_labels(self)

    @cached_property
    def predicate_nodes(self) -> tuple[int, ...]:
        """The node that names each predicate, mostly itself; see `kgqa.index.wikibase`."""
        if self._predicates:
            return tuple(self._predicates["nodes"])
        return wikibase.predicate_nodes(self)

    @cached_property
    def is_inner(self) -> NDArray[np.bool_]:
        """Which nodes are read through: blank nodes and statements; see `kgqa.index.wikibase`. Shape: (n_terms,)."""
        return self.arrays["inner"] if "inner" in self.arrays else wikibase.inner_nodes(self)

    def predicate_id(self, iri: str) -> int:
        """Return the dense id of a predicate, or -1 where no triple uses it."""
        node = self.find(iri)
        place = int(np.searchsorted(self.pred_terms, node))
        return place if node >= 0 and place < self.n_predicates and self.pred_terms[place] == node else -1

    @cached_property
    def value_kinds(self) -> Array:
        """What the values of each predicate are compared as; see `value_kind_of`. Shape: (n_predicates,)."""
        if "predicate_value_kind" in self.arrays:
            return self.arrays["predicate_value_kind"]
        counts = (np.bincount(self.value_kind[self.pairs(p)[1]], minlength=4) for p in range(self.n_predicates))
        return np.array([DATE if found[DATE] > found[NUMBER] else NUMBER for found in counts], np.uint8)

    def value_kind_of(self, predicate: int) -> int:
        """Return what the values of a predicate are compared as: DATE if most of its numbers and dates are dates,
        else NUMBER."""
        return int(self.value_kinds[predicate])

    def ends(self, predicate: int, *, inverse: bool = False) -> Ids:
        """Return the distinct objects (or subjects) of a predicate, sorted."""
        return self.adjacency.distinct(self.pairs(predicate)[0 if inverse else 1])

    def _likeness(self, predicate: int, inverse: bool) -> tuple[int, int, bool]:
        """Return the value kind and the datatype of all ends of a predicate, -1 where they have several, and whether no
        two are of the same value."""
        ends = self.ends(predicate, inverse=inverse)
        kind, datatype = (
            int(column[0]) if bool((column == column[0]).all()) else -1
            for column in (self.value_kind[ends], self.datatype[ends])
        )
        return kind, datatype, len(distinct(self.value[ends])) == len(ends)

    def _has_plain_dates(self, predicate: int, inverse: bool) -> bool:
        """Return whether the ends of a predicate, which are dates, have neither time zones nor fractions of a second.

        Of many ends the first are read.
        """
        ends = self.ends(predicate, inverse=inverse)[:_MAX_DATES]
        datatypes = map(self.datatypes.__getitem__, self.datatype[ends].tolist())
        return all(map(is_plain_date, self.texts_of(ends), datatypes))

    @cached_property
    def label_predicate_ids(self) -> tuple[int, ...]:
        """The label predicates that occur in this graph, as dense ids, in the order they are consulted."""
        ids = (self.predicate_id(name) for name in self.label_predicates)
        return tuple(p for p in ids if p >= 0)

    @cached_property
    def code_predicate_ids(self) -> tuple[int, ...]:
        """The predicates whose codes are shown where a thing has no label, as dense ids."""
        return tuple(p for name in self.code_predicates if (p := self.predicate_id(name)) >= 0)

    @cached_property
    def labels_used(self) -> tuple[str, ...]:
        """The label predicates that occur in this graph, in the order they are consulted."""
        return tuple(self.text_of(int(self.pred_terms[p])) for p in self.label_predicate_ids)

    @cached_property
    def type_predicates(self) -> tuple[int, ...]:
        """rdf:type and the predicates that the graph's own labels call "instance of"."""
        return self._predicates_named((RDF_TYPE, WIKIDATA_INSTANCE_OF), INSTANCE_OF)

    @cached_property
    def subclass_predicates(self) -> tuple[int, ...]:
        """rdfs:subClassOf and the predicates that the graph's own labels call "subclass of"."""
        return self._predicates_named((RDFS + "subClassOf",), SUBCLASS_OF)

    def _predicates_named(self, iris: Sequence[str], labels: frozenset[str]) -> tuple[int, ...]:
        known = {self.predicate_id(name) for name in iris} - {-1}
        called = (p for p, label in enumerate(self.predicate_labels) if label.lower() in labels)
        of_things = (p for p in called if not any(self.is_inner[ends].all() for ends in self.pairs(p)))
        return tuple(sorted(known.union(of_things)))

    @cached_property
    def relation_predicates(self) -> tuple[int, ...]:
        """The predicates that state facts, as `derived.relation_predicates` tells them."""
        return derived.relation_predicates(self)

    # -- classes

    @cached_property
    def subclasses(self) -> dict[int, tuple[int, ...]]:
        """Each class that has subclasses -> all of them, transitively, itself first."""
        if "closure" not in self.arrays:
            return derived.subclass_closure(self)
        starts, nodes = self.arrays["closure_start"].tolist(), self.arrays["closure"].tolist()
        closures = (tuple(nodes[a:b]) for a, b in pairwise(starts))
        return {closure[0]: closure for closure in closures}

    @cached_property
    def class_sizes(self) -> dict[int, int]:
        """Each class that has instances -> how many (subclasses included). Schema classes such as owl:Class are left
        out."""
        if "class_node" not in self.arrays:
            return derived.class_sizes(self)
        return dict(zip(self.arrays["class_node"].tolist(), self.arrays["class_size"].tolist(), strict=True))

    @cached_property
    def schema_node_ids(self) -> Ids:
        """The members of `schema_nodes`, sorted."""
        return self.arrays["schema_node"] if "schema_node" in self.arrays else derived.schema_nodes(self)

    @cached_property
    def schema_nodes(self) -> frozenset[int]:
        """Classes, predicates and ontology headers: parts of the schema, not things it is about."""
        return frozenset(self.schema_node_ids.tolist())

    @cached_property
    def _stored_members(self) -> dict[int, tuple[int, int]]:
        if "member" not in self.arrays:
            return {}
        starts = self.arrays["member_start"].tolist()
        spans = pairwise(starts)
        return dict(zip(self.arrays["member_class"].tolist(), spans, strict=True))

    def _instances(self, klass: int) -> Ids:
        """Return the instances of a class or of its subclasses, sorted."""
        if span := self._stored_members.get(klass):
            return np.asarray(self.arrays["member"][span[0] : span[1]])
        members = np.array(self.subclasses.get(klass, (klass,)), np.int32)
        found = [ends for p in self.type_predicates if len(ends := self.follow(members, p, inverse=True))]
        if not found:
            return EMPTY
        return found[0] if len(found) == 1 else self.adjacency.distinct(np.concatenate(found))

    def _classes_of(self, node: int) -> tuple[int, ...]:
        """Return the classes stated for a node, the smallest first."""
        sizes = self.class_sizes
        found = {c for p in self.type_predicates for c in self.adjacency.row(node, p).tolist() if c in sizes}
        return tuple(sorted(found, key=lambda c: (sizes[c], c)))

    # -- labels

    @cached_property
    def label_rows(self) -> tuple[Ids, Ids, NDArray[np.bool_]]:
        """Every stated label as (node, literal, is_alternative), by node, the one to display first."""
        if "label_node" in self.arrays:
            return self.arrays["label_node"], self.arrays["label_value"], self.arrays["label_alternative"]
        return derived.label_rows(self)

    @cached_property
    def display_labels(self) -> Ids:
        """For each term the literal that is its label, or -1. Shape: (n_terms,)."""
        if "display_label" in self.arrays:
            return self.arrays["display_label"]
        nodes, values, _ = self.label_rows
        return derived.display_labels(self.n_terms, nodes, values)

    def labels(self, node: int) -> tuple[tuple[str, bool], ...]:
        """Return (label, is_alternative) of a node as stated, the one to display first. Empty if none is stated.

        English comes first, then labels without a language, then others.
        """
        nodes, values, alternatives = self.label_rows
        a, b = np.searchsorted(nodes, (node, node + 1)).tolist()
        texts = self.texts_of(values[a:b])
        return tuple(dict.fromkeys(zip(texts, alternatives[a:b].tolist(), strict=True)))

    def _label(self, node: int) -> str:
        """Return the text to show for a term: its label, its split local name, or a literal's lexical form."""
        if self.kind[node] == LITERAL:
            return self.text_of(node)
        if self.is_inner[node]:
            return "something"
        stated = int(self.display_labels[node])
        return self.text_of(stated) if stated >= 0 else split_local_name(self.text_of(node))

    def labels_of(self, nodes: Ids) -> list[str]:
        """Return the texts to show for many terms in one go, in their order; each as `label` gives it."""
        shown = np.where(self.kind[nodes] == LITERAL, nodes, self.display_labels[nodes])
        texts = self.texts_of(np.where(shown >= 0, shown, nodes))
        for place in np.flatnonzero(shown < 0).tolist():
            texts[place] = self.label(int(nodes[place]))
        return texts

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


_SIDES = ("out", "in")

__all__ = ["DEFAULT_LABEL_PREDICATES", "FORMAT_VERSION", "INDEX_FILE", "GraphIndex", "Ids"]
