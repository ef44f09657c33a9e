"""Turns question sets that come with gold queries but no graph into training records.

    python -m kgqa.training.relation_wordings --benchmarks DIR --out wordings.pkl --lines lines.pkl

`wordings.pkl` holds a dict from a name to GraphRecords, which the bi-encoder learns from: how people word relations.
`lines.pkl` holds a list of ReaderExample, for the reader: a gold chain as a line among near misses. Only training files
are read, and none of MetaQA, PathQuestion or the zero-shot graphs. Questions with the same wording are in one split.
"""

from __future__ import annotations

import argparse
import pickle
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zlib import crc32

import numpy as np

from kgqa.datasets.benchmark import load_benchmark
from kgqa.datasets.documents import RecordReader
from kgqa.datasets.query_sets import query_line
from kgqa.datasets.question_files import QAExample
from kgqa.datasets.registry import benchmark
from kgqa.errors import DatasetError
from kgqa.index.text import normalize
from kgqa.training.pseudo_graph import Chain, Names, WordedQuestion
from kgqa.training.pseudo_records import PseudoGraph, make_graph
from kgqa.training.sparql_chains import Branch, GoldChains, gold_chains, parse_query
from kgqa.training.vocabularies import Vocabulary, dbpedia, freebase, named, wikidata, with_raw_names

if TYPE_CHECKING:
    from kgqa.training.encoder_training import GraphRecords

GROUP = 28
BLOCK = 7
DEV_SHARE = 20
MAX_PER_RELATION = 300
WIKIDATA = "http://www.wikidata.org/"
PREFIXES = {
    "wd": WIKIDATA + "entity/", "wdt": WIKIDATA + "prop/direct/", "p": WIKIDATA + "prop/",
    "ps": WIKIDATA + "prop/statement/", "pq": WIKIDATA + "prop/qualifier/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "dbo": "http://dbpedia.org/ontology/", "dbp": "http://dbpedia.org/property/",
    "dbr": "http://dbpedia.org/resource/", "res": "http://dbpedia.org/resource/",
}  # fmt: skip
DBLP = "https://dblp.org/rdf/schema#"
DBLP_CLASSES = {
    "authoredBy": ("publication", "person"), "primaryAffiliation": ("person", "affiliation"),
    "publishedIn": ("publication", "venue"), "bibtexType": ("publication", "type of publication"),
}  # fmt: skip
_PACKED = ("grasp_benchmarks", "lcquad2_partial", "simplequestions_fb", "freebase_schema", "dbpedia_ontology")
_CAPITALIZED = re.compile(
    r"(?:[A-Z0-9][\w.'’&-]*)(?:\s+(?:(?:of|the|and|de|van|von|der|del|di|da|du|la|le|al|in|for|on|at|to|a)\s+)*[A-Z0-9][\w.'’&-]*)*"
)
_FIRST_WORDS = frozenset(
    "what which who whom whose when where how why is are was were did does do name list give tell show in on at for "
    "from the a an count can could has have with of to by mention state".split()
)
_STATEMENT = re.compile(re.escape(WIKIDATA) + r"prop/(P|statement/P|qualifier/P)\d+$")

WEIGHTS = {"dblp": 0.3}
"""The weight of a source's lines in the reader's training; templated wording counts less."""

