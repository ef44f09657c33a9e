"""Fine-tunes the bi-encoder and the pruner together, through the alignment of question words and candidates' parts.

The loss is listwise over a question's candidates (`ranker_training.listwise_loss`), so that the encoder learns which
words say a relation by what that does for whole query graphs; InfoNCE over the relations a question needs, by the
vector of the question and by its best token, keeps the retriever sharp. A batch holds questions of one graph, so that
each text is encoded once for thousands of candidates.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kgqa.reasoning.alignment import ABSENT, ALIGNMENT_FEATURES, MAX_PARTS, MAX_RELATIONS, free_tokens
from kgqa.training.encoder_training import (
    MAX_TEXT_TOKENS,
    TEMPERATURE,
    GraphRecords,
    embed,
    load_bert,
    multi_positive_loss,
)
from kgqa.training.prepare import CandidateRecord
from kgqa.training.ranker_training import Pruner, grade_targets, listwise_loss, pruner_for

N_CANDIDATES = 64
MAX_TEXTS = 128
N_ALIGNED = len(ALIGNMENT_FEATURES)


class Aligner(nn.Module):
    """How much a token needs explaining, and how sharply a relation picks its token; see `kgqa.reasoning.alignment`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.need = nn.Linear(hidden, 1)
        nn.init.zeros_(self.need.weight)
        nn.init.zeros_(self.need.bias)
        self.log_temperature = nn.Parameter(torch.tensor(-2.5))

    def forward(
        self, tokens: Tensor, texts: Tensor, places: Tensor, sets: Tensor, free: Tensor, distance: Tensor
    ) -> Tensor:
        """Return the features of `alignment_features`. Shapes: tokens (n_tokens, hidden), texts (n_texts, hidden),
        places (n, MAX_PARTS), sets (n,), free and distance (n_sets, n_tokens); out (n, N_ALIGNED)."""
        similarity = tokens @ texts.T
        need = torch.sigmoid(self.need(tokens)).squeeze(-1)
        best = similarity.max(1).values
        there = places >= 0
        open_ = free[sets]
        told = torch.where(there[:, :, None] & open_[:, None, :], similarity.T[places.clamp(min=0)], ABSENT)
        is_relation = there[:, :MAX_RELATIONS]
        said = told[:, :MAX_RELATIONS].max(2).values
        n_relations = is_relation.sum(1).clamp(min=1)
        weight = need * open_
        total = weight.sum(1).clamp(min=1e-6)
        covered = told.max(1).values.clamp(min=0.0)
        regret = (best - covered) * weight
        attention = torch.softmax(told[:, :MAX_RELATIONS] / self.log_temperature.exp(), 2) * is_relation[:, :, None]
        position = (attention * distance[sets][:, None, :]).sum(2)
        pairs = is_relation[:, 1:] & is_relation[:, :-1]
        n_pairs = pairs.sum(1).clamp(min=1)
        overlap = ((attention[:, 1:] * attention[:, :-1]).sum(2) * pairs).sum(1) / n_pairs
        order = (torch.tanh((position[:, 1:] - position[:, :-1]) / 2) * pairs).sum(1) / n_pairs
        said_mean = torch.where(is_relation, said, 0.0).sum(1) / n_relations
        outward = torch.argsort(distance, dim=1, stable=True)[sets]
        in_order = _said_in_order(
            told[:, :MAX_RELATIONS].gather(2, outward[:, None, :].expand(-1, MAX_RELATIONS, -1)), is_relation
        )
        return torch.stack(
            (
                said_mean,
                torch.where(is_relation, said, 1.0).min(1).values,
                (covered * weight).sum(1) / total,
                regret.sum(1) / total,
                regret.max(1).values,
                overlap,
                order,
                there.sum(1) / MAX_PARTS,
                said_mean - in_order / n_relations,
            ),
            1,
        )

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Take over the weights that `tensors` returned."""
        with torch.no_grad():
            self.need.weight.copy_(torch.from_numpy(tensors["alignment.weight"]).reshape(1, -1))
            self.need.bias.copy_(torch.from_numpy(tensors["alignment.bias"]))
            self.log_temperature.copy_(torch.from_numpy(tensors["alignment.temperature"]).log().reshape(()))

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights under the names that `alignment_features` reads."""
        return {
            "alignment.weight": self.need.weight.detach().numpy().reshape(-1).astype(np.float32),
            "alignment.bias": self.need.bias.detach().numpy().astype(np.float32),
            "alignment.temperature": self.log_temperature.exp().detach().numpy().reshape(1).astype(np.float32),
        }


