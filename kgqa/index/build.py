"""Writing an index: the arrays of a graph, and all that is worked out once from them, in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kgqa.datatypes import Term
from kgqa.index import derived
from kgqa.index.arrays import Array, save_arrays
from kgqa.index.graph_index import INDEX_FILE, GraphIndex
from kgqa.index.labels import label_arrays
from kgqa.index.schema import Schema


def build_index(
    triples: Iterable[tuple[Term, Term, Term]],
    folder: Path,
    *,
    label_predicates: Sequence[str] | None = None,
) -> None:
    """Write the index of `triples` into `folder`, which is made if need be. Duplicates are stored once."""
    write_index(GraphIndex.from_triples(triples, label_predicates=label_predicates), folder)


def write_index(index: GraphIndex, folder: Path, *, more: Mapping[str, Array] | None = None) -> None:
    """Write an index into `folder`, which is made if need be, with labels, classes and schema profile worked out.

    `more` are arrays to keep beside the index's own.
    """
    arrays: dict[str, Array] = {**index.arrays, **_derived_arrays(index), **label_arrays(index), **(more or {})}
    texts = {
        **index.texts,
        "predicates": json.dumps({"labels": index.predicate_labels, "nodes": index.predicate_nodes}),
        "relations": json.dumps([asdict(relation) for relation in Schema(index).relations]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_arrays(folder / INDEX_FILE, arrays, metadata=texts)


def _derived_arrays(index: GraphIndex) -> dict[str, Array]:
    label_node, label_value, label_alternative = index.label_rows
    arrays: dict[str, Array] = {
        "label_node": label_node,
        "label_value": label_value,
        "label_alternative": label_alternative,
        "display_label": index.display_labels,
        "inner": index.is_inner,
        "predicate_value_kind": index.value_kinds,
        "class_node": np.array(list(index.class_sizes), np.int32),
        "class_size": np.array(list(index.class_sizes.values()), np.int64),
        "schema_node": index.schema_node_ids,
        "closure_start": np.cumsum([0, *map(len, index.subclasses.values())], dtype=np.int64),
        "closure": np.array([c for closure in index.subclasses.values() for c in closure], np.int32),
    }
    for side, (set_of, start, preds) in zip(("out", "in"), index.predicate_sets, strict=True):
        arrays |= {f"{side}_set": set_of, f"{side}_set_start": start, f"{side}_set_pred": preds}
    return arrays | derived.stored_members(index)
