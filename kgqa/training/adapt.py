"""Fits the general model to one graph: with questions and answers, or with questions made from the graph itself.

Without gold queries the supervision is weak: every candidate that returns the gold answers counts as right, and those
that recur across questions win, since the model must give them all the same words (Berant et al., "Semantic Parsing on
Freebase from Question-Answer Pairs", 2013, section 3). What comes out is *adapted* to the graph, never zero-shot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from kgqa.analysis import GraphContext
from kgqa.datasets.question_files import QAExample
from kgqa.errors import DatasetError
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Schema
from kgqa.reasoning.checkpoint import load_checkpoint
from kgqa.reasoning.model import Model
from kgqa.training.alignment_training import train_alignment
from kgqa.training.calibration import calibrate, reader_outcomes
from kgqa.training.examples import AnswerKey, TrainingExample, answer_key
from kgqa.training.export import assemble_checkpoint, unpack_encoder, unpack_reader
from kgqa.training.prepare import CandidateRecord, best_places, candidate_records
from kgqa.training.ranker_training import recall_at, train_pruner
from kgqa.training.reader_training import balance_reader, train_reader
from kgqa.training.synthesis import Synthesizer
from kgqa.training.train import encoder_model, reader_example, remembered
from kgqa.training.wordings import wordings_from_labels

Report = Callable[[str], None]
DEV_SHARE = 5
MAX_REFUSED = 0.02


@dataclass(frozen=True)
class AdaptationPlan:
    """How long to adapt. Times are in seconds; `n_questions` bounds what is learned from."""

    n_questions: int = 3000
    n_made: int = 800
    alignment_seconds: float = 180.0
    reader_seconds: float = 240.0
    n_lines: int = 8
    n_threads: int = 2
    seed: int = 0


def training_examples(examples: Sequence[QAExample]) -> list[TrainingExample]:
    """Return examples for training: a fifth of the distinct questions, told by a checksum, is `dev`, the rest `train`.
    """
    return [
        TrainingExample(
            id=example.question.id or str(number),
            question=" ".join(example.question.text.split()),
            category=example.category,
            answers=frozenset(answer_key(term) for term in example.answers),
            gold_iris=frozenset(),
            split=_split(example.question.text),
        )
        for number, example in enumerate(examples)
    ]


def made_examples(index: GraphIndex, n: int, seed: int) -> list[TrainingExample]:
    """Return questions made from the graph's own schema, in the words of its labels."""
    rng = np.random.default_rng(seed)
    schema = Schema(index)
    made = Synthesizer(index, schema, wordings_from_labels(index, schema.relations), rng).make(n)
    found = []
    for number, question in enumerate(made):
        answers = question.answers
        if isinstance(answers, bool):
            keys = frozenset[AnswerKey]([answers])
        elif isinstance(answers, int):
            keys = frozenset[AnswerKey]([float(answers)])
        else:
            keys = frozenset(answer_key(index.term(int(node))) for node in answers)
        split = _split(question.text)
        found.append(TrainingExample(f"made-{number}", question.text, question.category, keys, question.iris, split))
    return found


def adapt_model(
    name: str,
    index: GraphIndex,
    examples: Sequence[TrainingExample],
    start: Path,
    work: Path,
    out: Path,
    *,
    plan: AdaptationPlan,
    report: Report = print,
) -> None:
    """Fine-tune the checkpoint `start` on examples about one graph and write the result to `out`.

    Finished steps are kept in `work`, and an interrupted run resumes. Raises DatasetError where nothing can be learned
    from the examples.
    """
    import torch
    from safetensors.numpy import load_file

    torch.set_num_threads(plan.n_threads)
    work.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(plan.seed)
    chosen = _bounded(examples, plan.n_questions, rng)
    checkpoint = load_checkpoint(start)
    unpack_encoder(checkpoint, work / "start")
    unpack_reader(checkpoint, work / "start-reader")
    texts = GraphContext.of(index).texts()
    aligned = work / "aligned"
    if not (aligned / "ranker.safetensors").is_file():
        first = remembered(
            work / "candidates.pkl",
            lambda: list(candidate_records(name, index, chosen, Model(checkpoint), n_sampled=120, seed=plan.seed)),
        )
        train_alignment(
            work / "start",
            {name: _usable(first)},
            {name: texts},
            aligned,
            weights={},
            steps=100_000,
            max_seconds=plan.alignment_seconds,
            lr=5e-5,
            seed=plan.seed,
            start=checkpoint.ranker,
            report=report,
        )
    records = remembered(
        work / "lines.pkl",
        lambda: list(
            candidate_records(
                name, index, chosen, encoder_model(aligned), n_best=24, n_sampled=60, delete_share=0.1, seed=plan.seed
            )
        ),
    )
    usable = _usable(records)
    if not usable:
        raise DatasetError("no question has a reading that gives its answers; nothing can be learned")
    pruner = train_pruner(usable, weights=[1.0] * len(usable), seed=plan.seed, report=report)
    dev = [record for record in records if record.split == "dev"]
    report(f"right reading among the first 1, 5 and 16 on held-back questions: {recall_at(pruner, dev, (1, 5, 16))}")
    train = [
        reader_example(r, pruner, n_lines=plan.n_lines, add_gold=True)
        for r in records
        if r.split == "train" and (not r.answerable or best_places(r.grades))
    ]
    held = [reader_example(r, pruner, n_lines=plan.n_lines, add_gold=False) for r in dev]
    reader = work / "reader"
    if not (reader / "done").is_file():
        train_reader(
            work / "start-reader", train, reader, max_seconds=plan.reader_seconds, steps=100_000, lr=3e-5,
            seed=plan.seed, dev=held[:400], report=report,
        )  # fmt: skip
        (reader / "done").write_text("")
    if held:
        weight, right = balance_reader(reader, held)
        report(f"right first on held-back questions: {right:.3f}, the pruner's weight is {weight:.2f}")
    calibration, threshold = calibrate(reader_outcomes(reader, held or train[:300]), max_refused=MAX_REFUSED)
    assemble_checkpoint(
        out,
        encoder=aligned,
        reader=reader,
        ranker=load_file(str(aligned / "ranker.safetensors")) | pruner.tensors(),
        calibration=calibration,
        threshold=threshold,
        info={"adapted_to": name, "n_questions": len(train), "seed": plan.seed},
    )
    report(f"wrote {out}")


def _split(text: str) -> str:
    return "dev" if crc32(f"held back: {text}".encode()) % DEV_SHARE == 0 else "train"


def _bounded(examples: Sequence[TrainingExample], n: int, rng: np.random.Generator) -> list[TrainingExample]:
    """Return at most `n` examples, the categories in equal shares where they can be."""
    by_category: dict[str, list[TrainingExample]] = {}
    for example in examples:
        by_category.setdefault(example.category, []).append(example)
    share = max(1, n // max(len(by_category), 1))
    kept: list[TrainingExample] = []
    for rows in by_category.values():
        kept += [rows[i] for i in sorted(rng.permutation(len(rows))[:share].tolist())]
    return kept


def _usable(records: Sequence[CandidateRecord]) -> list[CandidateRecord]:
    return [r for r in records if r.split == "train" and r.answerable and best_places(r.grades)]