Topics = Callable[[QAExample], Mapping[str, str]]
"""Returns the names, in the question, of entities of its gold query."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both files as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kgqa.training.relation_wordings", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--benchmarks", type=Path, required=True, help="the folder of the question sets")
    parser.add_argument("--out", type=Path, required=True, help="where the bi-encoder's records are written")
    parser.add_argument("--lines", type=Path, help="where the reader's records are written [lines.pkl beside OUT]")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    from kgqa.training.reader_training import ReaderExample

    records: dict[str, GraphRecords] = {}
    lines: list[ReaderExample] = []
    with TemporaryDirectory() as folder:
        unpacked = _unpack(options.benchmarks, Path(folder))
        for name, vocabulary, questions in sources(options.benchmarks, unpacked, seed=options.seed):
            n_lines = len(lines)
            for number, graph in enumerate(make_graphs(questions, vocabulary, seed=options.seed)):
                records[f"{name}-{number}"] = (graph.texts, graph.n_relations, graph.relations)
                weight = WEIGHTS.get(name, 1.0)
                lines += [ReaderExample(line, np.zeros(len(line.lines), np.float32), weight) for line in graph.lines]
            _write(records, options.out)  # what is finished can be used
            _write(lines, options.lines or options.out.with_name("lines.pkl"))
            print(f"{name}: {len(questions):,} questions, {len(lines) - n_lines:,} with lines", flush=True)
    print(f"{sum(len(rows) for _, _, rows in records.values()):,} records, {len(lines):,} with lines")
    return 0


def sources(
    benchmarks: Path, unpacked: Path, *, seed: int = 0
) -> Iterator[tuple[str, Vocabulary, list[WordedQuestion]]]:
    """Yield each vocabulary with its questions, those with the same wording and relation once. Raises DatasetError."""
    rng = np.random.default_rng(seed)
    grasp = unpacked / "grasp_benchmarks"
    ontology = unpacked / "dbpedia_ontology" / "dbo-snapshots.ttl"
    tokens = _webqsp_words(benchmarks / "webqsp_wd")
    held_out = held_out_wordings(benchmarks, unpacked)

    gold = [*_load("lcquad-1", benchmarks / "lcquad1", "train"), *_load("qald-9", benchmarks / "qald", "train"),
            *_load("qald-8", benchmarks / "qald", "train"),
            *_load("qald-5", benchmarks / "complexquestions_qald5", "train")]  # fmt: skip
    db = with_raw_names(dbpedia(ontology), _predicates(gold))
    questions = _worded(gold, db, _local_names)
    yield "dbpedia", with_learned_classes(db, questions), _capped(questions, held_out, rng)

    fb = freebase(unpacked / "freebase_schema")
    questions = _worded(_load("simplequestions-buboqa", unpacked / "simplequestions_fb", "valid"), fb, _linked)
    questions += _worded(_lines_of(grasp / "freebase" / "wqsp" / "train.jsonl"), fb, tokens)
    yield "freebase", fb, _capped(questions, held_out, rng)

    wd = wikidata(benchmarks / "wikidata_property_labels" / "merged_labels.tsv", ontology)
    simple = _worded(_load("simplequestions-wikidata", benchmarks / "simplequestions_wikidata", "train"), wd, _unknown)
    union = _load("lcquad-2-regrouped", unpacked / "lcquad2_partial", "union")
    regrouped = [e for e in union if "_train_" in e.question.id and "{" not in e.question.text]
    qald = [*_lines_of(grasp / "wikidata" / "qald10" / "train.jsonl"),
            *_load("qald-7-wikidata", benchmarks / "qald", "train")]  # fmt: skip
    questions = _worded(_lines_of(grasp / "wikidata" / "wwq" / "train.jsonl"), wd, tokens)
    questions += _worded(qald, wd, _capitalized) + _worded(regrouped, wd, _capitalized) + simple
    used = {key for question in questions for key in question.predicates}
    yield "wikidata", wd.with_only(used), _capped(questions, held_out, rng)

    gold = list(_lines_of(grasp / "dblp" / "dblp-quad" / "train.jsonl"))
    dblp = named("dblp", _predicates(gold), DBLP, DBLP_CLASSES)
    few = [gold[i] for i in rng.permutation(len(gold))[:1500]]
    yield "dblp", dblp, _worded(few, dblp, _quoted_or_capitalized)


def with_learned_classes(vocabulary: Vocabulary, questions: Iterable[WordedQuestion]) -> Vocabulary:
    """Return a vocabulary in which predicates without a class at an end have the class that most questions ask for
    there."""
    asked: dict[tuple[str, bool], Counter[str]] = {}
    for question in questions:
        for chain in question.chains:
            if question.classes and chain.steps:
                asked.setdefault(chain.steps[-1], Counter())[question.classes[0]] += 1
    found = dict(vocabulary.properties)
    for (key, inverse), counts in asked.items():
        (label, count), told = counts.most_common(1)[0], found[key]
        if count < 0.6 * counts.total():
            continue
        if inverse and not told.domain:
            found[key] = replace(told, domain=label, group=told.group or label)
        elif not inverse and not told.range and told.kind == "entity":
            found[key] = replace(told, range=label)
    return replace(vocabulary, properties=found)


def held_out_wordings(benchmarks: Path, unpacked: Path) -> frozenset[str]:
    """Return the wordings of the test files of the same sets: QALD repeats questions from one year to the next."""
    tests = [
        *(example for name in ("qald-10", "qald-9-plus-dbpedia", "qald-9", "qald-8", "qald-7-wikidata")
          for example in _load(name, benchmarks / "qald", "test")),
        *_load("qald-5", benchmarks / "complexquestions_qald5", "test"),
        *_load("lcquad-1", benchmarks / "lcquad1", "test"),
        *_load("lcquad-2-regrouped", unpacked / "lcquad2_partial", "original-test"),
        *_load("webqsp-links", benchmarks / "webqsp_wd", "test"),
        *_load("simplequestions-buboqa", unpacked / "simplequestions_fb", "test"),
    ]  # fmt: skip
    return frozenset(normalize(example.question.text) for example in tests)


def make_graphs(questions: Sequence[WordedQuestion], vocabulary: Vocabulary, *, seed: int) -> Iterator[PseudoGraph]:
    """Yield a made-up graph for every few dozen questions: some blocks of questions of one domain each."""
    rng = np.random.default_rng(seed)
    names = pool_names(questions, vocabulary)

    def domain(question: WordedQuestion) -> str:
        key = question.chains[0].steps[0][0] if question.chains else question.sort[0][0]
        return vocabulary.properties[key].group

    order = sorted((domain(q), float(rng.random()), place) for place, q in enumerate(questions))
    blocks = [order[first : first + BLOCK] for first in range(0, len(order), BLOCK)]
    blocks = [blocks[i] for i in rng.permutation(len(blocks))]
    width = GROUP // BLOCK
    for number, first in enumerate(range(0, len(blocks), width)):
        chosen = [questions[place] for block in blocks[first : first + width] for _, _, place in block]
        yield make_graph(chosen, vocabulary, names, seed=seed + number)


def pool_names(questions: Iterable[WordedQuestion], vocabulary: Vocabulary) -> Names:
    """Return the names of the questions' topics by the class that their first relation leaves."""
    by_class: dict[str, list[str]] = {}
    for question in questions:
        for chain in question.chains:
            if chain.topic and chain.steps:
                key, inverse = chain.steps[0]
                found = vocabulary.properties[key]
                by_class.setdefault(found.range if inverse else found.domain, []).append(chain.topic)
    others = [name for pool in by_class.values() for name in pool]
    if not others:
        raise DatasetError("no question names its topic, so that there is no name to give to things")
    return Names({label: pool for label, pool in by_class.items() if len(pool) >= 5 and label}, others)


