"""Arrays of an index: one memory-mapped file of them, and the few operations on sorted ids that numpy lacks.

The file is in the safetensors format (a length, a JSON header, then the arrays), so that other tools can read it too.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
"""Ids of terms or predicates. Shape: (n,)."""
Array = NDArray[Any]

EMPTY: Ids = np.empty(0, np.int32)
_DTYPES = {
    "I64": np.int64, "U64": np.uint64, "F64": np.float64, "I32": np.int32, "U16": np.uint16, "U8": np.uint8,
    "BOOL": np.bool_,
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}


def save_arrays(path: Path, arrays: Mapping[str, Array], *, metadata: Mapping[str, str]) -> None:
    """Write one-dimensional arrays and texts to one file."""
    ordered = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)  # so that each starts where it may
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name in ordered:
        array = arrays[name]
        span = [offset, offset + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": [len(array)], "data_offsets": span}
        offset = span[1]
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little"))
        file.write(encoded)
        for name in ordered:
            file.write(np.ascontiguousarray(arrays[name]).data)


def open_arrays(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays of a file, memory-mapped and read-only, and its texts. Raises ValueError, OSError."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(mapped[:8], "little")
    if start > len(mapped):
        raise ValueError(f"{path} is cut short")
    header = json.loads(mapped[8:start])
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = np.dtype(_DTYPES[entry["dtype"]])
        (length,) = entry["shape"]
        if end - begin != length * dtype.itemsize:
            raise ValueError(f"the array {name} of {path} is damaged")
        arrays[name] = np.frombuffer(mapped, dtype, length, start + begin) if length else np.empty(0, dtype)
    return arrays, metadata


def row_starts(keys: Array, n_rows: int) -> NDArray[np.int64]:
    """Return where each row starts, and the last one ends, in an array sorted by `keys`. Shape: (n_rows + 1,)."""
    starts = np.zeros(n_rows + 1, np.int64)
    np.cumsum(np.bincount(keys, minlength=n_rows), out=starts[1:])
    return starts


def ranges(firsts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return firsts[0], firsts[0] + 1, ... (counts[0] of them), then the same of each other range."""
    places = np.repeat(firsts + counts - np.cumsum(counts), counts)
    places += np.arange(len(places))
    return places


def fetch_rows(values: Array, firsts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    """Bring rows of a large array nearer to the processor, before all of their values are gathered.

    Rows lie far apart, and a gather waits for each in turn. One value at each end of a row is read in a loop so short
    that the processor runs ahead and waits for many rows at once.
    """
    values.take(firsts, mode="clip")
    values.take(ends, mode="clip")  # which is behind the row: the last row's is behind the array


def distinct(values: Array) -> Array:
    """Return the distinct values, sorted. Quicker than np.unique where many repeat, and for few of them."""
    if len(values) < 2:
        return values
    ordered = np.sort(values)
    keep = np.empty(len(ordered), np.bool_)
    keep[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return ordered[keep]


def run_starts(ordered: Array) -> NDArray[np.int64]:
    """Return where each run of equal values starts in a sorted array. Shape: (n_distinct,)."""
    return np.flatnonzero(np.concatenate((np.ones(min(len(ordered), 1), np.bool_), ordered[1:] != ordered[:-1])))


def intersect(a: Array, b: Array) -> Array:
    """Return the common members of two sorted sets; fast where one is much the smaller."""
    if len(a) > len(b):
        a, b = b, a
    return a[is_member(a, b)]


def is_member(values: Array, ordered: Array) -> NDArray[np.bool_]:
    """Return for each value whether it is in the sorted array `ordered`."""
    if len(ordered) == 0:
        return np.zeros(len(values), np.bool_)
    places = np.searchsorted(ordered, values)
    places[places == len(ordered)] = 0
    return np.asarray(ordered[places] == values)


def sort_rows(columns: Sequence[Array], sizes: Sequence[int]) -> tuple[Array, ...]:
    """Return rows of int32 columns, distinct and sorted by the first column, then the next. Ids lie below `sizes`.

    The columns of a row are packed into one 64-bit number where they fit: sorting those is many times quicker than
    sorting by several keys.
    """
    bits = [max(int(size - 1).bit_length(), 1) for size in sizes]
    if sum(bits) > 63:
        order = np.lexsort(tuple(reversed(columns)))
        ordered = [column[order] for column in columns]
        if len(order) == 0:
            return tuple(ordered)
        differs = np.logical_or.reduce([column[1:] != column[:-1] for column in ordered])
        keep = np.concatenate(([True], differs))
        return tuple(column[keep] for column in ordered)
    return unpack(distinct(pack(columns, bits)), bits)


def places_of_rows(ordered: Sequence[Array], rows: Sequence[Array], sizes: Sequence[int]) -> Ids:
    """Return the place of each row among the distinct, sorted rows `ordered`, which has them all. Shape: (n_rows,)."""
    bits = [max(int(size - 1).bit_length(), 1) for size in sizes]
    if sum(bits) <= 63:
        return np.searchsorted(pack(ordered, bits), pack(rows, bits)).astype(np.int32)
    everything = np.column_stack([np.concatenate(pair) for pair in zip(ordered, rows, strict=True)])
    _, group = np.unique(everything, axis=0, return_inverse=True)
    return np.asarray(group.ravel()[len(ordered[0]) :], np.int32)


def pack(columns: Sequence[Array], bits: Sequence[int]) -> NDArray[np.int64]:
    """Return one number a row, ordered as the rows are."""
    packed = columns[0].astype(np.int64)
    for column, width in zip(columns[1:], bits[1:], strict=True):
        packed <<= width
        packed |= column
    return packed


def unpack(packed: NDArray[np.int64], bits: Sequence[int]) -> tuple[Ids, ...]:
    """Return the columns that `pack` made one number a row of."""
    columns = []
    shift = 0
    for width in reversed(bits):
        columns.append(((packed >> shift) & ((1 << width) - 1)).astype(np.int32))
        shift += width
    return tuple(reversed(columns))
