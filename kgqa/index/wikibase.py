"""The data model of Wikibase, which Wikidata is written in: properties are things, and statements are nodes.

A predicate such as `wdt:P31` has no label of its own; that of the property `wd:P31` is meant. Beside `s wdt:P31 o`, the
same claim stands as `s p:P31 statement` and `statement ps:P31 o`, and what qualifies it (when, where) hangs on the
statement. https://www.mediawiki.org/wiki/Wikibase/Indexing/RDF_Dump_Format
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.index.arrays import EMPTY, Ids, distinct, intersect
from kgqa.index.terms import BNODE, URI
from kgqa.index.text import is_opaque, local_name

if TYPE_CHECKING:
    from kgqa.index.graph_index import GraphIndex

NAMESPACE = "http://wikiba.se/ontology#"
_STATED_BY = ("directClaim", "directClaimNormalized", "claim", "statementProperty", "statementValue", "qualifier",
              "qualifierValue")  # fmt: skip


def predicate_nodes(index: GraphIndex) -> tuple[int, ...]:
    """Return for each predicate the node that has its label: its property where the graph links one, else itself.

    Without links, an opaque predicate without a label is named by the one labelled thing of the same local name.
    """
    nodes = index.pred_terms.tolist()
    place = {node: p for p, node in enumerate(nodes)}
    for name in _STATED_BY:
        if (link := index.predicate_id(NAMESPACE + name)) >= 0:
            properties, predicates = index.pairs(link)
            for prop, predicate in zip(properties.tolist(), predicates.tolist(), strict=True):
                if predicate in place and index.display_labels[predicate] < 0:
                    nodes[place[predicate]] = prop
    unnamed = {
        p: local_name(iri)
        for p, iri in enumerate(index.texts_of(index.pred_terms))
        if nodes[p] == index.pred_terms[p] and index.display_labels[nodes[p]] < 0 and is_opaque(iri)
    }
    if unnamed:
        wanted = set(unnamed.values())
        labelled = distinct(index.label_rows[0])
        bearers: dict[str, list[int]] = {}
        for node, iri in zip(labelled.tolist(), index.texts_of(labelled), strict=True):
            if (name := local_name(iri)) in wanted:
                bearers.setdefault(name, []).append(node)
        for p, name in unnamed.items():
            if len(found := bearers.get(name, [])) == 1:
                nodes[p] = found[0]
    return tuple(nodes)


def inner_nodes(index: GraphIndex) -> NDArray[np.bool_]:
    """Return which nodes stand between others and are no things themselves: blank nodes and statements.

    A statement is a nameless node that is the object of one predicate and the subject of another of the same local
    name. Shape: (n_terms,).
    """
    inner: NDArray[np.bool_] = index.kind == BNODE
    by_name: dict[str, list[int]] = {}
    for p, iri in enumerate(index.texts_of(index.pred_terms)):
        by_name.setdefault(local_name(iri), []).append(p)
    for group in by_name.values():
        for p in group if len(group) > 1 else ():
            objects = _nameless(index, distinct(index.pairs(p)[1]))
            for q in group if len(objects) else ():
                if p != q:
                    inner[intersect(objects, distinct(index.pairs(q)[0]))] = True
    return inner


def _nameless(index: GraphIndex, nodes: Ids) -> Ids:
    if len(nodes) == 0:
        return EMPTY
    return np.asarray(nodes[(index.kind[nodes] == URI) & (index.display_labels[nodes] < 0)])