def worded_question(
    example: QAExample, chains: GoldChains, vocabulary: Vocabulary, topics: Mapping[str, str]
) -> WordedQuestion | None:
    """Return a question with its gold chains in a vocabulary's keys; None where it has no predicate for a step.

    Where `topics` names some of the entities, chains from the others are conditions that the question does not name
    and are left out.
    """
    known = [branch for branch in chains.branches if branch.topic in topics]
    branches = known if known and chains.operator != "ask" else list(chains.branches)
    found = [_chain(branch, vocabulary, topics.get(branch.topic, "")) for branch in branches if branch.steps]
    if any(chain is None for chain in found):
        return None
    kept = tuple(chain for chain in found if chain is not None)
    if chains.operator == "ask":
        kept += (Chain(topics.get(chains.branches[1].topic, ""), (), (), ()),)
        if vocabulary.properties[kept[0].steps[0][0]].kind != "entity":
            return None
    sort = _chain(Branch("", chains.sort, ("",) * (len(chains.sort) - 1)), vocabulary, "") if chains.sort else None
    if chains.sort and (sort is None or any(sort.mediated) or sort.steps[-1][1]):
        return None
    if sort is not None and vocabulary.properties[sort.steps[-1][0]].kind not in ("number", "date"):
        return None
    if not kept and not sort:
        return None
    classes = tuple(label for name in chains.classes[:1] if (label := vocabulary.class_label(name)))
    text = normalize(example.question.text)
    return WordedQuestion(
        example.question.id,
        example.question.text,
        "dev" if crc32(text.encode()) % DEV_SHARE == 0 else "train",
        kept,
        classes if kept else classes or (),
        chains.operator,
        sort.steps if sort is not None else (),
        chains.descending,
        whole=(not chains.restricted or vocabulary.name == "freebase") and bool(kept),
    )


