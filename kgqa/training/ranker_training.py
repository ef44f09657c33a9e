"""Trains the pruner, a small perceptron over cheap features, listwise over each question's candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kgqa.reasoning.alignment import ALIGNMENT_FEATURES
from kgqa.reasoning.features import FEATURES
from kgqa.training.prepare import CandidateRecord

Rng = np.random.Generator
BATCH = 32
MIN_STEPS = 200


def grade_targets(grades: NDArray[np.float32], *, sharpness: float = 12.0) -> NDArray[np.float32]:
    """Return the distribution a record's candidates should get: nearly all on the best grade. Shape: (n,)."""
    finite = np.nan_to_num(grades, nan=0.0)
    if len(finite) == 0 or finite.max() < 0.3:
        return np.zeros_like(finite)
    weights = np.where(finite >= 0.3, np.exp(sharpness * (finite - finite.max())), 0.0)
    return np.asarray(weights / weights.sum(), np.float32)


def listwise_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return minus the log of the probability that the candidates give to what is right, weighted by `target`.

    Softmax over the list after Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach" (2007),
    section 4; of several candidates that are right, one may take all (marginal likelihood; Guu et al., "From Language
    to Programs: Bridging Reinforcement Learning and Maximum Marginal Likelihood", 2017, section 3), since some of
    them may give the right answers by chance. Shapes: (n,), (n,) to ().
    """
    return -torch.logsumexp(torch.log_softmax(logits, 0) + target.log(), 0)


class Pruner(nn.Module):
    """Standardised features, one hidden layer, one logit a candidate."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, hidden: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.first = nn.Linear(len(mean), hidden)
        self.second = nn.Linear(hidden, 1)
        self.drop = nn.Dropout(0.25)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: (n, n_features) to (n,)."""
        scaled = (features - self.mean) / self.scale
        return self.second(self.drop(torch.relu(self.first(scaled)))).squeeze(-1)  # type: ignore[no-any-return]

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits without gradients. Shapes: (n, n_features) to (n,)."""
        with torch.no_grad():
            return np.asarray(self(torch.from_numpy(features)).numpy(), np.float32)

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take over the weights that `tensors` returned."""
        with torch.no_grad():
            for parameter, name in (
                (self.mean, "pruner.mean"), (self.scale, "pruner.scale"),
                (self.first.weight, "pruner.0.weight"), (self.first.bias, "pruner.0.bias"),
                (self.second.weight, "pruner.1.weight"), (self.second.bias, "pruner.1.bias"),
            ):  # fmt: skip
                parameter.copy_(torch.from_numpy(tensors[name]))

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights under the names that `Model.prune_scores` reads."""
        named = {
            "pruner.mean": self.mean, "pruner.scale": self.scale,
            "pruner.0.weight": self.first.weight, "pruner.0.bias": self.first.bias,
            "pruner.1.weight": self.second.weight, "pruner.1.bias": self.second.bias,
        }  # fmt: skip
        return {name: tensor.detach().numpy().astype(np.float32) for name, tensor in named.items()}


def pruner_for(records: Sequence[CandidateRecord]) -> Pruner:
    """Return an untrained pruner that standardises features as the records have them."""
    sample = np.concatenate([r.features[:200] for r in records])
    mean, scale = sample.mean(0), sample.std(0)
    scale[scale < 1e-3] = 1.0
    assert sample.shape[1] == len(FEATURES) + len(ALIGNMENT_FEATURES)
    return Pruner(torch.from_numpy(mean), torch.from_numpy(scale))


def train_pruner(
    records: Sequence[CandidateRecord],
    *,
    weights: Sequence[float],
    min_epochs: int = 8,
    seed: int = 0,
    report: Any = print,
) -> Pruner:
    """Return a pruner trained on the records that have a right candidate. `weights` are one a record."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    usable = [(r, w) for r, w in zip(records, weights, strict=True) if len(r.grades) and grade_targets(r.grades).any()]
    model = pruner_for([r for r, _ in usable])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    n_batches = -(-len(usable) // BATCH)
    epochs = max(min_epochs, -(-MIN_STEPS // n_batches))
    total = epochs * n_batches
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(total, 1))
    for epoch in range(epochs):
        model.train()
        losses = []
        order = rng.permutation(len(usable))
        for first in range(0, len(order), BATCH):
            loss = torch.zeros(())
            for i in order[first : first + BATCH]:
                record, weight = usable[i]
                places = _sampled(record, rng)
                logits = model(torch.from_numpy(record.features[places]))
                target = torch.from_numpy(grade_targets(record.grades[places]))
                loss = loss + weight * listwise_loss(logits, target)
            loss = loss / BATCH
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        if epoch == epochs - 1:
            report(f"pruner epoch {epoch + 1}: loss {np.mean(losses):.3f}")
    model.eval()
    return model


def _sampled(record: CandidateRecord, rng: Rng, n: int = 300) -> NDArray[np.int64]:
    """Return all places, or every right one and a sample of the rest where there are many."""
    if len(record.grades) <= n:
        return np.arange(len(record.grades))
    right = np.flatnonzero(np.nan_to_num(record.grades) >= 0.3)
    return np.union1d(right, rng.choice(len(record.grades), n, replace=False))


def recall_at(model: Pruner, records: Sequence[CandidateRecord], ks: Sequence[int]) -> dict[int, float]:
    """Return the share of answerable records whose best candidate is among the pruner's first k.

    Records without a right candidate count as missed.
    """
    hits = {k: 0 for k in ks}
    n = 0
    with torch.no_grad():
        for record in records:
            if not record.answerable:
                continue
            n += 1
            grades = np.nan_to_num(record.grades)
            if len(grades) == 0 or grades.max() < 0.3:
                continue
            order = np.argsort(-model(torch.from_numpy(record.features)).numpy(), kind="stable")
            first = int(np.flatnonzero(grades[order] >= grades.max() - 1e-6)[0])
            for k in ks:
                hits[k] += first < k
    return {k: hits[k] / max(n, 1) for k in ks}
