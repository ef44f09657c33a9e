"""Facts about the array file and the operations on sorted ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from kgqa.index.arrays import (
    distinct,
    is_member,
    open_arrays,
    places_of_rows,
    ranges,
    run_starts,
    save_arrays,
    sort_rows,
)

rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 5)), max_size=20)


@pytest.mark.parametrize("sizes", [(6, 4, 6), (2**30, 2**30, 2**30)], ids=["packed", "too wide to pack"])
@given(found=rows)
def test_rows_are_sorted_and_distinct(sizes: tuple[int, ...], found: list[tuple[int, int, int]]) -> None:
    columns = np.array(found, np.int32).reshape(-1, 3).T
    ordered = sort_rows(tuple(columns), sizes)
    assert list(zip(*(column.tolist() for column in ordered), strict=True)) == sorted(set(found))
    places = places_of_rows(ordered, tuple(columns), sizes)
    assert [sorted(set(found)).index(row) for row in found] == places.tolist()


@given(st.lists(st.integers(-5, 5)), st.sets(st.integers(-5, 5)))
def test_distinct_and_membership_are_those_of_sets(values: list[int], members: set[int]) -> None:
    assert distinct(np.array(values, np.int32)).tolist() == sorted(set(values))
    told = is_member(np.array(values, np.int32), np.array(sorted(members), np.int32))
    assert told.tolist() == [value in members for value in values]


@given(st.lists(st.integers(0, 9)).map(sorted))
def test_runs_start_where_their_value_is_first_met(values: list[int]) -> None:
    assert run_starts(np.array(values, np.int32)).tolist() == [values.index(value) for value in sorted(set(values))]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 4))))
def test_ranges_follow_one_another(spans: list[tuple[int, int]]) -> None:
    firsts, counts = (np.array([span[i] for span in spans], np.int64) for i in range(2))
    assert ranges(firsts, counts).tolist() == [i for first, n in spans for i in range(first, first + n)]


def test_a_file_of_arrays_opens_as_it_was_and_is_a_safetensors_file(tmp_path: Path) -> None:
    arrays = {"flags": np.array([True, False, True]), "ids": np.array([1, 2], np.int32), "none": np.empty(0, np.int64)}
    save_arrays(tmp_path / "a", arrays, metadata={"head": "é"})
    opened, texts = open_arrays(tmp_path / "a")
    assert texts == {"head": "é"}
    for found in (opened, load_file(tmp_path / "a")):
        assert {name: array.tolist() for name, array in found.items()} == {
            "flags": [True, False, True],
            "ids": [1, 2],
            "none": [],
        }
    with pytest.raises(ValueError, match="read-only"):
        opened["ids"][0] = 3


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\x10\0\0\0\0\0\0\0{}", b"\xff" * 16], ids=["empty", "short", "cut", "junk"]
)
def test_what_is_no_file_of_arrays_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=".*"):
        open_arrays(tmp_path / "a")
