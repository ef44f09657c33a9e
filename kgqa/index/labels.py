"""Which nodes a piece of text may name: exact, normalised, partial and misspelt, over every label of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import overload

import numpy as np

from kgqa.index.arrays import Array, Ids, distinct, is_member, ranges, row_starts, sort_rows
from kgqa.index.graph_index import GraphIndex
from kgqa.index.terms import LITERAL, URI
from kgqa.index.text import is_opaque, local_name, normalize, split_local_name
from kgqa.index.values import NO_VALUE
from kgqa.index.words import SortedTexts, Vocabulary

MAX_LITERAL_LENGTH = 80
MAX_PARTIAL = 24
MAX_LABELS = 24
ENTITY, CLASS, TEXT = 0, 1, 2
_normalize = normalize.__wrapped__  # over all labels of a graph, remembering each costs more than it saves


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """A label of a node in its normalised form. `kind` is 0 for an entity, 1 for a class, 2 for a text literal."""

    node: int
    label: str
    normalized: str
    kind: int
    alternative: bool


class LabelIndex:
    """Look-up of labels: stored with the graph index, else made from it. Holds no reference to the question.

    `entries` are all labels, by node; `exact` maps a normalised text, and `by_token` a word, to places in `entries`.
    """

    def __init__(self, index: GraphIndex) -> None:
        arrays = index.arrays if "entry_node" in index.arrays else label_arrays(index)
        self._arrays = arrays
        self._words = Vocabulary(
            SortedTexts(arrays["word_start"], arrays["word"]),
            arrays["word_by_length"],
            arrays["word_signature"],
            arrays["word_length_start"],
        )
        self._keys = SortedTexts(arrays["key_start"], arrays["key"])
        self.entries: Sequence[LabelEntry] = _Entries(index, arrays, self._keys)
        self.exact: Mapping[str, Sequence[int]] = _Exact(arrays, self._keys)
        self.by_token: Mapping[str, Sequence[int]] = _ByToken(arrays, self._words)
        self.max_tokens = int(arrays["entry_n_tokens"].max()) if len(arrays["entry_n_tokens"]) else 1

    @property
    def vocabulary(self) -> SortedTexts:
        """All words that occur in labels, sorted."""
        return self._words.words

    def starting_with(self, start: str, n: int = 10) -> tuple[LabelEntry, ...]:
        """Return the first `n` labels whose normalised text starts with `start`, in the order of that text."""
        places = (
            entry
            for key, _ in self._keys.starting_with(start)
            for entry in _row(self._arrays, "key_entry", key).tolist()
        )
        return tuple(self.entries[place] for place, _ in zip(places, range(n), strict=False))

    def partial(self, words: tuple[str, ...]) -> list[tuple[int, float]]:
        """Return (entry, score) of longer labels that contain all `words`, best first; empty where over 24 labels do.

        The score is the share of the label's letters that the words make up, between 0.5 and 0.9.
        """
        needed = set(words)
        rows = sorted((self._entries_with(word) for word in needed), key=len)
        if len(rows[0]) == 0 or len(rows[0]) > 40 * MAX_PARTIAL:
            return []
        places = rows[0]
        for row in rows[1:]:
            places = places[is_member(places, row)]
        places = places[self._arrays["entry_n_tokens"][places] > len(needed)]
        if len(distinct(self._arrays["entry_node"][places])) > MAX_PARTIAL:
            return []
        given = sum(map(len, needed))
        letters = np.maximum(self._arrays["entry_n_letters"][places], 1).tolist()
        found = [(place, 0.5 + 0.4 * given / n) for place, n in zip(places.tolist(), letters, strict=True)]
        return sorted(found, key=lambda item: -item[1])

    def corrections(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return (label word, similarity) for words one slip away (two for eight letters or more), best first."""
        return self._words.corrections(word)

    def same_stem(self, word: str) -> tuple[str, ...]:
        """Return label words that share a stem of at least five letters: "negotiate" finds "negotiation"."""
        return self._words.same_stem(word)

    def _entries_with(self, word: str) -> Ids:
        place = self._words.place(word)
        return _row(self._arrays, "word_entry", place) if place >= 0 else np.empty(0, np.int32)


