"""Fine-tunes the bi-encoder: a question near the relations and classes it needs, far from the others of its graph.

InfoNCE (van den Oord et al., 2018, eq. 4) with one term a positive; the negatives are the other relations of the same
graph, the reversed direction among them. A batch holds
questions of one graph, so that each relation is encoded once for all of them. Word embeddings stay frozen: they are
shared with the reader.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kgqa.training.prepare import RelationRecord

TEMPERATURE = 0.05
CLASS_WEIGHT = 0.5
MAX_TEXT_TOKENS = 40

GraphRecords = tuple[list[str], int, list[RelationRecord]]


def load_bert(folder: Path) -> tuple[Any, Any]:
    """Return (tokenizer, model) of a BERT checkpoint folder, with frozen word embeddings."""
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(str(folder), add_pooling_layer=False)
    model.embeddings.word_embeddings.weight.requires_grad_(False)
    return AutoTokenizer.from_pretrained(str(folder)), model


def embed(model: nn.Module, tokenizer: Any, texts: Sequence[str]) -> Tensor:
    """Return unit vectors, mean-pooled. Shape: (len(texts), hidden)."""
    batch = tokenizer(list(texts), padding=True, truncation=True, max_length=MAX_TEXT_TOKENS, return_tensors="pt")
    hidden = model(**batch).last_hidden_state  # (n, seq, hidden)
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    pooled = (hidden * mask).sum(1) / mask.sum(1)
    return nn.functional.normalize(pooled.float(), dim=-1)


def multi_positive_loss(logits: Tensor, positives: Tensor) -> Tensor:
    """Return InfoNCE averaged over the positives of each row; a positive is no negative of another.

    Shapes: (n, m), (n, m) bool.
    """
    negatives = logits.masked_fill(positives, -torch.inf).logsumexp(1, keepdim=True)  # (n, 1)
    terms = -(logits - torch.logaddexp(logits, negatives))  # (n, m)
    rows = positives.any(1)
    if not rows.any():
        return logits.sum() * 0.0
    per_row = (terms * positives).sum(1)[rows] / positives.sum(1)[rows]
    return per_row.mean()


def train_encoder(
    base: Path,
    graphs: Mapping[str, GraphRecords],
    out: Path,
    *,
    weights: Mapping[str, float],
    steps: int = 500,
    batch: int = 24,
    max_texts: int = 72,
    lr: float = 4e-5,
    seed: int = 0,
    report: Any = print,
) -> None:
    """Fine-tune `base` on the records of many graphs and save the model to `out` in the Hugging Face layout."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    tokenizer, model = load_bert(base)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.05
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=0.01)
    names = [name for name in graphs if any(r.positives for r in graphs[name][2])]
    share = np.array([weights.get(name, 1.0) * math.sqrt(len(graphs[name][2])) for name in names])
    share /= share.sum()
    losses: list[float] = []
    start = time.time()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 40) * max(0.02, 1 - step / steps)
        texts, n_relations, records = graphs[names[rng.choice(len(names), p=share)]]
        usable = [r for r in records if r.positives or r.class_positives]
        chosen = [usable[i] for i in rng.permutation(len(usable))[:batch]]
        needed = sorted({p for r in chosen for p in (*r.positives, *r.class_positives)})
        others = [i for i in rng.permutation(len(texts)).tolist() if i not in set(needed)]
        kept = needed + others[: max(0, max_texts - len(needed))]
        place = {text: i for i, text in enumerate(kept)}
        with torch.autocast("cpu", torch.bfloat16):
            vectors = embed(model, tokenizer, [r.question for r in chosen] + [texts[i] for i in kept])
        logits = vectors[: len(chosen)] @ vectors[len(chosen) :].T / TEMPERATURE  # (n_questions, n_texts)
        positives = torch.zeros_like(logits, dtype=torch.bool)
        class_positives = torch.zeros_like(logits, dtype=torch.bool)
        for row, record in enumerate(chosen):
            positives[row, [place[p] for p in record.positives]] = True
            class_positives[row, [place[p] for p in record.class_positives]] = True
        is_class = torch.tensor([i >= n_relations for i in kept])
        loss = multi_positive_loss(logits[:, ~is_class], positives[:, ~is_class])
        if is_class.sum() > 1:
            loss = loss + CLASS_WEIGHT * multi_positive_loss(logits[:, is_class], class_positives[:, is_class])
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            report(f"encoder step {step + 1}/{steps} loss {np.mean(losses[-50:]):.3f} {time.time() - start:.0f}s")
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(str(out))
    tokenizer.save_pretrained(str(out))


def relation_recall(model: nn.Module, tokenizer: Any, graphs: Mapping[str, GraphRecords], k: int = 5) -> float:
    """Return the share of needed relations among the `k` most similar of their graph (macro over questions)."""
    model.eval()
    found = []
    with torch.no_grad():
        for texts, n, records in graphs.values():
            usable = [r for r in records if r.positives]
            if not usable:
                continue
            relations = embed(model, tokenizer, texts[:n])
            for first in range(0, len(usable), 64):
                rows = usable[first : first + 64]
                top = (embed(model, tokenizer, [r.question for r in rows]) @ relations.T).topk(min(k, n), dim=1).indices
                for row, record in zip(top.tolist(), rows, strict=True):
                    found.append(len(set(row) & set(record.positives)) / len(record.positives))
    model.train()
    return float(np.mean(found))