def _chain(branch: Branch, vocabulary: Vocabulary, topic: str) -> Chain | None:
    """Return a branch in a vocabulary's keys; a statement node and back by the same property is one step."""
    steps: list[tuple[str, bool]] = []
    mediated: list[bool] = []
    joints: list[str] = []
    for place, (predicate, inverse) in enumerate(branch.steps):
        found = vocabulary.get(predicate)
        if found is None:
            return None
        of_node = False
        if place:
            before, was_inverse = branch.steps[place - 1]
            of_node = _meets_in_node(before, was_inverse, vocabulary)
            if of_node and steps[-1] == (found.key, inverse):
                continue
            mediated.append(of_node)
            joints.append(branch.between[place - 1])
        steps.append((found.key, inverse))
    kinds = [vocabulary.properties[key].kind for key, _ in steps]
    if any(kind != "entity" and (inverse or place < len(steps) - 1)
           for place, (kind, (_, inverse)) in enumerate(zip(kinds, steps, strict=True))):  # fmt: skip
        return None
    last = vocabulary.properties[steps[-1][0]]
    if vocabulary.is_mediated(last) and not steps[-1][1]:
        return None  # ends in the node of an n-ary fact
    return Chain(topic, tuple(steps), tuple(mediated), tuple(joints))


def _meets_in_node(predicate: str, inverse: bool, vocabulary: Vocabulary) -> bool:
    """Whether a step ends in the node of an n-ary fact."""
    if match := _STATEMENT.match(predicate):
        return (match.group(1) == "P") != inverse
    found = vocabulary.get(predicate)
    if found is None:
        return False
    return found.group in vocabulary.mediators if inverse else vocabulary.is_mediated(found)


def _worded(examples: Iterable[QAExample], vocabulary: Vocabulary, topics: Topics) -> list[WordedQuestion]:
    found = []
    for example in examples:
        try:
            chains = gold_chains(parse_query(example.gold_sparql or "", PREFIXES))
        except (ValueError, IndexError):
            continue  # a form that chains do not cover
        told = topics(example)
        if topics in (_capitalized, _quoted_or_capitalized):
            entities = [branch.topic for branch in chains.branches]
            told = {entities[0]: told[""]} if len(entities) == 1 and "" in told else {}
        worded = worded_question(example, chains, vocabulary, told)
        if worded is not None:
            found.append(worded)
    return found


def _capped(
    questions: Sequence[WordedQuestion], held_out: frozenset[str], rng: np.random.Generator
) -> list[WordedQuestion]:
    """Return the questions in random order, each wording once, no more than so many of the same chain, and none whose
    wording is held out."""
    seen = set(held_out)
    counts: Counter[object] = Counter()
    kept = []
    for place in rng.permutation(len(questions)):
        question = questions[place]
        text = normalize(question.question)
        chain = tuple(c.steps for c in question.chains)
        if text in seen or counts[chain] >= MAX_PER_RELATION:
            continue
        seen.add(text)
        counts[chain] += 1
        kept.append(question)
    return kept


