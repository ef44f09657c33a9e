"""The real files, where they are: every set loads with the counts that it is published with."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from kgqa.datasets.benchmark import graph_files, load_benchmark, splits_present
from kgqa.datasets.documents import records
from kgqa.datasets.query_sets import query_line
from kgqa.datasets.registry import BENCHMARKS, benchmark

FOLDERS = {
    "zeroshot": ("zeroshot",),
    "metaqa": ("metaqa", "metaqa-1hop", "metaqa-2hop", "metaqa-3hop"),
    "qald": ("qald-10", "qald-9-plus-dbpedia", "qald-9", "qald-8", "qald-7-wikidata", "qald-6-datacube",
             "qald-4-biomedical", "qald-musicbrainz"),
    "complexquestions_qald5": ("qald-5", "complexquestions"),
    "lcquad1": ("lcquad-1",), "vquanda": ("vquanda",), "dblp_quad": ("dblp-quad",), "vanilla": ("vanilla",),
    "simplequestions_wikidata": ("simplequestions-wikidata",), "tempquestions": ("tempquestions",), "cwq": ("cwq",),
    "wikiwebquestions_spinach": ("wikiwebquestions", "spinach", "qald-spinach"), "webqsp_wd": ("webqsp-links",),
    "free917": ("free917",), "webquestions_factoid": ("webquestions",), "tree_qald": ("tree-qald",),
    "lms4text2sparql": ("lms4text2sparql",), "spider4sparql": ("spider4sparql",), "spider_train": ("spider",),
    "spider_dk": ("spider-dk",),
}  # fmt: skip
PACKED = {
    "grailqa_pog": ("grailqa",), "tog": ("think-on-graph", "grailqa"), "lcquad2_partial": ("lcquad-2-regrouped",),
    "simplequestions_fb": ("simplequestions-buboqa",), "webqsp_paths": ("webqsp-paths",), "overnight": ("overnight",),
    "sparc_cosql_dev": ("sparc",), "text2cypher": ("text2cypher",), "text2sql_classic": ("text2sql",),
    "wikitablequestions": ("wikitablequestions",),
}  # fmt: skip
PATHQUESTION = {  # the questions of our split, whose test part is held back; relations, entities and facts of the graph
    "pq-2h": ({"train": 1_551, "dev": 178}, 1_211),
    "pq-3h": ({"train": 4_111, "dev": 523}, 2_839),
    "pql-2h": ({"train": 1_264, "dev": 156}, 4_247),
    "pql-3h": ({"train": 835, "dev": 93}, 5_597),
}


def _check(name: str, folder: Path) -> None:
    found = benchmark(name)
    splits = splits_present(found, folder)
    assert splits, f"{folder} has no split of {name}"
    for split in splits:
        loaded = load_benchmark(found, folder, split)
        assert loaded.skipped == (), (name, split)
        assert len(loaded.examples) == loaded.published, (name, split)


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder, names in FOLDERS.items() for name in names]
)  # fmt: skip
def test_a_set_loads_with_its_published_counts(real_sets: Path, folder: str, name: str) -> None:
    _check(name, real_sets / folder)


@pytest.mark.parametrize("packed", PACKED)
def test_a_packed_set_loads_with_its_published_counts(real_sets: Path, tmp_path: Path, packed: str) -> None:
    archive = real_sets / "train" / f"{packed}.tar.xz"
    wanted = {f"{packed}/{file}" for name in PACKED[packed] for split in BENCHMARKS[name].splits.values()
              for alternatives in split.files for file in alternatives.split("|")}  # fmt: skip
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.removeprefix("./") in wanted:
                tar.extract(member, tmp_path, filter="data")
    for name in PACKED[packed]:
        _check(name, tmp_path / packed)


def test_the_lines_of_the_grasp_collection_load_but_for_one_that_is_no_json(real_sets: Path, tmp_path: Path) -> None:
    read, n, bad = records(query_line), 0, []
    with tarfile.open(real_sets / "train" / "grasp_benchmarks.tar.xz") as tar:
        for member in tar:
            if member.name.endswith(".jsonl"):
                tar.extract(member, tmp_path, filter="data")
    for path in tmp_path.rglob("*.jsonl"):
        found = read(path, "en")
        n += len(found.items)
        bad += [(path.parent.name, path.name, line.number) for line in found.bad_lines]
    assert bad == [("tgdk-examples", "all.jsonl", 12)]
    assert n == 74_043 - 1


@pytest.mark.parametrize("name", PATHQUESTION)
def test_pathquestion_and_its_graph_load_whole(real_sets: Path, tmp_path: Path, name: str) -> None:
    counts, n_facts = PATHQUESTION[name]
    for split, count in counts.items():
        loaded = load_benchmark(benchmark(name), real_sets / "pathquestion", split)
        assert (len(loaded.examples), loaded.skipped) == (count, ())
    (file,) = graph_files(benchmark(name), real_sets / "pathquestion", folder=tmp_path)
    facts = [line for line in file.read_text().splitlines() if "rdf-schema#label" not in line]
    assert len(facts) == n_facts


def test_following_a_pathquestion_path_gives_exactly_its_gold_answers(real_sets: Path, tmp_path: Path) -> None:
    import pyoxigraph

    for name in PATHQUESTION:
        (file,) = graph_files(benchmark(name), real_sets / "pathquestion", folder=tmp_path)
        store = pyoxigraph.Store()
        store.load(path=str(file))
        for example in load_benchmark(benchmark(name), real_sets / "pathquestion", "dev").examples:
            assert example.gold_sparql is not None
            found = store.query(example.gold_sparql)
            assert isinstance(found, pyoxigraph.QuerySolutions)
            assert {solution[0].value for solution in found} == {term.value for term in example.answers}


def test_metaqa_graph_holds_the_triples_of_its_file(real_sets: Path, tmp_path: Path) -> None:
    (file,) = graph_files(benchmark("metaqa"), real_sets / "metaqa", folder=tmp_path)
    with file.open() as lines:
        assert sum("rdf-schema#label" not in line for line in lines) == 129_919
