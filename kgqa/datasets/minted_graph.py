"""Graphs that come as a text of names: their triples as RDF, with IRIs made from the names.

An entity or relation is known by its name alone in these files, so equal names are one entity. Its IRI is the name
percent-encoded behind a base, which can be read back, and its label is the name itself. Everything that stands in the
place of an entity is one, years and numbers too: the questions ask for them by name, and the published figures compare
names.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kgqa.datatypes import RDFS, Term, iri, literal
from kgqa.errors import DatasetError

Triple = tuple[Term, Term, Term]
NamedTriple = tuple[str, str, str]

RDFS_LABEL = iri(RDFS + "label")


@dataclass(frozen=True, slots=True)
class Minter:
    """Makes the IRIs of one set: `base` + "entity/" or "relation/" + the percent-encoded name."""

    base: str

    def entity(self, name: str) -> Term:
        """Return the entity of that name. Raises ValueError for a name that is empty or no Unicode text."""
        return iri(f"{self.base}entity/{_encoded(name)}")

    def relation(self, name: str) -> Term:
        """Return the relation of that name. Raises ValueError for a name that is empty or no Unicode text."""
        return iri(f"{self.base}relation/{_encoded(name)}")

    def triples(self, facts: Iterable[NamedTriple], relation_label: Callable[[str], str]) -> Iterator[Triple]:
        """Yield each fact, and the label of each entity and relation where it first occurs."""
        named: set[Term] = set()
        for subject, relation, object_ in facts:
            triple = (self.entity(subject), self.relation(relation), self.entity(object_))
            for term, label in zip(triple, (subject, relation_label(relation), object_), strict=True):
                if term not in named:
                    named.add(term)
                    yield term, RDFS_LABEL, literal(label)
            yield triple


def words_of(relation: str) -> str:
    """Return a relation's own words: `directed_by` is "directed by", `__people__person__place_of_birth` and
    `people.person.place_of_birth`, which name their type first, are "place of birth"."""
    last = relation.strip("/").replace("__", "/").replace(".", "/").rpartition("/")[2]
    return " ".join(last.replace("_", " ").split()) or relation


def write_ntriples(triples: Iterable[Triple], path: Path) -> int:
    """Write the triples as N-Triples, each once, and return how many. `path` appears only when all is written.

    Raises DatasetError where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    written: set[bytes] = set()
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for triple in triples:
                line = " ".join(term.n3() for term in triple)
                key = hashlib.blake2b(line.encode(), digest_size=16).digest()
                if key not in written:
                    written.add(key)
                    file.write(line + " .\n")
        os.replace(partial, path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return len(written)


def _encoded(name: str) -> str:
    if not name:
        raise ValueError("an empty name")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:
        raise ValueError(f"the name {name!r} is not Unicode text") from error
