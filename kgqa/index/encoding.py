"""From triples of numbered terms to the arrays of an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kgqa.datatypes import literal
from kgqa.index.arrays import Array, Ids, row_starts, sort_rows
from kgqa.index.terms import make_columns

_COLUMNS = ("kind", "datatype", "lang", "text_start", "text", "value_kind", "value")


def encode(keys: Sequence[str], rows: Ids) -> tuple[dict[str, Array], tuple[str, ...], tuple[str, ...], Ids]:
    """Return the columns and adjacencies of a graph, its datatypes and languages, and the node id of each key.

    `keys` are distinct terms in N-Triples syntax; `rows` are triples of places in `keys`, which may repeat. Shape:
    (n, 3).
    """
    columns, ids = make_columns(keys)
    n_terms = len(keys)
    s, predicates, o = (ids[rows[:, column]] for column in range(3))
    is_used = np.zeros(n_terms, np.bool_)
    is_used[predicates] = True
    pred_terms = np.flatnonzero(is_used).astype(np.int32)
    p = (np.cumsum(is_used, dtype=np.int32) - 1)[predicates] if n_terms else predicates
    n_predicates = len(pred_terms)
    s, p, o = sort_rows((s, p, o), (n_terms, n_predicates, n_terms))
    arrays: dict[str, Array] = {name: getattr(columns, name) for name in _COLUMNS}
    arrays |= {"out_start": row_starts(s, n_terms), "out_p": p, "out_o": o, "pred_terms": pred_terms}
    by_o, in_p, in_s = sort_rows((o, p, s), (n_terms, n_predicates, n_terms))
    arrays |= {"in_start": row_starts(by_o, n_terms), "in_p": in_p, "in_s": in_s}
    by_p, pred_s, pred_o = sort_rows((p, s, o), (n_predicates, n_terms, n_terms))
    arrays |= {"pred_start": row_starts(by_p, n_predicates), "pred_s": pred_s, "pred_o": pred_o}
    return arrays, columns.datatypes, columns.langs, ids


def encode_with_names(
    keys: Sequence[str], rows: Ids, ids: Ids, names: Mapping[int, str]
) -> tuple[dict[str, Array], Ids]:
    """Return the arrays of a graph with literals for full names, which no triple states, and the node id of each key.

    `ids` are the node ids of the keys so far, by which `names` are given.
    """
    key_of = np.empty(len(keys), np.int64)
    key_of[ids] = np.arange(len(keys))
    places = {key: place for place, key in enumerate(keys)}
    literals = [literal(name).n3() for name in names.values()]
    for key in literals:
        places.setdefault(key, len(places))
    arrays, _, _, new_ids = encode(list(places), rows)
    arrays["full_name_node"] = new_ids[key_of[np.fromiter(names, np.int64, len(names))]]
    arrays["full_name_value"] = new_ids[[places[key] for key in literals]]
    return arrays, new_ids[: len(keys)]
