"""`kgqa train`: trains a model on folders of graphs with questions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from kgqa.errors import DatasetError


def parser() -> argparse.ArgumentParser:
    """Return the argument parser of `kgqa train`."""
    made = argparse.ArgumentParser(prog="kgqa train", description=__doc__)
    made.add_argument(
        "folders", nargs="+", metavar="FOLDER[=WEIGHT]",
        help="a folder with graph.ttl (or graph.nt) and questions.jsonl, or a folder of such; WEIGHT is its share (1)",
    )  # fmt: skip
    made.add_argument("--out", type=Path, required=True, help="where the model is written")
    made.add_argument("--base", type=Path, help="the encoder to start from, a Hugging Face folder [all-MiniLM-L6-v2]")
    made.add_argument("--work", type=Path, help="where finished steps are kept, to resume from [OUT.work]")
    made.add_argument("--held-out", default="", help="names of folders that only calibrate, comma-separated")
    made.add_argument("--encoder-steps", type=int, default=500)
    made.add_argument("--reader-steps", type=int, default=2600)
    made.add_argument(
        "--reader-seconds", type=float, default=2400.0, help="the reader's training ends here at the latest"
    )
    made.add_argument("--seed", type=int, default=0)
    return made


def main(arguments: Sequence[str]) -> int:
    """Train as the arguments say; return the exit status."""
    from rich.console import Console

    from kgqa.training.train import TrainingPlan, packaged_base, train_model

    options = parser().parse_args(list(arguments))
    plan = TrainingPlan(
        folders=dict(pair for text in options.folders for pair in _expand(text)),
        held_out=tuple(name for name in options.held_out.split(",") if name),
        encoder_steps=options.encoder_steps,
        reader_steps=options.reader_steps,
        reader_seconds=options.reader_seconds,
        seed=options.seed,
    )
    work = options.work or options.out.with_name(options.out.name + ".work")
    console = Console(stderr=True, markup=False, highlight=False)
    train_model(plan, options.base or packaged_base(), work, options.out, report=console.print)
    return 0


def _expand(text: str) -> list[tuple[Path, float]]:
    """Return the training folders that one argument names, with their weight. Raises DatasetError."""
    name, _, weight = text.partition("=")
    folder = Path(name)
    try:
        share = float(weight) if weight else 1.0
    except ValueError as error:
        raise DatasetError(f"{text}: the weight {weight!r} is not a number") from error
    if (folder / "questions.jsonl").is_file():
        return [(folder, share)]
    inside = sorted(path.parent for path in folder.glob("*/questions.jsonl"))
    if not inside:
        raise DatasetError(f"{folder} has no questions.jsonl, nor has a folder in it")
    return [(path, share) for path in inside]
