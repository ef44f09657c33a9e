"""Benchmarks from a dataset of the Hugging Face hub instead of files.

Needs the extra `kgqa[huggingface]` and a network. Nothing is fetched unless a caller names a dataset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kgqa.datasets.benchmark import Benchmark, LoadedBenchmark
from kgqa.datasets.documents import RecordReader, convert_all
from kgqa.errors import DatasetError


def load_hugging_face(
    benchmark: Benchmark, dataset_id: str, split: str, *, revision: str | None = None, language: str = "en"
) -> LoadedBenchmark:
    """Return a split of a hub dataset whose rows have the fields of the benchmark's official files.

    `split` is the hub's name for it; `revision` pins a commit. No code of the dataset is run. Raises DatasetError where
    the extra is missing, the benchmark is not made of records, or the dataset cannot be had.
    """
    if not isinstance(benchmark.read, RecordReader):
        raise DatasetError(f"{benchmark.name} is read from its official files only, not from records")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DatasetError("needs the datasets library; install the extra: pip install 'kgqa[huggingface]'") from error
    try:
        rows: Iterable[object] = load_dataset(dataset_id, split=split, revision=revision)
        found = convert_all(rows, benchmark.read.convert, language)
    except Exception as error:  # the library raises what its back ends raise
        raise DatasetError(f"{dataset_id} ({split}) cannot be had: {type(error).__name__}: {error}") from error
    skipped = tuple(replace(line, file=dataset_id) for line in found.bad_lines)
    return LoadedBenchmark(benchmark, split, found.items, skipped, ())
