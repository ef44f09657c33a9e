"""Graphs with the same facts and another schema: what makes a model learn to read schemas and not to remember them.

Predicates get other labels (synonyms, "has author", "written by"), some are turned round ("author" becomes
"author of"), and types may go. Questions are made anew in the words of the wordings, and those with gold SPARQL are
kept where it still holds.

    python -m kgqa.training.variation FOLDER... --out DIR [--questions 300] [--variants 1] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np

from kgqa.datatypes import RDF_TYPE, RDFS, Term, iri, literal
from kgqa.index.graph_index import DEFAULT_LABEL_PREDICATES, GraphIndex
from kgqa.index.schema import Schema
from kgqa.training.examples import graph_triples
from kgqa.training.synthesis import Synthesizer
from kgqa.training.wordings import Phrases, RelationWording, Wordings, read_wordings, wordings_from_labels

Triples = list[tuple[Term, Term, Term]]
LABEL = iri(RDFS + "label")
TYPES_GO, RELABELLED, TURNED_ROUND = 0.5, 0.75, 0.25
_SWAPPED = {
    "ask_object": "ask_subject", "by_object": "by_subject", "ask_subject": "ask_object", "by_subject": "by_object",
}  # fmt: skip


def vary(triples: Triples, wordings: Wordings, rng: np.random.Generator) -> tuple[Triples, Wordings]:
    """Return the graph under another schema, with the wordings that fit it."""
    relations = dict(wordings.relations)
    labels: dict[str, str] = {}
    turned: set[str] = set()
    whole = {p.value for _, p, o in triples if o.kind != "uri"} | {p.value for s, p, _ in triples if s.kind != "uri"}
    for name, wording in wordings.relations.items():
        if name not in whole and wording.of("by_subject") and wording.of("noun") and rng.random() < TURNED_ROUND:
            turned.add(name)
            relations[name] = _turned_round(wording)
            labels[name] = f"{_pick(wording.of('noun'), rng)} of"
        elif rng.random() < RELABELLED and (options := _label_options(wording)):
            labels[name] = str(rng.choice(options))
    typeless = rng.random() < TYPES_GO
    made: Triples = []
    for s, p, o in triples:
        if typeless and p.value == RDF_TYPE and not o.value.startswith("http://www.w3.org/"):
            continue
        if s.value in labels and p.value in DEFAULT_LABEL_PREDICATES:
            continue
        made.append((o, p, s) if p.value in turned else (s, p, o))
    made += [(iri(name), LABEL, literal(text)) for name, text in labels.items()]
    return made, replace(wordings, relations=relations)


def _label_options(wording: RelationWording) -> list[str]:
    nouns = list(wording.of("noun"))
    verbs = [
        text.removesuffix(" {Y}")
        for text in wording.of("by_object")
        if text.endswith(" {Y}") and not text.startswith(("that ", "who ", "whose ", "which ", "with ", "of ", "in "))
    ]
    return [*nouns, *(f"has {noun}" for noun in nouns[:2]), *verbs]


def _turned_round(wording: RelationWording) -> RelationWording:
    swap = str.maketrans({"X": "Y", "Y": "X"})
    phrases: dict[str, Phrases] = {
        _SWAPPED[key]: tuple(text.replace("{X}", "{0}").replace("{Y}", "{X}").replace("{0}", "{Y}") for text in texts)
        for key, texts in wording.phrases.items()
        if key in _SWAPPED
    }
    phrases["whether"] = tuple(
        "".join(part.translate(swap) if part in ("{X}", "{Y}") else part for part in _split(text))
        for text in wording.of("whether")
    )
    return RelationWording(phrases)


def _split(text: str) -> list[str]:
    import re

    return re.split(r"(\{[XY]\})", text)


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def write_folder(folder: Path, out: Path, *, n_questions: int, varied: bool, seed: int) -> int:
    """Write a training folder with made questions, over the graph as it is or varied; return how many it has.

    A varied folder keeps the questions of the original that have gold SPARQL; those that no longer hold are dropped
    when they are read.
    """
    rng = np.random.default_rng(seed + crc32(folder.name.encode()))
    triples = graph_triples(folder)
    original = GraphIndex.from_triples(triples)
    told = folder / "wordings.json"
    wordings = read_wordings(told) if told.is_file() else wordings_from_labels(original, Schema(original).relations)
    classes = {
        original.text_of(node): original.text_of(found[0])
        for node in range(original.n_terms)
        if original.kind[node] == 0 and (found := original.classes_of(node))
    }
    if varied:
        triples, wordings = vary(triples, wordings, rng)
    index = GraphIndex.from_triples(triples)
    made = Synthesizer(index, Schema(index), wordings, rng, classes_of=classes).make(n_questions)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "graph.nt").open("w", encoding="utf-8") as file:
        file.writelines(f"{s.n3()} {p.n3()} {o.n3()} .\n" for s, p, o in triples)
    rows = [question.to_dict(index, number) for number, question in enumerate(made)]
    if varied and (folder / "questions.jsonl").is_file():
        lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        old = [json.loads(line) for line in lines if line.strip()]
        rows += [row for row in old if row.get("sparql") and row.get("split", "train") == "train"]
    with (out / "questions.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def main() -> None:
    """Write the folders that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=300, help="a folder, at most [300]")
    parser.add_argument("--variants", type=int, default=1, help="varied graphs a folder [1]")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    for folder in options.folders:
        for number in range(options.variants + 1):
            out = options.out / (f"{folder.name}-varied{number}" if number else f"{folder.name}-made")
            n = write_folder(folder, out, n_questions=options.questions, varied=number > 0, seed=options.seed + number)
            print(f"{out}: {n} questions")


if __name__ == "__main__":
    main()
