"""What is worked out once from the triples of an index and kept beside them: names, classes, sets of predicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.index.abbreviations import thing_referred_to, written_out
from kgqa.index.arrays import EMPTY, Array, Ids, distinct, is_member, ranges
from kgqa.index.terms import BNODE, LITERAL, URI
from kgqa.index.vocabularies import ANNOTATIONS, SCHEMA_NAMESPACES

if TYPE_CHECKING:
    from kgqa.index.graph_index import GraphIndex

_ALTERNATIVE = ("altLabel", "alternateName")
_MEMBERS_PER_TYPE = 4
_SAMPLE = 50


def predicate_labels(index: GraphIndex) -> tuple[str, ...]:
    """Return the text of each predicate: its label, or what its local name says."""
    return tuple(_predicate_label(index, p, node) for p, node in enumerate(index.predicate_nodes))


def _predicate_label(index: GraphIndex, predicate: int, node: int) -> str:
    if index.display_labels[node] >= 0:
        return index.label(node)
    label = written_out(index.label(node))
    if (index.kind[index.pairs(predicate)[1][:_SAMPLE]] == URI).all():
        label = thing_referred_to(label)
    return label.lower() if label.isupper() and len(label) > 3 else label


def label_rows(index: GraphIndex) -> tuple[Ids, Ids, NDArray[np.bool_]]:
    """Return (node, literal, is_alternative) of each label, by node, the one to display first.

    English comes first, then labels without a language, then others; then the order of the label predicates.
    """
    order_of_lang = np.array([0 if lang.split("-")[0] == "en" else 2 for lang in index.langs] + [1], np.int8)
    parts = []
    for rank, p in enumerate((*index.label_predicate_ids, *index.code_predicate_ids)):
        subjects, values = index.pairs(p)
        literals = index.kind[values] == LITERAL
        subjects, values = subjects[literals], values[literals]
        is_code = p in index.code_predicate_ids
        alternative = is_code or index.text_of(int(index.pred_terms[p])).endswith(_ALTERNATIVE)
        parts.append((subjects, values, np.full(len(values), alternative), np.full(len(values), rank, np.int16)))
    if "full_name_node" in index.arrays:
        nodes, values = index.arrays["full_name_node"], index.arrays["full_name_value"]
        parts.append((nodes, values, np.zeros(len(nodes), np.bool_), np.full(len(nodes), len(parts), np.int16)))
    if not parts:
        return EMPTY, EMPTY, np.empty(0, np.bool_)
    nodes, values, alternatives, ranks = (np.concatenate(column) for column in zip(*parts, strict=True))
    keep = ~_is_blank(index, values)
    nodes, values, alternatives, ranks = nodes[keep], values[keep], alternatives[keep], ranks[keep]
    by = np.lexsort((values, ranks, order_of_lang[index.lang[values]], alternatives, nodes))
    return nodes[by], values[by], alternatives[by]


def _is_blank(index: GraphIndex, literals: Ids) -> NDArray[np.bool_]:
    starts, ends = index.text_start[literals], index.text_start[literals.astype(np.int64) + 1]
    blank = starts == ends
    first = index.text[np.minimum(starts, max(len(index.text) - 1, 0))] if len(index.text) else np.empty(0, np.uint8)
    doubtful = np.flatnonzero(~blank & ((first <= 32) | (first >= 128)))
    blank[doubtful] = [not index.text_of(node).strip() for node in literals[doubtful].tolist()]
    return np.asarray(blank)


def display_labels(n_terms: int, nodes: Ids, values: Ids) -> Ids:
    """Return for each term the literal that is its label, or -1. Shape: (n_terms,)."""
    shown = np.full(n_terms, -1, np.int32)
    shown[nodes[::-1]] = values[::-1]  # the first row of a node is written last
    return shown


def predicate_sets(start: NDArray[np.int64], preds: Ids, n_predicates: int) -> tuple[Ids, NDArray[np.int64], Ids]:
    """Return (set of each node, start of each set, the predicates of each set) over the rows of an adjacency.

    Nodes of one kind share their set of predicates (the characteristic sets of Neumann and Moerkotte, 2011), so that
    the predicates of a frontier are found without reading its rows.
    """
    first = np.ones(len(preds), np.bool_)
    first[1:] = preds[1:] != preds[:-1]
    first[start[:-1][start[:-1] < len(preds)]] = True
    used = preds[first]
    row = np.concatenate((np.zeros(1, np.int64), np.cumsum(first))).astype(np.int64)[start]
    lengths: NDArray[np.int64] = np.diff(row)
    for seed in range(100):
        salt = np.random.default_rng(seed).integers(1, 1 << 62, n_predicates, dtype=np.uint64)
        sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(salt[used], dtype=np.uint64)))
        _, example, set_of = np.unique(sums[row[1:]] - sums[row[:-1]], return_index=True, return_inverse=True)
        set_start: NDArray[np.int64] = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths[example])))
        set_preds = used[ranges(row[:-1][example], lengths[example])]
        if np.array_equal(np.diff(set_start)[set_of], lengths) and np.array_equal(
            set_preds[ranges(set_start[:-1][set_of], lengths)], used
        ):
            return set_of.astype(np.int32), set_start, set_preds
    raise AssertionError("a hundred hash functions in a row met collisions")


def subclass_closure(index: GraphIndex) -> dict[int, tuple[int, ...]]:
    """Return each class that has subclasses -> all of them, transitively, itself first."""
    children: dict[int, set[int]] = {}
    for p in index.subclass_predicates:
        subjects, objects = index.pairs(p)
        for child, parent in zip(subjects.tolist(), objects.tolist(), strict=True):
            if child != parent:
                children.setdefault(parent, set()).add(child)
    closure: dict[int, tuple[int, ...]] = {}
    for parent in sorted(children):
        seen, frontier = {parent: None}, [parent]
        while frontier:
            for child in sorted(children.get(frontier.pop(), ())):
                if child not in seen:
                    seen[child] = None
                    frontier.append(child)
        if index.kind[parent] != BNODE:  # an anonymous class can be neither asked for nor written in a query
            closure[parent] = tuple(c for c in seen if index.kind[c] != BNODE)
    return closure


def class_sizes(index: GraphIndex) -> dict[int, int]:
    """Return each class that has instances -> how many, subclasses included; classes of the schema language left out.
    """
    found = [distinct(index.pairs(p)[1]) for p in index.type_predicates]
    found.append(np.array(sorted(index.subclasses), np.int32))
    nodes = distinct(np.concatenate(found))
    nodes = nodes[index.kind[nodes] == URI]
    kept = (c for c in nodes.tolist() if not index.text_of(c).startswith(SCHEMA_NAMESPACES))
    sizes = ((c, len(index.instances(c))) for c in kept)
    return {c: size for c, size in sizes if size}


def relation_predicates(index: GraphIndex) -> tuple[int, ...]:
    """Return the predicates that state facts: not labels, annotations, types, or schema statements.

    That one thing is a kind of another is a fact where neither has instances, as in a medical ontology.
    """
    skipped = {*index.label_predicate_ids, *index.type_predicates, *index.subclass_predicates}
    names = ((p, index.text_of(node)) for p, node in enumerate(index.pred_terms.tolist()) if p not in skipped)
    facts = [p for p, name in names if name not in ANNOTATIONS and not name.startswith(SCHEMA_NAMESPACES)]
    return tuple(sorted((*facts, *(p for p in index.subclass_predicates if _relates_things(index, p)))))


def _relates_things(index: GraphIndex, predicate: int) -> bool:
    """Return whether most subjects of a predicate between classes have no instances themselves."""
    subjects = index.ends(predicate, inverse=True)
    classes = [index.ends(p) for p in index.type_predicates]
    return len(subjects) > 0 and sum(is_member(subjects, ends).mean() for ends in classes) < 0.5


def schema_nodes(index: GraphIndex) -> Ids:
    """Return classes, predicates and ontology headers, sorted: parts of the schema, not things it is about.

    A class without instances that facts are stated of, as a disease is in a medical ontology, is a thing.
    """
    parts = [np.asarray(index.pred_terms), np.array([*index.class_sizes, *index.subclasses], np.int32)]
    for p in index.type_predicates:
        subjects, kinds = index.pairs(p)
        named = distinct(kinds)
        named = named[index.kind[named] == URI]
        of_schema = [kind for kind in named.tolist() if _is_schema_class(index.text_of(kind))]
        parts.append(subjects[is_member(kinds, np.array(of_schema, np.int32))])
    found = distinct(np.concatenate(parts))
    in_use = distinct(np.concatenate((index.pred_terms, np.array(list(index.class_sizes), np.int32))))
    return found[~_has_facts(index, found) | is_member(found, in_use)]


def _has_facts(index: GraphIndex, nodes: Ids) -> NDArray[np.bool_]:
    """Return for each node whether a relation leaves or enters it. Shape: (n_nodes,)."""
    has = np.zeros(len(nodes), np.bool_)
    for set_of, start, preds in index.predicate_sets:
        facts: NDArray[np.int64] = np.zeros(len(preds) + 1, np.int64)
        np.cumsum(np.isin(preds, index.relation_predicates), out=facts[1:])
        has |= (facts[start[1:]] > facts[start[:-1]])[set_of[nodes]]
    return has


def _is_schema_class(name: str) -> bool:
    return name.startswith(SCHEMA_NAMESPACES) and not name.endswith(("#NamedIndividual", "#Thing", "#Resource"))


def stored_members(index: GraphIndex) -> dict[str, Array]:
    """Return the instances of the classes that are the union of several, as arrays `member_*`.

    Other classes are a slice of the adjacency already. The largest unions are left to be made when asked for, once
    those stored exceed four times the type triples.
    """
    unions = [c for c in index.class_sizes if c in index.subclasses or len(index.type_predicates) > 1]
    budget = _MEMBERS_PER_TYPE * sum(len(index.pairs(p)[0]) for p in index.type_predicates)
    kept: list[int] = []
    for klass in sorted(unions, key=lambda c: (index.class_sizes[c], c)):
        budget -= index.class_sizes[klass]
        if budget < 0:
            break
        kept.append(klass)
    members = [index.instances(klass) for klass in kept]
    return {
        "member_class": np.array(kept, np.int32),
        "member_start": np.cumsum([0, *map(len, members)], dtype=np.int64),
        "member": np.concatenate([EMPTY, *members]),
    }
