"""The benchmarks that can be read, by name."""

from __future__ import annotations

from pathlib import Path

from kgqa.datasets.benchmark import Benchmark, GraphSource, Split
from kgqa.datasets.documents import records
from kgqa.datasets.freebase_sets import rog, rog_graph
from kgqa.datasets.public_sets import PUBLIC_SETS
from kgqa.datasets.query_sets import read_text2sparql
from kgqa.datasets.question_files import QAExample, QuestionFile, read_examples
from kgqa.datasets.text_sets import irn_graph, metaqa_graph, read_irn, read_metaqa
from kgqa.datasets.wikidata_sets import kqapro, kqapro_graph
from kgqa.errors import DatasetError

_WORLD_CUP = ("WC-P1", "WC-P2", "WC-P", "WC-C")


def benchmark(name: str) -> Benchmark:
    """Return the benchmark of that name. Raises DatasetError, which names those there are."""
    if name not in BENCHMARKS:
        raise DatasetError(f"unknown benchmark {name!r}; expected one of: {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]


def _own(path: Path, language: str) -> QuestionFile[QAExample]:
    return read_examples(path)


def _metaqa(name: str, hops: tuple[int, ...]) -> Benchmark:
    counts = {
        "dev": {1: 9_992, 2: 14_872, 3: 14_274},
        "train": {1: 96_106, 2: 118_980, 3: 114_196},
        "test": {1: 9_947, 2: 14_872, 3: 14_274},
    }
    return Benchmark(
        name,
        f"MetaQA, {'all' if len(hops) > 1 else hops[0]} hops (vanilla)",
        {
            split: Split(tuple(f"{n}-hop/vanilla/qa_{split}.txt" for n in hops), sum(counts[split][n] for n in hops))
            for split in counts
        },
        read_metaqa,
        gold="answers, topic entity, question type",
        knowledge_graph="comes along (kb.txt, movies)",
        licence="CC BY 3.0",
        source="https://github.com/yuyuz/MetaQA",
        graph=GraphSource(("kb.txt",), metaqa_graph),
    )


def _irn(name: str, stem: str, kb: str, published: int, title: str = "PathQuestion") -> Benchmark:
    return Benchmark(
        name,
        f"{title}, {stem}",
        {
            "dev": Split((f"{stem}.dev.txt",)),
            "train": Split((f"{stem}.train.txt",)),
            "all": Split((f"{stem}.txt",), published),
        },
        read_irn,
        gold="answers, topic entity, relation path",
        knowledge_graph="comes along (Freebase subset)" if title == "PathQuestion" else "comes along (football)",
        licence="none stated",
        source="https://github.com/zmtkeke/IRN",
        graph=GraphSource((kb,), irn_graph),
    )


def _rog(name: str, title: str, counts: dict[str, int]) -> Benchmark:
    return Benchmark(
        name,
        title,
        {split: Split((f"{split}.jsonl",), count) for split, count in counts.items()},
        records(rog),
        gold="answers by name, topic entities",
        knowledge_graph="comes along (the Freebase facts around each question of the split)",
        licence="none stated",
        source="https://github.com/RManLuo/reasoning-on-graphs",
        graph=GraphSource(("{split}.jsonl",), rog_graph),
    )


_WITH_GRAPHS = (
    Benchmark(
        "own",
        "KGQA's own format: questions.jsonl beside a graph",
        {"all": Split(("questions.jsonl",))},
        _own,
        gold="answers, SPARQL, topic entities, category",
        knowledge_graph="comes along",
        licence="yours",
        source="any folder with questions.jsonl and graph.ttl or graph.nt",
        graph=GraphSource(("graph.ttl|graph.nt",)),
    ),
    Benchmark(
        "zeroshot",
        "four graphs in four vocabulary styles",
        {name: Split((f"{name}/questions.jsonl",), 80) for name in ("movies", "pokemon", "countries", "corp")},
        _own,
        gold="answers, SPARQL, topic entities, category",
        knowledge_graph="comes along",
        licence="see each graph's README",
        source="the folder that benchmarks/zero_shot.py reads",
        languages=("en", "es", "fr"),
        graph=GraphSource(("{split}/graph.ttl",)),
    ),
    _metaqa("metaqa", (1, 2, 3)),
    _metaqa("metaqa-1hop", (1,)),
    _metaqa("metaqa-2hop", (2,)),
    _metaqa("metaqa-3hop", (3,)),
    _irn("pq-2h", "PQ-2H", "2H-kb.txt", 1_908),
    _irn("pq-3h", "PQ-3H", "3H-kb.txt", 5_198),
    _irn("pql-2h", "PQL-2H", "PQL2-KB.txt", 1_594),
    _irn("pql-3h", "PQL-3H", "PQL3-KB.txt", 1_031),
    Benchmark(
        "worldcup2014",
        "WorldCup2014: one relation, two, or two that meet",
        {name.lower(): Split((f"{name}.txt|WC2014/{name}.txt|data/WC2014/{name}.txt",)) for name in _WORLD_CUP},
        read_irn,
        gold="answers, topic entities, relation path",
        knowledge_graph="comes along (football)",
        licence="none stated",
        source="https://github.com/zmtkeke/IRN",
        graph=GraphSource(("WC2014.txt|WC2014/WC2014.txt|data/WC2014/WC2014.txt",), irn_graph),
    ),
    Benchmark(
        "kqapro",
        "KQA Pro",
        {
            "val": Split(("val.json",), 11_797),
            "train": Split(("train.json",), 94_376),
            "test": Split(("test.json",), 11_797),
        },
        records(kqapro),
        gold="answers by name, SPARQL and program; none for test",
        knowledge_graph="comes along (kb.json, a dense part of Wikidata)",
        licence="MIT",
        source="https://github.com/shijx12/KQAPro_Baselines",
        graph=GraphSource(("kb.json",), kqapro_graph),
    ),
    _rog("rog-webqsp", "WebQSP with RoG's subgraphs", {"test": 1_628, "validation": 246, "train": 2_826}),
    _rog("rog-cwq", "ComplexWebQuestions with RoG's subgraphs", {"test": 3_531, "validation": 3_519, "train": 27_639}),
    Benchmark(
        "ck25",
        "TEXT2SPARQL 2025, corporate knowledge",
        {"all": Split(("questions.yml|questions_ck25.yaml|questions_ck25.yml",), 50)},
        read_text2sparql,
        gold="SPARQL",
        knowledge_graph="comes along (a company's products)",
        licence="Apache-2.0",
        source="https://github.com/eccenca/ck25-dataset",
        graph=GraphSource(("prod-vocab.ttl|graphs/prod-vocab.ttl", "prod-inst.ttl|graphs/prod-inst.ttl")),
    ),
)

BENCHMARKS: dict[str, Benchmark] = {found.name: found for found in (*_WITH_GRAPHS, *PUBLIC_SETS)}
