"""Sorted texts on disk, and the words of labels among them: found whole, by their start, or with a slip of the pen."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kgqa.index.arrays import Array

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BIT_OF = {letter: (1 << place, 1 << (place + 26)) for place, letter in enumerate(_LETTERS)}
_OTHERS = 12  # letters outside a to z share the last bits


class SortedTexts:
    """Distinct texts in order. `starts` has the place of each in the bytes `text`, and of the end."""

    def __init__(self, starts: NDArray[np.int64], text: NDArray[np.uint8]) -> None:
        self._starts, self._text = starts.data, text.data

    @classmethod
    def arrays_of(cls, texts: Sequence[str], name: str) -> dict[str, Array]:
        """Return the arrays that hold `texts`, which are sorted."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=starts[1:])
        return {f"{name}_start": starts, name: np.frombuffer(b"".join(encoded), np.uint8)}

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._starts) - 1

    def __getitem__(self, place: int) -> str:
        """Return the text at a place from 0."""
        return str(self._text[self._starts[place] : self._starts[place + 1]], "utf-8", "surrogatepass")

    def find(self, text: str) -> int:
        """Return the place of a text, or -1."""
        place = self.first_from(text)
        return place if place < len(self) and self[place] == text else -1

    def first_from(self, text: str) -> int:
        """Return the place of the first text that is not before `text`."""
        return bisect_left(range(len(self)), text, key=self.__getitem__)

    def starting_with(self, start: str) -> Iterator[tuple[int, str]]:
        """Yield (place, text) of the texts that start so, in order."""
        for place in range(self.first_from(start), len(self)):
            text = self[place]
            if not text.startswith(start):
                return
            yield place, text


class Vocabulary:
    """The words that occur in labels.

    The signatures of all but numbers are kept by length, so that a misspelt word is compared with few others.
    """

    def __init__(self, words: SortedTexts, by_length: Array, signature: Array, length_start: Array) -> None:
        self.words, self._by_length, self._signature, self._length_start = words, by_length, signature, length_start
        self.place = lru_cache(maxsize=50_000)(words.find)

    @classmethod
    def arrays_of(cls, words: Sequence[str]) -> dict[str, Array]:
        """Return the arrays that hold sorted `words`."""
        spelled = np.array([place for place, word in enumerate(words) if not word.isdigit()], np.int32)
        lengths = np.fromiter((len(words[place]) for place in spelled), np.int64, len(spelled))
        signatures = np.fromiter((signature(words[place]) for place in spelled), np.uint64, len(spelled))
        order = np.argsort(lengths, kind="stable")
        longest = int(lengths.max(initial=0))
        return SortedTexts.arrays_of(words, "word") | {
            "word_by_length": spelled[order],
            "word_signature": signatures[order],
            "word_length_start": np.searchsorted(lengths[order], np.arange(longest + 2)).astype(np.int64),
        }

    def __contains__(self, word: str) -> bool:
        """Return whether a word occurs in a label."""
        return self.place(word) >= 0

    @lru_cache(maxsize=10_000)
    def corrections(self, word: str) -> tuple[tuple[str, float], ...]:
        """Return (label word, similarity) for words one slip away (two for eight letters or more), best first."""
        from rapidfuzz.distance import OSA

        if len(word) < 4 or any(char.isdigit() for char in word):
            return ()
        limit = 1 if len(word) < 8 else 2
        found = []
        for other in self._near(word, limit):
            distance = OSA.distance(word, other, score_cutoff=limit)
            if distance <= limit:
                same_start = other[0] == word[0]
                found.append((other, 1 - distance / len(word) - (0 if same_start else 0.1)))
        return tuple(sorted(found, key=lambda item: (-item[1], item[0]))[:3])

    def _near(self, word: str, limit: int) -> Iterator[str]:
        """Yield every word within `limit` slips, and some others: a slip changes at most two bits of a signature."""
        longest = len(self._length_start) - 2
        low, high = max(len(word) - limit, 0), min(len(word) + limit, longest)
        if low > high:
            return
        a, b = int(self._length_start[low]), int(self._length_start[high + 1])
        apart = np.bitwise_count(self._signature[a:b] ^ np.uint64(signature(word)))
        for place in self._by_length[a:b][apart <= 2 * limit].tolist():
            yield self.words[place]

    @lru_cache(maxsize=10_000)
    def same_stem(self, word: str) -> tuple[str, ...]:
        """Return label words that share a stem of at least five letters: "negotiate" finds "negotiation"."""
        if len(word) < 6:
            return ()
        found = []
        for _, other in self.words.starting_with(word[: max(5, len(word) - 3)]):
            if other != word and len(other) <= len(word) + 4:
                found.append(other)
                if len(found) == 4:
                    break
        return tuple(found)


def signature(word: str) -> int:
    """Return 64 bits: which letters a word has, which of them twice, and which others.

    Inserting, dropping or swapping a letter changes one bit at most, replacing one changes two.
    """
    bits = 0
    for letter in word:
        pair = _BIT_OF.get(letter)
        if pair is None:
            bits |= 1 << (52 + ord(letter) % _OTHERS)
        else:
            bits |= pair[1] if bits & pair[0] else pair[0]
    return bits
