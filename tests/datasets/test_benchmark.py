from __future__ import annotations

import os
from pathlib import Path

import pytest

from kgqa.datasets.benchmark import graph_files, load_benchmark, splits_present, write_graph
from kgqa.datasets.registry import BENCHMARKS, benchmark
from kgqa.errors import DatasetError


@pytest.fixture
def metaqa(tmp_path: Path) -> Path:
    for hops in (1, 2, 3):
        (tmp_path / f"{hops}-hop" / "vanilla").mkdir(parents=True)
        (tmp_path / f"{hops}-hop" / "vanilla" / "qa_dev.txt").write_text(f"who is [A{hops}] ?\tB\nbad\n")
    (tmp_path / "kb.txt").write_text("A1|knows|B\n")
    return tmp_path


def test_all_files_of_a_split_are_read_and_what_is_skipped_names_its_file(metaqa: Path) -> None:
    loaded = load_benchmark(benchmark("metaqa"), metaqa, "dev")
    assert [(e.question.id, e.hops) for e in loaded.examples] == [(f"{n}-hop-dev-1", n) for n in (1, 2, 3)]
    assert [(bad.file, bad.number) for bad in loaded.skipped] == [(f"{n}-hop/vanilla/qa_dev.txt", 2) for n in (1, 2, 3)]
    assert loaded.published == 39_138


def test_without_a_split_the_first_that_is_there_is_read(metaqa: Path) -> None:
    assert load_benchmark(benchmark("metaqa-2hop"), metaqa).split == "dev"
    assert splits_present(benchmark("metaqa"), metaqa) == ("dev",)


def test_a_single_file_may_be_named(metaqa: Path) -> None:
    loaded = load_benchmark(benchmark("metaqa"), metaqa / "3-hop" / "vanilla" / "qa_dev.txt")
    assert [example.hops for example in loaded.examples] == [3]


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("metaqa", "tets", "no split 'tets'; expected one of: dev, train, test"),
        ("metaqa", "test", "1-hop/vanilla/qa_test.txt is missing"),
        ("pq-2h", "", "has no file of pq-2h; looked for: PQ-2H.dev.txt"),
    ],
    ids=["split", "file", "nothing"],
)
def test_what_is_missing_is_one_clear_error(metaqa: Path, name: str, split: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_benchmark(benchmark(name), metaqa, split)


def test_an_unknown_benchmark_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(DatasetError, match="unknown benchmark 'metaq'; expected one of: own, zeroshot, metaqa"):
        benchmark("metaq")


def test_a_graph_is_converted_once_and_again_when_its_source_is_newer(metaqa: Path, tmp_path: Path) -> None:
    (file,) = graph_files(benchmark("metaqa"), metaqa, folder=tmp_path / "cache")
    assert "/entity/A1> <http://example.org/metaqa/relation/knows>" in file.read_text()
    file.write_text("kept")
    assert graph_files(benchmark("metaqa"), metaqa, folder=tmp_path / "cache") == (file,)
    assert file.read_text() == "kept"
    later = file.stat().st_mtime + 5
    os.utime(metaqa / "kb.txt", (later, later))
    graph_files(benchmark("metaqa"), metaqa, folder=tmp_path / "cache")
    assert file.read_text() != "kept"


def test_each_triple_is_written_once(metaqa: Path, tmp_path: Path) -> None:
    (metaqa / "kb.txt").write_text("A|knows|B\nA|knows|B\n")
    assert write_graph(benchmark("metaqa"), metaqa, tmp_path / "out" / "graph.nt") == 4  # three labels, one fact
    assert len((tmp_path / "out" / "graph.nt").read_text().splitlines()) == 4


def test_a_graph_that_is_rdf_is_returned_as_it_lies_there(tmp_path: Path) -> None:
    (tmp_path / "corp").mkdir()
    (tmp_path / "corp" / "graph.ttl").write_text("")
    assert graph_files(benchmark("zeroshot"), tmp_path, "corp") == (tmp_path / "corp" / "graph.ttl",)


def test_every_benchmark_is_registered_under_its_name() -> None:
    assert all(name == found.name and found.splits for name, found in BENCHMARKS.items())
