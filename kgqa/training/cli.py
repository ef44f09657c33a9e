"""`kgqa train`: trains a model on folders of graphs with questions, or fits a trained one to a graph."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kgqa.errors import DatasetError

if TYPE_CHECKING:
    from kgqa.pipeline import Pipeline
    from kgqa.training.examples import TrainingExample

MAX_SHOWN = 200
Report = Callable[[str], None]


def parser() -> argparse.ArgumentParser:
    """Return the argument parser of `kgqa train`."""
    made = argparse.ArgumentParser(prog="kgqa train", description=__doc__)
    made.add_argument(
        "folders", nargs="*", metavar="FOLDER[=WEIGHT[:MOST]]",
        help="a folder with graph.ttl (or graph.nt) and questions.jsonl, or a folder of such; WEIGHT is its share (1), "
        "MOST the questions taken of each",
    )  # fmt: skip
    made.add_argument("--out", type=Path, required=True, help="where the model is written")
    made.add_argument("--work", type=Path, help="where finished steps are kept, to resume from [OUT.work]")
    made.add_argument("--seed", type=int, default=0)
    whole = made.add_argument_group("a model from an encoder")
    whole.add_argument("--base", type=Path, help="the encoder to start from, a Hugging Face folder [all-MiniLM-L6-v2]")
    whole.add_argument("--start", type=Path, help="or a model, whose encoder stays and whose reader learns on")
    whole.add_argument("--said", type=Path, help="lines of question sets without graphs, for the reader")
    whole.add_argument("--held-out", default="", help="names of folders that only calibrate, comma-separated")
    whole.add_argument("--encoder-steps", type=int, default=500)
    whole.add_argument("--alignment-steps", type=int, default=1500)
    whole.add_argument("--alignment-seconds", type=float, default=1500.0)
    whole.add_argument("--reader-steps", type=int, default=4000)
    whole.add_argument("--reader-seconds", type=float, default=3600.0, help="the reader's training ends here at latest")
    fitted = made.add_argument_group("a trained model for one graph")
    fitted.add_argument("--graph", action="append", metavar="G", help="a graph by name, or an RDF file")
    fitted.add_argument(
        "--questions", type=Path, help="a JSON object a line with question and answers; without, questions are made"
    )
    fitted.add_argument("--model", type=Path, help="the model to start from [the one that ships]")
    fitted.add_argument("--minutes", type=float, default=7.0, help="how long to train, preparation not counted [7]")
    fitted.add_argument("--max-questions", type=int, default=3000, help="learn from a sample of so many [3000]")
    return made


def main(arguments: Sequence[str]) -> int:
    """Train as the arguments say; return the exit status."""
    from rich.console import Console

    made = parser()
    options = made.parse_args(list(arguments))
    if bool(options.folders) == bool(options.graph):
        made.error("name either folders to train on, or a --graph to fit a model to")
    console = Console(stderr=True, markup=False, highlight=False)
    if options.graph:
        _fit(options, console.print)
        return 0
    from kgqa.training.train import TrainingPlan, packaged_base, train_model

    named = [source for text in options.folders for source in sources(text)]
    plan = TrainingPlan(
        folders={folder: weight for folder, weight, _ in named},
        most={folder: most for folder, _, most in named if most},
        start=options.start,
        said=options.said,
        held_out=tuple(name for name in options.held_out.split(",") if name),
        encoder_steps=options.encoder_steps,
        alignment_steps=options.alignment_steps,
        alignment_seconds=options.alignment_seconds,
        reader_steps=options.reader_steps,
        reader_seconds=options.reader_seconds,
        seed=options.seed,
    )
    train_model(plan, options.base or packaged_base(), _work(options), options.out, report=console.print)
    return 0


def _work(options: argparse.Namespace) -> Path:
    return Path(options.work or options.out.with_name(options.out.name + ".work"))


def _fit(options: argparse.Namespace, report: Report) -> None:
    """Fit a model to a graph and tell how it does on held-back questions before and after."""
    from kgqa.datasets.question_files import read_examples
    from kgqa.pipeline import Pipeline
    from kgqa.reasoning.model import shipped_model
    from kgqa.stores.catalog import Catalog
    from kgqa.training.adapt import AdaptationPlan, adapt_model, made_examples, training_examples

    start = options.model or shipped_model()
    graph = Catalog().open(options.graph)
    seconds = 60.0 * options.minutes
    plan = AdaptationPlan(
        n_questions=options.max_questions,
        alignment_seconds=0.6 * seconds,
        reader_seconds=0.4 * seconds,
        seed=options.seed,
    )
    if options.questions:
        found = read_examples(options.questions)
        for bad in found.bad_lines:
            report(f"{options.questions.name}: line {bad.number} left out: {bad.reason}")
        examples = training_examples(found.items)
    else:
        examples = made_examples(graph.index, plan.n_made, plan.seed)
    if not examples:
        raise DatasetError("there are no questions to learn from")
    held = [example for example in examples if example.split == "dev"]
    held = held[:: -(-len(held) // MAX_SHOWN) or 1]  # evenly from the file, which may be in the order of its kinds
    report(f"{len(examples)} questions about {graph.name}, {len(held)} of them held back to compare")
    before = _score(Pipeline.load(options.graph, model=start), held)
    adapt_model(graph.name, graph.index, examples, start, _work(options), options.out, plan=plan, report=report)
    after = _score(Pipeline.load(options.graph, model=options.out), held)
    report(f"macro F1 on the held-back questions: {before:.3f} before, {after:.3f} after (adapted)")
    if after <= before:
        report("nothing gained: keep the model that you had, or bring more questions")


def _score(pipeline: Pipeline, examples: Sequence[TrainingExample]) -> float:
    """Return the macro F1 of a pipeline's answers; an unanswerable question counts 1 where it is refused."""
    from kgqa.training.examples import answer_f1, answer_key

    scores = []
    for example in examples:
        given = frozenset(answer_key(answer.term) for answer in pipeline(example.question).answers)
        scores.append(answer_f1(given, example.answers) if example.answers else float(not given))
    return sum(scores) / max(len(scores), 1)


def sources(text: str) -> list[tuple[Path, float, int]]:
    """Return the training folders that one argument names, with their weight and how many questions are taken of each,
    0 for all. Raises DatasetError.
    """
    name, _, share = text.partition("=")
    folder = Path(name)
    weight, _, most = share.partition(":")
    try:
        told = float(weight or 1.0), int(most or 0)
    except ValueError as error:
        raise DatasetError(f"{text}: expected FOLDER=WEIGHT or FOLDER=WEIGHT:MOST, as in graphs=0.5:90") from error
    if (folder / "questions.jsonl").is_file():
        return [(folder, *told)]
    inside = sorted(path.parent for path in folder.glob("*/questions.jsonl"))
    if not inside:
        raise DatasetError(f"{folder} has no questions.jsonl, nor has a folder in it")
    return [(path, *told) for path in inside]
