"""Questions in other languages put into English words, with the help of the graph's own labels.

A graph that labels its classes and predicates in several languages is a dictionary: "superficie" is what it calls
"area". Names stay as they are written; the rest is glossed word by word.
"""

from __future__ import annotations

from collections.abc import Sequence

from kgqa.datatypes import EntityLink
from kgqa.index.graph_index import GraphIndex
from kgqa.index.text import normalize, tokenize
from kgqa.linking.gloss import align_gloss
from kgqa.linking.lexicon import load_lexicon

SURE = 0.9
MAX_WORDS = 5


class Glossary:
    """The words of one graph's schema, in every language it labels them in."""

    def __init__(self, index: GraphIndex) -> None:
        self.labels: dict[str, str] = {}
        for node in (*index.predicate_nodes, *index.class_sizes):
            stated = index.labels(node)
            for label, _ in stated[1:]:
                self.labels.setdefault(normalize(label), stated[0][0])

    def english(self, text: str, links: Sequence[EntityLink]) -> str:
        """Return the question in English words; an English one comes back unchanged."""
        names = [
            (link.mention.start, link.mention.end)
            for link in links
            if link.candidates and link.candidates[0].score >= SURE and link.candidates[0].kind in ("entity", "literal")
        ]
        language = align_gloss(text, names).language
        if language == "en":
            return text
        lexicon = load_lexicon(language)
        known = {span: label for span, label in self._said(text, names) if lexicon.get(text[slice(*span)]) is None}
        glossed = align_gloss(text, [*names, *known])
        places = sorted(zip(glossed.protected[len(names) :], known.values(), strict=True), reverse=True)
        english = glossed.text
        for (start, end), label in places:
            english = f"{english[:start]}{label}{english[end:]}"
        return english

    def _said(self, text: str, names: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], str]]:
        """Return the spans outside names that are labels of the schema, the longest first, with their main labels."""
        tokens = tokenize(text)
        found: list[tuple[tuple[int, int], str]] = []
        taken = list(names)
        for width in range(MAX_WORDS, 0, -1):
            for first in range(len(tokens) - width + 1):
                span = (tokens[first][0], tokens[first + width - 1][1])
                label = self.labels.get(normalize(text[slice(*span)]))
                if label is not None and not any(span[0] < end and start < span[1] for start, end in taken):
                    found.append((span, label))
                    taken.append(span)
        return found