# -- where the names of topics come from


def _unknown(example: QAExample) -> Mapping[str, str]:
    return {}


def _linked(example: QAExample) -> Mapping[str, str]:
    return {link.entity.value: _as_label(link.label) for link in example.gold_links if link.label}


def _as_label(mention: str) -> str:
    """Return words of a lower-case question as the label that a graph would have."""
    spaced = re.sub(r" (?=['’.,)!?:])|(?<=\() ", "", mention)
    return " ".join(word[:1].upper() + word[1:] for word in spaced.split()) if mention == mention.lower() else spaced


def _local_names(example: QAExample) -> Mapping[str, str]:
    """Return the names in DBpedia's IRIs, without what is in brackets."""
    found = {}
    for name in re.findall(r"(?:<http://dbpedia\.org/resource/|\b(?:dbr|res):)([^<>\s;]+)", example.gold_sparql or ""):
        bare = name.rstrip(".,>")
        words = re.sub(r"\s*\([^)]*\)$", "", unquote(bare).replace("_", " ")).strip()
        if words:
            found["http://dbpedia.org/resource/" + bare] = words
    return found


def _capitalized(example: QAExample) -> Mapping[str, str]:
    """Return, under "", the longest run of capitalized words that is not the beginning of the sentence."""
    spans = []
    for match in _CAPITALIZED.finditer(example.question.text):
        words = match.group().split()
        while words and words[0].lower().strip("'’") in _FIRST_WORDS:
            words = words[1:]
        text = " ".join(words).removesuffix("'s").removesuffix("’s").strip(" .?!,")
        if len(text) > 1 and (match.start() > 0 or len(words) > 1):
            spans.append(text)
    return {"": max(spans, key=len)} if spans else {}


def _quoted_or_capitalized(example: QAExample) -> Mapping[str, str]:
    quoted = re.findall(r"(?<!\w)'([^']{3,})'(?!\w)", example.question.text)
    return {"": quoted[0]} if len(quoted) == 1 else {} if quoted else _capitalized(example)


def _webqsp_words(folder: Path) -> Topics:
    """Return what tells the main entity's words of a WebQSP question, by its text."""
    words: dict[str, Mapping[str, str]] = {}
    for example in _load("webqsp-links", folder, "train"):
        if example.gold_links and example.gold_links[0].mention is not None:
            link, text = example.gold_links[0], _as_label(example.gold_links[0].mention.text)
            ids = [value for name, value in example.metadata if name == "entities_fb"]
            main = next((value for name, value in example.metadata if name == "main_entity_fb"), "")
            names = {link.entity.value: text} | ({"http://rdf.freebase.com/ns/" + main: text} if main in ids else {})
            words[normalize(example.question.text)] = names
    return lambda example: words.get(normalize(example.question.text), {})


# -- files


def _load(name: str, folder: Path, split: str) -> tuple[QAExample, ...]:
    return load_benchmark(benchmark(name), folder, split).examples


def _lines_of(path: Path) -> tuple[QAExample, ...]:
    return RecordReader(query_line)(path, "en").items


def _predicates(examples: Iterable[QAExample]) -> list[str]:
    """Return the predicates of the gold queries that can be read."""
    found: dict[str, None] = {}
    for example in examples:
        try:
            found |= dict.fromkeys(triple[1] for triple in parse_query(example.gold_sparql or "", PREFIXES).triples)
        except (ValueError, IndexError):
            continue
    return list(found)


def _unpack(benchmarks: Path, folder: Path) -> Path:
    """Unpack the archives that are needed into a folder and return it. Raises DatasetError."""
    for name in _PACKED:
        archive = benchmarks / "train" / f"{name}.tar.xz"
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise DatasetError(f"{archive}: cannot be unpacked: {error}") from error
    return folder


def _write(value: object, path: Path) -> None:
    partial = path.with_suffix(path.suffix + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as file:
        pickle.dump(value, file)
    partial.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