def _said_in_order(told: Tensor, is_relation: Tensor) -> Tensor:
    """Return what the function of this name in `kgqa.reasoning.alignment` returns. Shapes: (n, relations, n_tokens),
    (n, relations) to (n,)."""
    best = torch.zeros(len(told), told.shape[2] + 1)
    for relation in range(told.shape[1]):
        said = torch.cummax(best[:, :-1] + told[:, relation], 1).values
        longer = torch.cat((best[:, :1], torch.maximum(best[:, 1:], said)), 1)
        best = torch.where(is_relation[:, relation, None], longer, best)
    return best[:, -1]


def train_alignment(
    base: Path,
    records: Mapping[str, Sequence[CandidateRecord]],
    texts: Mapping[str, Sequence[str]],
    out: Path,
    *,
    weights: Mapping[str, float],
    wordings: Sequence[GraphRecords] = (),
    wording_share: float = 0.25,
    steps: int = 800,
    max_seconds: float = 1200.0,
    batch: int = 16,
    lr: float = 4e-5,
    seed: int = 0,
    start: Mapping[str, NDArray[Any]] | None = None,
    report: Any = print,
) -> None:
    """Fine-tune the encoder in `base` on the records of many graphs; save it to `out` with `ranker.safetensors`, the
    aligner's and pruner's tensors.

    `wordings` are questions with the relations they need and no candidates; `start` are tensors of an aligner and a
    pruner to go on from.
    """
    from safetensors.numpy import save_file

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tokenizer, model = load_bert(base)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.05
    usable = {
        name: [r for r in rows if len(r.grades) > 1 and grade_targets(r.grades).any()] for name, rows in records.items()
    }
    names = [name for name, rows in usable.items() if len(rows) >= 4]
    share = np.array([weights.get(name, 1.0) * np.sqrt(len(usable[name])) for name in names])
    share /= share.sum()
    aligner = Aligner(model.config.hidden_size)
    pruner = pruner_for([r for name in names for r in usable[name]])
    if start is not None:
        aligner.load(start)
        pruner.load(start)
    fast = [*aligner.parameters(), *pruner.parameters()]
    slow = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": slow, "lr": lr}, {"params": fast, "lr": 2e-3}], weight_decay=0.01)
    begin, losses = time.time(), defaultdict[str, list[float]](list)
    for step in range(steps):
        done = max(step / steps, (time.time() - begin) / max_seconds)
        if done >= 1:
            break
        rate = min(1.0, (step + 1) / 40) * max(0.02, 1 - done)
        for group, full in zip(optimizer.param_groups, (lr, 2e-3), strict=True):
            group["lr"] = full * rate
        if wordings and rng.random() < wording_share:
            loss = _wording_loss(model, tokenizer, wordings[int(rng.integers(len(wordings)))], rng)
            losses["wordings"].append(float(loss.detach()))
        else:
            name = names[int(rng.choice(len(names), p=share))]
            chosen = [usable[name][i] for i in rng.permutation(len(usable[name]))[:batch]]
            ranked, told = _graph_loss(model, tokenizer, aligner, pruner, chosen, texts[name], rng)
            losses["ranked"].append(float(ranked.detach()))
            losses["relations"].append(float(told.detach()))
            loss = ranked + 0.5 * told
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([*slow, *fast], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 50 == 0:
            means = ", ".join(f"{key} {np.mean(values[-50:]):.3f}" for key, values in losses.items())
            report(f"alignment step {step + 1}/{steps} {means} {time.time() - begin:.0f}s")
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))
    pruner.eval()
    save_file(aligner.tensors() | pruner.tensors(), str(out / "ranker.safetensors"))


def encode_tokens(model: Any, tokenizer: Any, questions: Sequence[str]) -> tuple[Tensor, list[Tensor], list[Any]]:
    """Return the questions' unit vectors, and of each its tokens' unit vectors and their character offsets.

    Shapes: (n, hidden), n times (n_tokens, hidden), n times (n_tokens, 2).
    """
    found = tokenizer(
        list(questions), padding=True, truncation=True, max_length=MAX_TEXT_TOKENS + 24, return_tensors="pt",
        return_offsets_mapping=True,
    )  # fmt: skip
    offsets = found.pop("offset_mapping").numpy()
    hidden = model(**found).last_hidden_state.float()
    mask = found["attention_mask"]
    pooled = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    units = nn.functional.normalize(hidden, dim=-1)
    lengths = mask.sum(1).tolist()
    tokens = [units[row, 1 : n - 1] for row, n in enumerate(lengths)]
    spans = [offsets[row, 1 : n - 1].astype(np.int32) for row, n in enumerate(lengths)]
    return nn.functional.normalize(pooled, dim=-1), tokens, spans


