"""Fine-tunes the reader: question and line together, listwise over a question's candidates and "the graph does not
say".

The logit of a line is the reader's plus the pruner's, weighted. Half of the loss leaves the pruner out, so that the
reader learns to judge by itself and not only what the pruner leaves over; the pruner's logits come from one that did
not see the graph. Unanswerable questions put all mass on the null candidate. The loss is
`ranker_training.listwise_loss`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kgqa.training.encoder_training import load_bert
from kgqa.training.export import HEADS
from kgqa.training.prepare import CandidateRecord
from kgqa.training.ranker_training import grade_targets, listwise_loss

NULL_LINE = "the graph does not say"
MAX_TOKENS = 96
N_FROZEN_LAYERS = 2
RIGHT = 0.8
PRIOR_WEIGHTS = (1, 2, 4, 8, 16)
_BUCKET = 32


@dataclass(frozen=True)
class ReaderExample:
    """A question with its lines, the pruner's logits of them, and their grades; NaN grades are not there to be chosen.
    """

    record: CandidateRecord
    prior: NDArray[np.float32]
    weight: float


class Reader(nn.Module):
    """A BERT over pairs with one logit, and how it is mixed with the pruner's and the null candidate's."""

    def __init__(self, bert: nn.Module, hidden: int, n_question_features: int) -> None:
        super().__init__()
        self.bert = bert
        self.score = nn.Linear(hidden, 1)
        self.prior_weight = nn.Parameter(torch.tensor(0.7))
        self.null = nn.Linear(n_question_features + 2, 1)
        nn.init.zeros_(self.null.weight)

    @classmethod
    def load(cls, folder: Path, n_question_features: int) -> tuple[Any, Reader]:
        """Return (tokenizer, reader) as `save_reader` wrote them, or with new heads on an encoder that has none."""
        from safetensors.torch import load_file

        tokenizer, bert = load_bert(folder)
        reader = cls(bert, bert.config.hidden_size, n_question_features)
        if (folder / HEADS).is_file():
            heads = load_file(str(folder / HEADS))
            reader.score.load_state_dict({"weight": heads["score.weight"], "bias": heads["score.bias"]})
            reader.null.load_state_dict({"weight": heads["null.weight"], "bias": heads["null.bias"]})
            reader.prior_weight.data = heads["prior_weight"].reshape(())
        return tokenizer, reader.eval()

    def pair_logits(self, tokenizer: Any, questions: Sequence[str], lines: Sequence[str]) -> Tensor:
        """Return the reader's logit of each (question, line). Pairs of like length are encoded together. Shape: (n,).
        """
        encoded = tokenizer(list(questions), list(lines), truncation=True, max_length=MAX_TOKENS)
        order = sorted(range(len(lines)), key=lambda i: len(encoded["input_ids"][i]))
        parts, places = [], []
        for first in range(0, len(order), _BUCKET):
            rows = order[first : first + _BUCKET]
            batch = tokenizer.pad({key: [encoded[key][i] for i in rows] for key in encoded}, return_tensors="pt")
            hidden = self.bert(**batch).last_hidden_state.float()  # (rows, seq, hidden)
            mask = batch["attention_mask"].unsqueeze(-1).float()
            pooled = (hidden * mask).sum(1) / mask.sum(1)  # (rows, hidden)
            parts.append(self.score(pooled).squeeze(-1))
            places += rows
        inverse = torch.empty(len(places), dtype=torch.long)
        inverse[torch.tensor(places)] = torch.arange(len(places))
        return torch.cat(parts)[inverse]

    def null_logit(self, null_line: Tensor, question_features: Tensor, prior: Tensor) -> Tensor:
        """Return the logit of "the graph does not say": its line's, and what the links and the pruner tell. Shape: ().
        """
        best = prior.max() if len(prior) else torch.tensor(-5.0)
        mean = torch.topk(prior, min(5, len(prior))).values.mean() if len(prior) else torch.tensor(-5.0)
        told = torch.cat((question_features, torch.stack((best, mean)) / 5))
        logit: Tensor = null_line + self.null(told).squeeze(-1)
        return logit


def question_loss(logits: Tensor, null: Tensor, example: ReaderExample) -> Tensor:
    """Return the listwise loss of one question; without a right line, all should go to the null candidate."""
    grades = example.record.grades
    there = torch.from_numpy(~np.isnan(grades))
    target = torch.from_numpy(grade_targets(grades))
    all_logits = torch.cat((logits.masked_fill(~there, -1e4), null.reshape(1)))
    return listwise_loss(all_logits, torch.cat((target, (target.sum() == 0).float().reshape(1))))


def train_reader(
    base: Path,
    examples: Sequence[ReaderExample],
    out: Path,
    *,
    max_seconds: float,
    steps: int,
    batch: int = 8,
    lr: float = 5e-5,
    seed: int = 0,
    dev: Sequence[ReaderExample] = (),
    report: Any = print,
) -> None:
    """Fine-tune on the examples until `steps` or `max_seconds`, and save to `out`.

    The learning rate falls linearly with the nearer end.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tokenizer, model = Reader.load(base, len(examples[0].record.question_features))
    bert: Any = model.bert
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.05
    for layer in bert.encoder.layer[:N_FROZEN_LAYERS]:
        layer.requires_grad_(False)
    slow = [p for n, p in model.named_parameters() if p.requires_grad and n.startswith("bert")]
    fast = [p for n, p in model.named_parameters() if p.requires_grad and not n.startswith("bert")]
    optimizer = torch.optim.AdamW([{"params": slow, "lr": lr}, {"params": fast, "lr": 20 * lr}], weight_decay=0.01)
    share = np.array([example.weight for example in examples])
    share /= share.sum()
    start, losses = time.time(), []
    for step in range(steps):
        done = max(step / steps, (time.time() - start) / max_seconds)
        if done >= 1:
            break
        rate = min(1.0, (step + 1) / 60) * max(0.02, 1 - done)
        for group, full in zip(optimizer.param_groups, (lr, 20 * lr), strict=True):
            group["lr"] = full * rate
        chosen = [examples[i] for i in rng.choice(len(examples), batch, replace=False, p=share)]
        loss = _batch_loss(model, tokenizer, chosen)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            report(f"reader step {step + 1}/{steps} loss {np.mean(losses[-100:]):.3f} {time.time() - start:.0f}s")
        if (step + 1) % 500 == 0:
            save_reader(model, tokenizer, out)
            if dev:
                report(f"  dev {evaluate_reader(model, tokenizer, dev)}")
    save_reader(model, tokenizer, out)
    if dev:
        report(f"final dev {evaluate_reader(model, tokenizer, dev)}")