class _Entries(Sequence[LabelEntry]):
    def __init__(self, index: GraphIndex, arrays: Mapping[str, Array], keys: SortedTexts) -> None:
        self._index, self._arrays, self._keys = index, arrays, keys

    def __len__(self) -> int:
        return len(self._arrays["entry_node"])

    @overload
    def __getitem__(self, place: int) -> LabelEntry: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[LabelEntry]: ...

    def __getitem__(self, place: int | slice) -> LabelEntry | Sequence[LabelEntry]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        arrays = self._arrays
        node, source = int(arrays["entry_node"][place]), int(arrays["entry_text"][place])
        label = self._index.text_of(source) if source >= 0 else split_local_name(self._index.text_of(node))
        flags = int(arrays["entry_kind"][place])
        return LabelEntry(node, label, self._keys[int(arrays["entry_key"][place])], flags & 3, bool(flags & 4))


class _Exact(Mapping[str, Sequence[int]]):
    def __init__(self, arrays: Mapping[str, Array], keys: SortedTexts) -> None:
        self._arrays, self._keys = arrays, keys
        self._hashes, self._of_hash = arrays["key_hash"], arrays["key_of_hash"]
        self._find = lru_cache(maxsize=20_000)(self._look_up)

    def __getitem__(self, text: str) -> Sequence[int]:
        found = self._find(text)
        if not found:
            raise KeyError(text)
        return found

    def __iter__(self) -> Iterator[str]:
        return (self._keys[place] for place in range(len(self._keys)))

    def __len__(self) -> int:
        return len(self._keys)

    def _look_up(self, text: str) -> tuple[int, ...]:
        wanted = np.uint64(text_hash(text))
        place = int(self._hashes.searchsorted(wanted))
        while place < len(self._hashes) and self._hashes[place] == wanted:
            key = int(self._of_hash[place])
            if self._keys[key] == text:
                return tuple(_row(self._arrays, "key_entry", key).tolist())
            place += 1
        return ()


class _ByToken(Mapping[str, Sequence[int]]):
    def __init__(self, arrays: Mapping[str, Array], words: Vocabulary) -> None:
        self._arrays, self._words = arrays, words

    def __getitem__(self, word: str) -> Sequence[int]:
        place = self._words.place(word)
        if place < 0:
            raise KeyError(word)
        return _row(self._arrays, "word_entry", place).tolist()  # type: ignore[no-any-return]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._words

    def __iter__(self) -> Iterator[str]:
        return (self._words.words[place] for place in range(len(self)))

    def __len__(self) -> int:
        return len(self._words.words)