def _graph_loss(
    model: Any,
    tokenizer: Any,
    aligner: Aligner,
    pruner: Pruner,
    chosen: Sequence[CandidateRecord],
    texts: Sequence[str],
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Return the listwise loss over the candidates and InfoNCE over the relations, each a mean over the questions."""
    rows = [_sample(record, rng) for record in chosen]
    used = np.unique(np.concatenate([record.parts.places[r].ravel() for record, r in zip(chosen, rows, strict=True)]))
    kept = used[used >= 0].tolist()
    if len(kept) < MAX_TEXTS:
        others = np.setdiff1d(np.arange(len(texts)), kept)
        kept += rng.permutation(others)[: max(0, min(24, MAX_TEXTS - len(kept)))].tolist()
    lookup = np.full(len(texts) + 1, -1, np.int64)
    lookup[kept] = np.arange(len(kept))
    with torch.autocast("cpu", torch.bfloat16):
        vectors, tokens, spans = encode_tokens(model, tokenizer, [record.question for record in chosen])
        places = embed(model, tokenizer, [texts[i] for i in kept])
    ranked, told = [], []
    for row, (record, candidates) in enumerate(zip(chosen, rows, strict=True)):
        grades = record.grades[candidates]
        target = torch.from_numpy(grade_targets(grades))
        if target.sum() == 0 or len(tokens[row]) == 0:
            continue
        parts = torch.from_numpy(lookup[record.parts.places[candidates]])
        sets = torch.from_numpy(record.parts.link_set[candidates].astype(np.int64))
        free, distance = free_tokens(record.question, spans[row], record.parts.link_sets)
        aligned = aligner(tokens[row], places, parts, sets, torch.from_numpy(free), torch.from_numpy(distance))
        static = torch.from_numpy(record.features[candidates][:, :-N_ALIGNED])
        logits = pruner(torch.cat((static, aligned), 1))
        ranked.append(listwise_loss(logits, target))
        likeliest = logits.detach().masked_fill(target < target.max(), -torch.inf).argmax()
        told.append(_needed_loss(vectors[row], tokens[row], places, parts[likeliest]))
    if not ranked:
        zero = vectors.sum() * 0.0
        return zero, zero
    return torch.stack(ranked).mean(), torch.stack(told).mean()


def _needed_loss(vector: Tensor, tokens: Tensor, texts: Tensor, parts: Tensor) -> Tensor:
    """Return InfoNCE of the parts of the likeliest right candidate, by the whole question and by its best token."""
    positive = torch.zeros(1, len(texts), dtype=torch.bool)
    positive[0, parts[parts >= 0]] = True
    whole = (vector @ texts.T).unsqueeze(0) / TEMPERATURE
    by_token = (tokens @ texts.T).max(0).values.unsqueeze(0) / TEMPERATURE
    return multi_positive_loss(whole, positive) + multi_positive_loss(by_token, positive)


def _wording_loss(model: Any, tokenizer: Any, graph: GraphRecords, rng: np.random.Generator, n: int = 24) -> Tensor:
    texts, _, records = graph
    usable = [r for r in records if r.positives]
    chosen = [usable[i] for i in rng.permutation(len(usable))[:n]]
    needed = sorted({p for r in chosen for p in r.positives})
    others = np.setdiff1d(np.arange(len(texts)), needed)
    kept = needed + rng.permutation(others)[: max(0, MAX_TEXTS // 2 - len(needed))].tolist()
    place = {text: i for i, text in enumerate(kept)}
    with torch.autocast("cpu", torch.bfloat16):
        vectors, tokens, _ = encode_tokens(model, tokenizer, [r.question for r in chosen])
        embedded = embed(model, tokenizer, [texts[i] for i in kept])
    rows = [
        _needed_loss(vectors[i], tokens[i], embedded, torch.tensor([place[p] for p in record.positives]))
        for i, record in enumerate(chosen)
        if len(tokens[i])
    ]
    return 0.5 * torch.stack(rows).mean()


def _sample(record: CandidateRecord, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the places of some of the best candidates and of others."""
    there = np.flatnonzero(~np.isnan(record.grades))
    best = there[record.grades[there] >= np.nanmax(record.grades) - 1e-6]
    best = rng.permutation(best)[:6]
    rest = np.setdiff1d(there, best)
    return np.concatenate((best, rng.permutation(rest)[: N_CANDIDATES - len(best)])).astype(np.int64)
