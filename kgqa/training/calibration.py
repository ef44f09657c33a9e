"""Confidence that means something: logistic calibration on graphs that were not trained on.

Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with the reader's probability, that of the null
candidate and what the links tell as inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kgqa.pipeline import calibration_features
from kgqa.training.reader_training import RIGHT, Reader, ReaderExample, reader_logits

MAX_REFUSED = 0.095
MAX_THRESHOLD = 0.5


@dataclass(frozen=True)
class Outcome:
    """What the reader did with one question: the calibration features of its first choice, and whether that was right.
    """

    features: NDArray[np.float32]
    right: bool
    answerable: bool


def reader_outcomes(folder: Path, examples: Sequence[ReaderExample]) -> list[Outcome]:
    """Return the outcome of each example under the reader saved in `folder`. Candidates with the same grade count
    together.
    """
    tokenizer, model = Reader.load(folder, len(examples[0].record.question_features))
    outcomes = []
    with torch.no_grad():
        for first in range(0, len(examples), 16):
            rows = examples[first : first + 16]
            for example, (lines, null) in zip(rows, reader_logits(model, tokenizer, rows), strict=True):
                if len(lines) == 0:
                    continue
                p = torch.softmax(torch.cat((lines, null.reshape(1))), 0).numpy()
                best = int(lines.argmax())
                grades = np.nan_to_num(example.record.grades)
                right = example.record.answerable and grades[best] >= RIGHT
                outcomes_of = example.record.outcomes or range(len(lines))
                same = sum(float(p[i]) for i, outcome in enumerate(outcomes_of) if outcome == outcomes_of[best])
                told = calibration_features(same, float(p[-1]), example.record.question_features)
                outcomes.append(Outcome(told, bool(right), example.record.answerable))
    return outcomes


def calibrate(
    outcomes: Sequence[Outcome], *, l2: float = 1e-2, max_refused: float = MAX_REFUSED
) -> tuple[NDArray[np.float32], float]:
    """Return (weights with the bias last, threshold).

    The threshold is the highest that refuses at most `max_refused` of the answerable questions, and never above one
    half: what is more likely right than wrong is said.
    """
    features = torch.from_numpy(np.stack([o.features for o in outcomes]))
    target = torch.tensor([float(o.right) for o in outcomes])
    weights = torch.zeros(features.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = features @ weights[:-1] + weights[-1]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target) + l2 * (weights[:-1] ** 2).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        confidence = torch.sigmoid(features @ weights[:-1] + weights[-1]).numpy()
    answerable = np.array([o.answerable for o in outcomes])
    lost = np.sort(confidence[answerable])
    threshold = float(lost[int(max_refused * len(lost))]) if len(lost) else 0.3
    return weights.detach().numpy().astype(np.float32), round(min(threshold, MAX_THRESHOLD), 3)
