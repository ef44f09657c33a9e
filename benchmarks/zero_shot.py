"""Answers the zero-shot question sets and prints the scores: `kgqa evaluate zeroshot`, with the sets looked for.

They are looked for in the folder that `--questions` names, else in `zeroshot/` under `KGQA_BENCHMARKS` (or in that
folder itself), else in `../shared/benchmarks/zeroshot` beside the checkout. Nothing of them is used for training. All
other options are those of `kgqa evaluate`.

    python benchmarks/zero_shot.py --linking both --processes 2 --output benchmarks/results/zero_shot
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kgqa.cli import main as kgqa

CHECKOUT = Path(__file__).resolve().parent.parent
VARIABLE = "KGQA_BENCHMARKS"


def find_sets(environ: Mapping[str, str], named: Path | None = None) -> Path | None:
    """Return the folder that holds a folder a graph, each with its questions; None where no place has one."""
    told = environ.get(VARIABLE, "")
    places = [named] if named else [Path(told) / "zeroshot", Path(told)] if told else []
    places = places or [CHECKOUT.parent / "shared" / "benchmarks" / "zeroshot"]
    return next((place for place in places if any(place.glob("*/questions.jsonl"))), None)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark and exit as `kgqa evaluate` does."""
    parser = argparse.ArgumentParser(description="Evaluate the zero-shot sets; other options go to `kgqa evaluate`.")
    parser.add_argument("--questions", type=Path, help="the folder of the question sets")
    options, others = parser.parse_known_args(arguments)
    folder = find_sets(os.environ, options.questions)
    if folder is None:
        parser.exit(1, f"zero_shot: no question sets found; name their folder with --questions or in {VARIABLE}\n")
    kgqa(["evaluate", "zeroshot", "--data", str(folder), *others])


if __name__ == "__main__":
    main(sys.argv[1:])