def text_hash(text: str) -> int:
    """Return 64 bits that hardly any other text has, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def label_arrays(index: GraphIndex) -> dict[str, Array]:
    """Return what `LabelIndex` reads: entries, their normalised texts (keys), their words, and rows of entries.

    Of an entry, `entry_text` is the literal that is its label, -1 for the split local name of its node.
    """
    nodes: list[int] = []
    texts: list[int] = []
    kinds: list[int] = []
    entry_keys: list[int] = []
    keys: dict[str, int] = {}
    for node, source, kind, label in _entries(index):
        if normalized := _normalize(label[:200]):
            nodes.append(node)
            texts.append(source)
            kinds.append(kind)
            entry_keys.append(keys.setdefault(normalized, len(keys)))
    ordered = sorted(keys)
    new_place = np.empty(len(keys), np.int32)
    new_place[np.fromiter((keys[key] for key in ordered), np.int64, len(keys))] = np.arange(len(keys), dtype=np.int32)
    entry_key = new_place[np.array(entry_keys, np.int64)]
    n_tokens = np.fromiter((key.count(" ") + 1 for key in ordered), np.uint16, len(keys))
    n_letters = np.fromiter((len(key) - key.count(" ") for key in ordered), np.uint16, len(keys))
    hashes = np.fromiter(map(text_hash, ordered), np.uint64, len(keys))
    by_hash = np.argsort(hashes, kind="stable").astype(np.int32)
    words: dict[str, int] = {}
    word_of: list[int] = []
    key_of: list[int] = []
    for place, key in enumerate(ordered):
        tokens = set(key.split())
        word_of += [words.setdefault(token, len(words)) for token in tokens]
        key_of += [place] * len(tokens)
    vocabulary = sorted(words)
    word_place = np.empty(len(words), np.int32)
    word_place[np.fromiter((words[word] for word in vocabulary), np.int64, len(words))] = np.arange(len(words))
    by_key = np.argsort(entry_key, kind="stable").astype(np.int32)
    key_start = row_starts(entry_key, len(keys))
    word_entries = _word_rows(word_place[np.array(word_of, np.int64)], np.array(key_of, np.int64), by_key, key_start)
    return {
        "entry_node": np.array(nodes, np.int32),
        "entry_text": np.array(texts, np.int32),
        "entry_kind": np.array(kinds, np.uint8),
        "entry_key": entry_key,
        "entry_n_tokens": n_tokens[entry_key],
        "entry_n_letters": n_letters[entry_key],
        "key_hash": hashes[by_hash],
        "key_of_hash": by_hash,
        "key_entry_start": key_start,
        "key_entry": by_key,
        "word_entry_start": row_starts(word_entries[0], len(words)),
        "word_entry": word_entries[1],
        **SortedTexts.arrays_of(ordered, "key"),
        **Vocabulary.arrays_of(vocabulary),
    }


def _word_rows(words: Ids, keys: Array, by_key: Ids, key_start: Array) -> tuple[Ids, Ids]:
    """Return (word, entry) for each word of each entry, sorted by word, then entry."""
    counts = key_start[keys + 1] - key_start[keys]
    entries = by_key[ranges(key_start[keys], counts)]
    found = sort_rows((np.repeat(words, counts), entries), (int(words.max(initial=0)) + 1, len(by_key)))
    return found[0], found[1]


def _row(arrays: Mapping[str, Array], name: str, row: int) -> Ids:
    start = arrays[f"{name}_start"]
    return np.asarray(arrays[name][start[row] : start[row + 1]])


def _entries(index: GraphIndex) -> Iterator[tuple[int, int, int, str]]:
    """Yield (node, literal that is the label or -1, kind with 4 added for an alternative, label), by node."""
    classes = index.class_sizes
    is_schema = np.zeros(index.n_terms, np.bool_)
    is_schema[index.schema_node_ids] = True
    is_schema[np.array(list(classes), np.int32)] = False
    identifying = _identifying_literals(index)
    nodes = np.flatnonzero((index.kind == URI) & ~is_schema & ~index.is_inner).astype(np.int32)
    label_nodes, values, alternatives = index.label_rows
    firsts, ends = np.searchsorted(label_nodes, nodes), np.searchsorted(label_nodes, nodes, "right")
    labels = list(zip(values.tolist(), alternatives.tolist(), index.texts_of(values), strict=True))
    for node, iri, a, b in zip(nodes.tolist(), index.texts_of(nodes), firsts.tolist(), ends.tolist(), strict=True):
        if a == b and is_opaque(iri) and index.degree(node) == 0:
            continue
        kind = CLASS if node in classes else ENTITY
        seen: set[tuple[str, bool]] = set()
        for source, alternative, label in labels[a:b]:
            if (label, alternative) not in seen and len(seen) < MAX_LABELS:
                seen.add((label, alternative))
                yield node, source, kind | (4 if alternative else 0), label
        if a == b:
            yield node, -1, kind, split_local_name(iri)
        elif "-" in iri and kind == ENTITY and len(seen) < MAX_LABELS and is_opaque(iri) and "-" in local_name(iri):
            yield node, -1, kind | 4, local_name(iri)  # a code that people type: TCK-1042 rather than Q42 or 42
        if kind == ENTITY:
            for source, text in identifying.get(node, ()):
                yield node, source, kind | 4, text
    literals = _text_literals(index)
    for node, label in zip(literals.tolist(), index.texts_of(literals), strict=True):
        if len(label) <= MAX_LITERAL_LENGTH:
            yield node, node, TEXT, label


def _identifying_literals(index: GraphIndex) -> Mapping[int, list[tuple[int, str]]]:
    """Each node -> the texts, other than its labels, that name it and nothing else: synonyms, codes, demonyms, titles.

    A predicate identifies where its texts are short and hardly ever shared by two subjects.
    """
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for p in index.relation_predicates:
        subjects, ends = index.pairs(p)
        keep = (index.kind[ends] == LITERAL) & (index.value_kind[ends] == NO_VALUE) & (index.kind[subjects] == URI)
        subjects, ends = subjects[keep], ends[keep]
        if len(ends) < 3 or len(distinct(ends)) < 0.9 * len(ends):
            continue
        texts = index.texts_of(ends)
        if sorted(map(len, texts))[len(texts) // 2] > 40:
            continue
        for subject, end, text in zip(subjects.tolist(), ends.tolist(), texts, strict=True):
            if 1 < len(text) <= MAX_LITERAL_LENGTH:
                found[subject].append((end, text))
    return found


def _text_literals(index: GraphIndex) -> Ids:
    """The text literals that some fact, not only a label, ends in, sorted."""
    parts = [np.empty(0, np.int32)]
    for p in index.relation_predicates:
        ends = distinct(index.pairs(p)[1])
        parts.append(ends[(index.kind[ends] == LITERAL) & (index.value_kind[ends] == NO_VALUE)])
    return distinct(np.concatenate(parts))
