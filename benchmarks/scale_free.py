"""Scale-free RDF of any size, the same for the same seed: people, firms, films and so on, a few of them well known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BASE = "http://example.org/"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
RDFS_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
TRIPLES_PER_ENTITY = 8.35
_SHARES = {
    "Person": 0.4, "Film": 0.12, "Company": 0.1, "Book": 0.12, "City": 0.1, "River": 0.04, "Team": 0.04,
    "University": 0.03, "Product": 0.04, "Country": 0.01,
}  # fmt: skip
# What each class has: relations to another class with their mean number, and one or two values.
_RELATIONS = {
    "Person": (
        ("bornIn", "City", 1), ("worksFor", "Company", 1), ("studiedAt", "University", 1), ("knows", "Person", 2)
    ),
    "Film": (("directedBy", "Person", 1), ("starring", "Person", 4), ("filmedIn", "City", 1)),
    "Company": (("headquarteredIn", "City", 1), ("supplies", "Company", 2), ("foundedBy", "Person", 2)),
    "Book": (("writtenBy", "Person", 1), ("setIn", "City", 1), ("translatedBy", "Person", 2)),
    "City": (("locatedIn", "Country", 1), ("twinnedWith", "City", 3)),
    "River": (("flowsThrough", "Country", 2), ("flowsInto", "River", 1)),
    "Team": (("basedIn", "City", 1), ("ownedBy", "Company", 1), ("coachedBy", "Person", 1)),
    "University": (("situatedIn", "City", 1), ("ledBy", "Person", 1)),
    "Product": (("madeBy", "Company", 1), ("competesWith", "Product", 2)),
    "Country": (("borders", "Country", 3), ("capital", "City", 1)),
}  # fmt: skip
_VALUES = {
    "Person": (("birthDate", "date"), ("height", "integer")),
    "Film": (("releaseDate", "date"), ("runningTime", "integer")),
    "Company": (("revenue", "decimal"), ("foundingYear", "gYear")),
    "Book": (("pageCount", "integer"),),
    "City": (("population", "integer"), ("elevation", "integer")),
    "River": (("length", "integer"),),
    "Team": (("foundingYear", "gYear"),),
    "University": (("studentCount", "integer"),),
    "Product": (("price", "decimal"),),
    "Country": (("area", "integer"), ("population", "integer")),
}
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u")]


@dataclass(frozen=True)
class ScaleFree:
    """A graph of about `n_triples`; entities of a class are numbered from 0, the best known first."""

    n_triples: int
    seed: int = 0

    def size(self, klass: str) -> int:
        """Return how many entities a class has."""
        return max(int(self.n_triples / TRIPLES_PER_ENTITY * _SHARES[klass]), 20)

    def iri(self, klass: str, number: int) -> str:
        """Return the IRI of an entity."""
        return f"{BASE}{klass}/{number}"

    def label(self, klass: str, number: int) -> str:
        """Return the label of an entity: two or three made-up words, the same for no other of its class."""
        place, words = number * 7919 + list(_SHARES).index(klass) * 104729, []
        for length in (2, 3):
            word = ""
            for _ in range(length):
                place, syllable = divmod(place, len(_SYLLABLES))
                word += _SYLLABLES[syllable]
            words.append(word.capitalize())
        if place:
            words.append(f"{_SYLLABLES[place % 70].capitalize()}{place // 70}")
        return " ".join(words)

    def lines(self) -> Iterator[str]:
        """Yield the graph as lines of N-Triples."""
        rng = np.random.default_rng(self.seed)
        for klass in _SHARES:
            n = self.size(klass)
            relations = [(name, to, self._targets(rng, n, mean, self.size(to))) for name, to, mean in _RELATIONS[klass]]
            values = [(name, kind, rng.integers(0, 1_000_000, n).tolist()) for name, kind in _VALUES[klass]]
            for number in range(n):
                s = f"<{BASE}{klass}/{number}>"
                yield f'{s} <{RDFS_LABEL}> "{self.label(klass, number)}" .\n'
                yield f"{s} <{RDF_TYPE}> <{BASE}{klass}> .\n"
                for name, to, (ends, starts) in relations:
                    for end in dict.fromkeys(ends[starts[number] : starts[number + 1]]):
                        yield f"{s} <{BASE}{name}> <{BASE}{to}/{end}> .\n"
                for name, kind, column in values:
                    yield f"{s} <{BASE}{name}> {_literal(kind, column[number])} .\n"

    def write(self, path: Path) -> None:
        """Write the graph as N-Triples."""
        with path.open("w", encoding="ascii") as file:
            file.writelines(self.lines())

    def _targets(self, rng: np.random.Generator, n: int, mean: int, n_targets: int) -> tuple[list[int], list[int]]:
        """Return the ends of all starts, and where those of each start begin. Ends follow a power law in their number.
        """
        counts: NDArray[np.int64] = np.minimum(rng.geometric(1 / mean, n), 50) if mean > 1 else np.ones(n, np.int64)
        ends = (n_targets * rng.random(int(counts.sum())) ** 4).astype(np.int64)
        return ends.tolist(), np.concatenate(([0], np.cumsum(counts))).tolist()


def _literal(kind: str, number: int) -> str:
    if kind == "date":
        return f'"{1900 + number % 120}-{1 + number % 12:02}-{1 + number % 28:02}"^^<{XSD}date>'
    if kind == "gYear":
        return f'"{1800 + number % 220}"^^<{XSD}gYear>'
    if kind == "decimal":
        return f'"{number // 10}.{1 + number % 9}"^^<{XSD}decimal>'
    return f'"{number}"^^<{XSD}integer>'


def questions(graph: ScaleFree, n: int) -> list[str]:
    """Return questions about entities of the graph, of several kinds in turn; some names have a slip."""
    rng = np.random.default_rng(graph.seed + 1)

    def name(klass: str) -> str:
        return graph.label(klass, int(graph.size(klass) * rng.random() ** 2))

    def slip(klass: str) -> str:
        text = name(klass)
        return text[:3] + text[4:]

    kinds = (
        lambda: f"Where was {name('Person')} born?",
        lambda: f"Which films were directed by {name('Person')}?",
        lambda: f"How many books are written by {name('Person')}?",
        lambda: f"Which country is {slip('City')} located in?",
        lambda: f"Who works for {name('Company')}?",
        lambda: f"Which company headquartered in {name('City')} has the highest revenue?",
        lambda: f"When was the director of {name('Film')} born?",
        lambda: f"Is {name('City')} twinned with {name('City')}?",
        lambda: "Which is the longest river?",
        lambda: f"Which universities are situated in {name('City')}?",
    )
    return [kinds[i % len(kinds)]() for i in range(n)]
