"""Readable predicates of the public graphs: labels, the classes they join, and which are alike.

Read from the schema files beside the question sets: Freebase's types, the DBpedia ontology, Wikidata's labels (with the
classes of the DBpedia property that is declared equivalent).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from kgqa.datatypes import RDFS, XSD
from kgqa.index.text import split_local_name

Kind = Literal["entity", "number", "date", "text", "boolean"]

DBO = "http://dbpedia.org/ontology/"
DBP = "http://dbpedia.org/property/"
_FREEBASE = "http://rdf.freebase.com/ns/"
_WIKIDATA = re.compile(r"http://www\.wikidata\.org/prop/(?:direct/|statement/|qualifier/)?(P\d+)$")
_LITERALS: Mapping[str, Kind] = {
    "type.datetime": "date", "type.int": "number", "type.float": "number", "type.text": "text",
    "type.rawstring": "text", "type.uri": "text", "type.enumeration": "text", "type.boolean": "boolean",
}  # fmt: skip
_XSD: Mapping[str, Kind] = {
    "date": "date", "dateTime": "date", "gYear": "date", "gYearMonth": "date", "string": "text", "anyURI": "text",
    "boolean": "boolean",
}  # fmt: skip
_DATE = re.compile(r"\b(?:date|year|inception|(?:start|end|point in) time|time of)\b", re.IGNORECASE)
_NUMBER_WORDS = frozenset(
    "number population elevation height width length mass area count duration speed age temperature rate frequency "
    "depth weight density volume radius diameter capacity quantity cost price revenue income".split()
)


@dataclass(frozen=True, slots=True)
class Property:
    """A predicate as people read it. `domain` and `range` are class labels, "" where the schema does not tell; `group`
    names the predicates that are alike: those of the same domain."""

    key: str
    label: str
    domain: str
    range: str
    kind: Kind
    group: str


@dataclass(frozen=True)
class Vocabulary:
    """The predicates of one graph. `mediators` are the groups whose subjects are nodes of n-ary facts; `domains` and
    `ranges` name groups by what a predicate leaves and enters; `same` lists the reverses of a predicate."""

    name: str
    properties: Mapping[str, Property]
    key_of: Callable[[str], str]
    class_label: Callable[[str], str]
    mediators: frozenset[str] = frozenset()
    entered: Mapping[str, str] = field(default_factory=dict)
    reverses: Mapping[str, str] = field(default_factory=dict)

    def get(self, iri: str) -> Property | None:
        """Return the property of a predicate's IRI; None where it has no readable label."""
        return self.properties.get(self.key_of(iri))

    def is_mediated(self, found: Property) -> bool:
        """Whether what the property leads to is a node of an n-ary fact and no answer."""
        return self.entered.get(found.key, "") in self.mediators

    @cached_property
    def by_group(self) -> Mapping[str, list[Property]]:
        """Return the properties of each group."""
        groups: dict[str, list[Property]] = {}
        for found in self.properties.values():
            groups.setdefault(found.group, []).append(found)
        return groups

    def with_only(self, keys: Iterable[str]) -> Vocabulary:
        """Return the vocabulary of the named properties alone."""
        wanted = set(keys)
        return replace(self, properties={k: p for k, p in self.properties.items() if k in wanted})


def freebase(folder: Path) -> Vocabulary:
    """Return Freebase's vocabulary from `fb_roles`, `reverse_properties` and graph-parser's list of mediators."""
    mediators = {
        name
        for name, _, kind in (line.partition("\t") for line in _lines(folder / "graphparser_all_domains_schema.txt"))
        if name and kind.startswith("mediator")
    }
    properties, entered = {}, {}
    for line in _lines(folder / "fb_roles"):
        parts = line.split()
        if len(parts) != 3 or parts[0].startswith(("user.", "type.", "freebase.", "dataworld.")):
            continue
        domain, key, target = parts
        if key.endswith("_id") or "metaweb" in key or "netflix" in key:
            continue  # identifiers and Freebase's own housekeeping
        kind: Kind = _LITERALS.get(target, "entity")
        entered[key] = target
        properties[key] = Property(
            key, _last(key), "" if domain in mediators else _last(domain),
            "" if kind != "entity" or target in mediators else _last(target), kind, domain,
        )  # fmt: skip
    reverses = dict(line.split()[:2] for line in _lines(folder / "reverse_properties") if len(line.split()) == 2)
    reverses |= {other: one for one, other in reverses.items()}
    return Vocabulary(
        "freebase", properties, lambda iri: iri.removeprefix(_FREEBASE), lambda iri: _last(iri.removeprefix(_FREEBASE)),
        frozenset(mediators), entered, reverses,
    )  # fmt: skip


def dbpedia(ontology: Path) -> Vocabulary:
    """Return DBpedia's vocabulary from the ontology in Turtle; raw infobox properties are read by their names."""
    properties, labels, _ = _ontology(ontology)

    def key_of(iri: str) -> str:
        name = iri.removeprefix(DBO).removeprefix(DBP)
        return name if name != iri else ""

    def class_label(iri: str) -> str:
        return labels.get(iri, "") if iri.startswith(DBO) else ""

    return Vocabulary("dbpedia", properties, key_of, class_label)


