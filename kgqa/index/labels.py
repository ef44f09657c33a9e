"""Which nodes a piece of text may name: exact, normalised, partial and misspelt, over every label of a graph."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from kgqa.index.graph_index import GraphIndex
from kgqa.index.text import is_opaque, normalize, split_local_name
from kgqa.index.values import NO_VALUE

MAX_LITERAL_LENGTH = 80
MAX_PARTIAL = 24


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """A label of a node in its normalised form. `kind` is 0 for an entity, 1 for a class, 2 for a text literal."""

    node: int
    label: str
    normalized: str
    kind: int
    alternative: bool


class LabelIndex:
    """Look-up of labels. Built once from a graph index; holds no reference to the question."""

    def __init__(self, index: GraphIndex) -> None:
        self.entries: list[LabelEntry] = []
        self.exact: dict[str, list[int]] = defaultdict(list)
        self.by_token: dict[str, list[int]] = defaultdict(list)
        for entry in _entries(index):
            place = len(self.entries)
            self.entries.append(entry)
            self.exact[entry.normalized].append(place)
            for token in set(entry.normalized.split()):
                self.by_token[token].append(place)
        self.max_tokens = max((entry.normalized.count(" ") + 1 for entry in self.entries), default=1)

    @cached_property
    def vocabulary(self) -> list[str]:
        """All words that occur in labels, sorted."""
        return sorted(self.by_token)

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        groups: dict[int, list[str]] = defaultdict(list)
        for word in self.vocabulary:
            groups[len(word)].append(word)
        return groups

    def partial(self, words: tuple[str, ...]) -> list[tuple[int, float]]:
        """Return (entry, score) of longer labels that contain all `words`, best first; empty where over 24 labels do.

        The score is the share of the label's letters that the words make up, between 0.5 and 0.9.
        """
        rarest = min(words, key=lambda word: len(self.by_token.get(word, ())))
        places = self.by_token.get(rarest, ())
        if not places or len(places) > 40 * MAX_PARTIAL:
            return []
        needed = set(words)
        given = sum(map(len, needed))
        found = []
        for place in places:
            tokens = self.entries[place].normalized.split()
            if len(tokens) > len(needed) and needed <= set(tokens):
                found.append((place, 0.5 + 0.4 * given / max(sum(map(len, tokens)), 1)))
        nodes = {self.entries[place].node for place, _ in found}
        if len(nodes) > MAX_PARTIAL:
            return []
        return sorted(found, key=lambda item: -item[1])

    @lru_cache(maxsize=10_000)
    def corrections(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return (label word, similarity) for words one slip away (two for eight letters or more), best first."""
        from rapidfuzz.distance import OSA

        if len(word) < 4 or any(char.isdigit() for char in word):
            return ()
        limit = 1 if len(word) < 8 else 2
        found = []
        for length in range(len(word) - limit, len(word) + limit + 1):
            for other in self._by_length.get(length, ()):
                distance = OSA.distance(word, other, score_cutoff=limit)
                if distance <= limit and not other.isdigit():
                    same_start = other[0] == word[0]
                    found.append((other, 1 - distance / len(word) - (0 if same_start else 0.1)))
        return tuple(sorted(found, key=lambda item: (-item[1], item[0]))[:3])

    @lru_cache(maxsize=10_000)
    def same_stem(self, word: str) -> tuple[str, ...]:
        """Return label words that share a stem of at least five letters: "negotiate" finds "negotiation"."""
        if len(word) < 6:
            return ()
        stem = word[: max(5, len(word) - 3)]
        found = []
        for place in range(bisect_left(self.vocabulary, stem), len(self.vocabulary)):
            other = self.vocabulary[place]
            if not other.startswith(stem):
                break
            if other != word and len(other) <= len(word) + 4:
                found.append(other)
        return tuple(found[:4])


def _entries(index: GraphIndex) -> Iterator[LabelEntry]:
    classes = index.class_sizes
    schema = index.schema_nodes
    texts = _text_literals(index)
    identifying = _identifying_literals(index)
    for node in range(index.n_terms):
        if index.kind[node] == 0 and (node in classes or node not in schema):
            stated = index.labels(node)
            if not stated and is_opaque(index.text_of(node)) and index.degree(node) == 0:
                continue
            name = split_local_name(index.text_of(node))
            labels = stated or ((name, False),)
            if stated and _is_code(name) and node not in classes:
                labels = (*stated, (name, True))
            kind = 1 if node in classes else 0
            for label, alternative in labels[:24]:
                if normalized := normalize(label[:200]):
                    yield LabelEntry(node, label, normalized, kind, alternative)
            if kind == 0:
                for text in identifying.get(node, ()):
                    if normalized := normalize(text):
                        yield LabelEntry(node, text, normalized, 0, True)
        elif index.kind[node] == 1 and node in texts:
            label = index.text_of(node)
            if len(label) <= MAX_LITERAL_LENGTH and (normalized := normalize(label)):
                yield LabelEntry(node, label, normalized, 2, False)


def _is_code(name: str) -> bool:
    """Return whether a local name is a code that people type, such as TCK-1042, rather than Q42 or a number."""
    return "-" in name and any(char.isdigit() for char in name) and " " not in name


def _identifying_literals(index: GraphIndex) -> dict[int, list[str]]:
    """Each node -> the texts, other than its labels, that name it and nothing else: synonyms, codes, demonyms, titles.

    A predicate identifies where its texts are short and hardly ever shared by two subjects.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for p in index.relation_predicates:
        a, b = int(index.pred_start[p]), int(index.pred_start[p + 1])
        subjects, ends = index.pred_s[a:b], index.pred_o[a:b]
        keep = (index.kind[ends] == 1) & (index.value_kind[ends] == NO_VALUE) & (index.kind[subjects] == 0)
        subjects, ends = subjects[keep], ends[keep]
        if len(ends) < 3 or len(np.unique(ends)) < 0.9 * len(ends):
            continue
        texts = [index.text_of(int(end)) for end in ends]
        if sorted(map(len, texts))[len(texts) // 2] > 40:
            continue
        for subject, text in zip(subjects.tolist(), texts, strict=True):
            if 1 < len(text) <= MAX_LITERAL_LENGTH:
                found[subject].append(text)
    return found


def _text_literals(index: GraphIndex) -> frozenset[int]:
    """The text literals that some fact, not only a label, ends in."""
    found: set[int] = set()
    for p in index.relation_predicates:
        a, b = int(index.pred_start[p]), int(index.pred_start[p + 1])
        ends = np.unique(index.pred_o[a:b])
        found.update(ends[(index.kind[ends] == 1) & (index.value_kind[ends] == NO_VALUE)].tolist())
    return frozenset(found)