def _batch_loss(model: Reader, tokenizer: Any, chosen: Sequence[ReaderExample]) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = reader_logits(model, tokenizer, chosen)
    total = torch.zeros(())
    for example, (lines, null) in zip(chosen, logits, strict=True):
        alone = lines - model.prior_weight * torch.from_numpy(example.prior)
        total = total + 0.5 * question_loss(lines, null, example) + 0.5 * question_loss(alone, null, example)
    return total / len(chosen)


def reader_logits(model: Reader, tokenizer: Any, chosen: Sequence[ReaderExample]) -> list[tuple[Tensor, Tensor]]:
    """Return, for each question, the logits of its lines and that of "the graph does not say". Shapes: (n_lines,), ().
    """
    questions = [e.record.question for e in chosen for _ in range(len(e.record.lines) + 1)]
    lines = [line for e in chosen for line in (*e.record.lines, NULL_LINE)]
    scored = model.pair_logits(tokenizer, questions, lines)
    found, place = [], 0
    for example in chosen:
        n = len(example.record.lines)
        prior = torch.from_numpy(example.prior)
        own = scored[place : place + n] + model.prior_weight * prior
        features = torch.from_numpy(example.record.question_features)
        found.append((own, model.null_logit(scored[place + n], features, prior)))
        place += n + 1
    return found


def evaluate_reader(model: Reader, tokenizer: Any, examples: Sequence[ReaderExample]) -> dict[str, float]:
    """Return the mean grade of the first choice over answerable questions, and how often null wins where it should and
    should not.
    """
    model.eval()
    grades, refused, kept = [], [], []
    with torch.no_grad():
        for first in range(0, len(examples), 16):
            rows = examples[first : first + 16]
            for example, (lines, null) in zip(rows, reader_logits(model, tokenizer, rows), strict=True):
                if not example.record.answerable:
                    kept.append(float(len(lines) == 0 or bool(null > lines.max())))
                    continue
                finite = np.nan_to_num(example.record.grades)
                grades.append(float(finite[int(lines.argmax())]) if len(lines) else 0.0)
                refused.append(float(len(lines) == 0 or bool(null > lines.max())))
    model.train()
    return {
        "top1_grade": round(float(np.mean(grades)), 3),
        "top1_right": round(float(np.mean(np.array(grades) >= RIGHT)), 3),
        "wrongly_refused": round(float(np.mean(refused)), 3),
        "rightly_refused": round(float(np.mean(kept)), 3) if kept else float("nan"),
    }


def balance_reader(folder: Path, examples: Sequence[ReaderExample]) -> tuple[float, float]:
    """Choose how much the pruner weighs beside the reader saved in `folder`, by the right first choices on questions
    that neither learned from; save it there. Return the weight and the share of right choices.

    A reader that had few questions to learn from may know less of a graph than the pruner that was fitted to it.
    """
    from safetensors.torch import load_file, save_file

    tokenizer, model = Reader.load(folder, len(examples[0].record.question_features))
    own = float(model.prior_weight.detach())
    answerable = [e for e in examples if e.record.answerable and len(e.record.lines)]
    right = dict.fromkeys(PRIOR_WEIGHTS, 0)
    with torch.no_grad():
        for example in answerable:
            read = reader_logits(model, tokenizer, [example])[0][0].numpy() - own * example.prior
            grades = np.nan_to_num(example.record.grades)
            for factor in PRIOR_WEIGHTS:
                right[factor] += int(grades[int((read + factor * own * example.prior).argmax())] >= RIGHT)
    best = max(PRIOR_WEIGHTS, key=lambda factor: (right[factor], -factor))
    heads = load_file(str(folder / HEADS))
    heads["prior_weight"] = torch.tensor([best * own])
    save_file(heads, str(folder / HEADS))
    return best * own, right[best] / max(len(answerable), 1)


def save_reader(model: Reader, tokenizer: Any, out: Path) -> None:
    """Write the encoder in the Hugging Face layout and the heads beside it."""
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    cast(Any, model.bert).save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))
    heads = {n: p.detach().clone() for n, p in model.named_parameters() if not n.startswith("bert.")}
    save_file({n: p.reshape(1) if p.ndim == 0 else p for n, p in heads.items()}, str(out / HEADS))