def with_raw_names(vocabulary: Vocabulary, iris: Iterable[str]) -> Vocabulary:
    """Return a DBpedia vocabulary that also has the raw infobox properties among `iris`, labelled by their names."""
    found = dict(vocabulary.properties)
    for iri in iris:
        key = vocabulary.key_of(iri)
        if key and key not in found:
            label = split_local_name(iri)
            found[key] = Property(key, label, "", "", _kind_of_words(label), "")
    return replace(vocabulary, properties=found)


def wikidata(labels: Path, ontology: Path) -> Vocabulary:
    """Return Wikidata's vocabulary: labels from a table of ids and labels, classes from equivalent DBpedia properties.

    Identifiers of other databases are left out: nobody asks for them in words.
    """
    _, _, equivalent = _ontology(ontology)
    properties = {}
    for line in _lines(labels):
        key, _, label = line.partition("\t")
        if not label or label == "None" or re.search(r"\b(?:ID|identifier|code|URL)\b", label):
            continue
        like = equivalent.get(key)
        properties[key] = (
            Property(key, label, like.domain, like.range, like.kind, like.domain)
            if like is not None
            else Property(key, label, "", "", _kind_of_words(label), "")
        )

    def key_of(iri: str) -> str:
        match = _WIKIDATA.match(iri)
        return match.group(1) if match else ""

    return Vocabulary("wikidata", properties, key_of, lambda iri: "")


def named(name: str, iris: Iterable[str], base: str, ranges: Mapping[str, tuple[str, str]] | None = None) -> Vocabulary:
    """Return a vocabulary of the predicates among `iris` that begin with `base`, labelled by their local names.

    `ranges` gives (domain, range) of those whose classes are known.
    """
    known = ranges or {}
    properties = {}
    for iri in iris:
        if iri.startswith(base) and iri not in properties:
            label = split_local_name(iri)
            domain, target = known.get(iri.removeprefix(base), ("", ""))
            kind: Kind = "entity" if target else _kind_of_words(label)
            properties[iri] = Property(iri, label, domain, target, kind, base)
    return Vocabulary(name, properties, lambda iri: iri, lambda iri: split_local_name(iri) if "#" in iri else "")


def _ontology(path: Path) -> tuple[dict[str, Property], dict[str, str], dict[str, Property]]:
    """Return the ontology's properties by local name, its class labels by IRI, and its properties by Wikidata id."""
    import pyoxigraph as ox

    labels: dict[str, str] = {}
    domains: dict[str, str] = {}
    ranges: dict[str, str] = {}
    wikidata_ids: dict[str, str] = {}
    kinds: dict[str, set[str]] = {}
    for quad in ox.parse(path=str(path)):
        if not isinstance(quad.subject, ox.NamedNode):
            continue
        subject, predicate, value = quad.subject.value, quad.predicate.value, quad.object
        if predicate == RDFS + "label" and isinstance(value, ox.Literal) and value.language == "en":
            labels[subject] = value.value
        elif isinstance(value, ox.NamedNode):
            if predicate == RDFS + "domain":
                domains[subject] = value.value
            elif predicate == RDFS + "range":
                ranges[subject] = value.value
            elif predicate.endswith("equivalentProperty") and re.search(r"/P\d+$", value.value):
                wikidata_ids[subject] = value.value.rpartition("/")[2]
            elif predicate.endswith("#type"):
                kinds.setdefault(subject, set()).add(value.value.rpartition("#")[2])
    properties, equivalent = {}, {}
    for subject, types in kinds.items():
        if not subject.startswith(DBO) or not types & {"ObjectProperty", "DatatypeProperty"}:
            continue
        name, target = subject.removeprefix(DBO), ranges.get(subject, "")
        kind: Kind = "entity"
        if "DatatypeProperty" in types:
            kind = _XSD.get(target.removeprefix(XSD), "number")
        domain = labels.get(domains.get(subject, ""), "")
        domain = "person" if domain == "animal" else domain  # so the ontology has it of what is asked of people
        found = Property(
            name, labels.get(subject, split_local_name(subject)), domain,
            labels.get(target, "") if kind == "entity" else "", kind, domain,
        )  # fmt: skip
        properties[name] = found
        if subject in wikidata_ids:
            equivalent[wikidata_ids[subject]] = found
    return properties, labels, equivalent


def _kind_of_words(label: str) -> Kind:
    if _DATE.search(label):
        return "date"
    return "number" if set(label.lower().split()) & _NUMBER_WORDS else "entity"


def _last(name: str) -> str:
    parts = name.split(".")
    last = parts[-2] if parts[-1] == "topic" and len(parts) > 2 else parts[-1]
    return " ".join(last.replace("_", " ").split()).removesuffix(" s")  # Freebase writes sibling_s, spouse_s


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")
