"""The entity linker: label matching over every span of the question, with values and unlinked names.

Matching is by dictionary (n-gram scan), so that it costs the same for every graph; ambiguity is left open for the
reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kgqa.datatypes import EntityCandidate, EntityLink, LinkKind, MatchKind, Mention, Question
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import ENTITY, LabelIndex
from kgqa.index.text import fold, normalize, singular, tokenize
from kgqa.linking.demonyms import places_by_demonym
from kgqa.linking.values import find_values
from kgqa.linking.words import FUNCTION_WORDS

MAX_CANDIDATES = 8
MAX_QUESTION_TOKENS = 80
RARE_RANK = 10_000
MIN_RARITY = 0.6
BESIDE_A_NAME = 0.6
DEMONYM = 0.9
MIN_ALIKE, MAX_NAMESAKES = 0.75, 200
_CONNECTING = frozenset("of for de du von van".split())
_KINDS: tuple[LinkKind, ...] = ("entity", "class", "literal")
_MATCH_SCORE = {"exact": 1.0, "normalized": 0.97, "alias": 0.95}


@dataclass(frozen=True, slots=True)
class _Match:
    first: int
    last: int  # inclusive token places
    entry: int
    score: float
    match: MatchKind


class LabelEntityLinker:
    """Links by the labels of one graph.

    `known_words` are ordinary words of the language with their ranks by frequency, 0 the most frequent: they are not
    corrected as misspelt names, frequent ones are no parts of names, and a word outside them that the graph does not
    know either is reported as a name with no candidates (NIL).
    """

    def __init__(self, index: GraphIndex, labels: LabelIndex, known_words: Mapping[str, int] | None = None) -> None:
        self.index, self.labels, self.known_words = index, labels, known_words or {}

    def link(self, question: Question) -> tuple[EntityLink, ...]:
        """Return the mentions in text order. Spans may overlap where readings compete; the reader decides."""
        text = question.text
        tokens = tokenize(text)[:MAX_QUESTION_TOKENS]
        words = [singular(word) for _, _, word in tokens]
        matches = self._whole_labels(text, tokens, words)
        covered = {place for match in matches for place in range(match.first, match.last + 1) if match.score >= 0.9}
        rarity = [self._rarity(text[start:end], word) for start, end, word in tokens]
        matches += self._partial_labels(words, covered, [text[start:end].islower() for start, end, _ in tokens])
        matches = [m for m in matches if m.match != "partial" or max(rarity[m.first : m.last + 1]) >= MIN_RARITY]
        beside = [self._beside_a_name(match, text, tokens, words, covered) for match in matches]
        matches = [match for match in beside if match is not None]
        matches = self._without_shadowed(matches)
        matches += self._demonyms(tokens, words, matches)
        links = self._group(text, tokens, matches, rarity)
        links += [
            EntityLink(mention, (EntityCandidate(term, mention.text, 1.0, "value", range=span),))
            for mention, span, term in find_values(text)
        ]
        links += [self._misspelt(link) or link for link in self._unlinked_names(text, tokens, words, links)]
        return tuple(sorted(links, key=lambda link: (link.mention.start, -link.mention.end)))

    def _rarity(self, surface: str, word: str) -> float:
        """Return how unlike an ordinary word this is, in [0, 1]: 1 for capitals, numbers and words not known."""
        if not surface.islower() or (rank := self.known_words.get(word)) is None:
            return 1.0
        return min(1.0, rank / RARE_RANK)

    def _beside_a_name(
        self, match: _Match, text: str, tokens: list[tuple[int, int, str]], words: list[str], covered: set[int]
    ) -> _Match | None:
        """Doubt a part of a label that stands in a longer name, and drop a single word: "Peter Johansson" is hardly
        Koen Peters, nor the Department of Health the "Department of Agriculture"."""
        if match.match not in ("partial", "fuzzy"):
            return match
        label = set(self.labels.entries[match.entry].normalized.split())
        for place, step in ((match.first, -1), (match.last, 1)):
            place = _neighbor(tokens, place, step)
            if 0 <= place < len(words) and tokens[place][2] in _CONNECTING:
                place = _neighbor(tokens, place, step)
            if not 0 <= place < len(words) or place in covered:
                continue
            start, end, word = tokens[place]
            named = text[start:end][:1].isupper() and (place > 0 or word not in self.known_words)
            if named and word not in FUNCTION_WORDS and words[place] not in label:
                return replace(match, score=match.score * BESIDE_A_NAME) if match.first < match.last else None
        return match

    def _whole_labels(self, text: str, tokens: list[tuple[int, int, str]], words: list[str]) -> list[_Match]:
        found = []
        longest = min(self.labels.max_tokens, len(words), 14)
        for first in range(len(words)):
            for last in range(first, min(first + longest, len(words))):
                surface = text[tokens[first][0] : tokens[last][1]]
                content = any(tokens[i][2] not in FUNCTION_WORDS for i in range(first, last + 1))
                for entry in self.labels.exact.get(" ".join(words[first : last + 1]), ()):
                    label = self.labels.entries[entry]
                    same = label.label == surface
                    if not content and not (same and surface[:1].isupper() and (first > 0 or len(surface) > 3)):
                        continue
                    match: MatchKind = "alias" if label.alternative else "exact" if same else "normalized"
                    score = _MATCH_SCORE[match]
                    if fold(label.label) == fold(surface):
                        score += 0.02 if match != "exact" else 0.0
                    found.append(_Match(first, last, entry, score, match))
        return found

    def _demonyms(self, tokens: list[tuple[int, int, str]], words: list[str], matches: list[_Match]) -> list[_Match]:
        """Return the places whose adjective or people a word is, where it names nothing itself."""
        named = {place for m in matches if m.score >= DEMONYM for place in range(m.first, m.last + 1)}
        found = []
        for place, ((_, _, raw), word) in enumerate(zip(tokens, words, strict=True)):
            if place in named:
                continue
            demonyms = places_by_demonym()
            for name in demonyms.get(raw) or demonyms.get(word) or ():
                entries = self.labels.exact.get(normalize(name), ())
                found += [_Match(place, place, e, DEMONYM, "alias") for e in entries if not self.labels.entries[e].kind]
        return found

    def _partial_labels(self, words: list[str], covered: set[int], lower: list[bool]) -> list[_Match]:
        """Parts of labels, and misspelt or differently inflected ones, over words that no whole label covers."""
        variants: list[list[tuple[str, float]]] = []
        for place, word in enumerate(words):
            options = [(word, 1.0)] if word in self.labels.by_token else []
            if not options and place not in covered and word not in FUNCTION_WORDS:
                known = word in self.known_words
                options = [(other, 0.85) for other in self.labels.same_stem(word) if lower[place]]
                for other, similarity in self.labels.corrections(word):
                    if not known or similarity >= 0.86:
                        options.append((other, similarity * (0.8 if known else 1.0)))
                options.sort(key=lambda item: -item[1])
            variants.append(options[:3])
        found: list[_Match] = []
        for first in range(len(words)):
            if not variants[first] or words[first] in FUNCTION_WORDS:
                continue
            for last in range(min(first + 7, len(words) - 1), first - 1, -1):
                inside = range(first, last + 1)
                if words[last] in FUNCTION_WORDS or not all(variants[i] for i in inside):
                    continue
                if all(i in covered for i in inside) and last == first:
                    continue
                hits = self._phrase(variants, first, last)
                if hits:
                    found.extend(hits)
                    break
        return found

    def _phrase(self, variants: list[list[tuple[str, float]]], first: int, last: int) -> list[_Match]:
        found: list[_Match] = []
        for option in range(3):
            chosen = [variants[i][min(option, len(variants[i]) - 1)] for i in range(first, last + 1)]
            if option and not any(len(variants[i]) > option for i in range(first, last + 1)):
                break
            quality = min(score for _, score in chosen)
            phrase = tuple(word for word, _ in chosen)
            if quality < 1.0:
                for entry in self.labels.exact.get(" ".join(phrase), ()):
                    found.append(_Match(first, last, entry, quality, "fuzzy"))
            for entry, score in self.labels.partial(phrase):
                found.append(_Match(first, last, entry, score * quality, "partial" if quality == 1.0 else "fuzzy"))
        return found

    def _without_shadowed(self, matches: list[_Match]) -> list[_Match]:
        """Drop matches inside a longer, certain one, and uncertain ones that a certain one overlaps."""
        sure = [m for m in matches if m.score >= 0.9]
        kept = []
        for match in matches:
            width = match.last - match.first
            inside = any(s.first <= match.first and match.last <= s.last and s.last - s.first > width for s in sure)
            beaten = match.score < 0.9 and any(
                s.first <= match.first and match.last <= s.last for s in sure if s is not match
            )
            if not inside and not beaten:
                kept.append(match)
        return kept

    def _group(
        self, text: str, tokens: list[tuple[int, int, str]], matches: list[_Match], rarity: list[float]
    ) -> list[EntityLink]:
        spans: dict[tuple[int, int], dict[int, EntityCandidate]] = {}
        for match in sorted(matches, key=lambda m: -m.score):
            entry = self.labels.entries[match.entry]
            candidates = spans.setdefault((match.first, match.last), {})
            if entry.node not in candidates:
                candidates[entry.node] = EntityCandidate(
                    entity=self.index.term(entry.node),
                    label=entry.label,
                    score=min(match.score, 1.0),
                    kind=_KINDS[entry.kind],
                    match=match.match,
                    node=entry.node,
                )
        links = []
        for (first, last), found in spans.items():
            start, end = tokens[first][0], tokens[last][1]
            ranked = sorted(found.values(), key=lambda c: (-round(c.score, 2), -self.index.degree(c.node), c.node))
            common = 1.0
            for place in range(first, last + 1):
                common *= 1.0 - rarity[place]
            mention = Mention(start, end, text[start:end])
            links.append(EntityLink(mention, tuple(self._of_each_kind(ranked)), rarity=1.0 - common))
        return links

    def _of_each_kind(self, ranked: list[EntityCandidate]) -> list[EntityCandidate]:
        """Return the best candidates, the best of each class among them: "the Hawks" are a house, not eight persons."""
        if len(ranked) <= MAX_CANDIDATES:
            return ranked
        best: dict[tuple[int, ...], int] = {}
        for place, candidate in enumerate(ranked):
            best.setdefault(self.index.classes_of(candidate.node)[:1], place)
        first = sorted(best.values())[:MAX_CANDIDATES]
        others = [place for place in range(len(ranked)) if place not in first][: MAX_CANDIDATES - len(first)]
        return [ranked[place] for place in sorted((*first, *others))]

    def _unlinked_names(
        self, text: str, tokens: list[tuple[int, int, str]], words: list[str], links: Iterable[EntityLink]
    ) -> list[EntityLink]:
        """Return runs of words that look like a name but name nothing here."""
        taken = {i for link in links for i in range(link.mention.start, link.mention.end)}
        names: list[list[int]] = []
        for place, (start, end, word) in enumerate(tokens):
            if start in taken or word in FUNCTION_WORDS or word.isdigit():
                continue
            surface = text[start:end]
            unknown = bool(self.known_words) and word not in self.known_words and words[place] not in self.known_words
            capital = surface[:1].isupper() and (place > 0 or unknown) and not text.isupper()
            if capital or (unknown and len(word) > 3):
                if names and names[-1][-1] == place - 1:
                    names[-1].append(place)
                else:
                    names.append([place])
        spans = ((tokens[run[0]][0], tokens[run[-1]][1]) for run in names)
        return [EntityLink(Mention(start, end, text[start:end])) for start, end in spans]

    def _misspelt(self, name: EntityLink) -> EntityLink | None:
        """Return the link of a name that differs from a label by more slips than one word may: "Otillie Brant"."""
        from rapidfuzz.distance import OSA

        words = normalize(name.mention.text).split()
        if len(words) < 2:
            return None
        said = " ".join(words)
        near = {other for word in words for other, _ in self.labels.corrections(word)}
        near.update(word for word in words if word in self.labels.by_token)
        rows = [row for word in sorted(near) if len(row := self.labels.by_token[word]) <= MAX_NAMESAKES]
        found = []
        for place in dict.fromkeys(place for row in rows for place in row):
            entry = self.labels.entries[place]
            alike = OSA.normalized_similarity(said, entry.normalized)
            if entry.kind == ENTITY and alike >= MIN_ALIKE and entry.normalized.count(" ") == len(words) - 1:
                found.append((alike, entry))
        candidates: dict[int, EntityCandidate] = {}
        for alike, entry in sorted(found, key=lambda item: (-item[0], item[1].node))[:MAX_CANDIDATES]:
            term = self.index.term(entry.node)
            candidate = EntityCandidate(term, entry.label, alike, "entity", match="fuzzy", node=entry.node)
            candidates.setdefault(entry.node, candidate)
        return replace(name, candidates=tuple(candidates.values())) if candidates else None


def _neighbor(tokens: list[tuple[int, int, str]], place: int, step: int) -> int:
    """Return the place of the word before or after one, -1 where there is none or more than a space lies between."""
    other = place + step
    if not 0 <= other < len(tokens):
        return -1
    first, second = sorted((place, other))
    return other if tokens[second][0] - tokens[first][1] == 1 else -1
