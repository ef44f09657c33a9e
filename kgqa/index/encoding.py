"""From triples of numbered terms to the arrays of an index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
