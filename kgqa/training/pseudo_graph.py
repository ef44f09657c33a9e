"""Small made-up graphs in which questions without a graph have their answer, and near misses have theirs.

Each graph holds the predicates of a few dozen gold queries and some of the same domain. A gold chain is laid out as
triples from an entity with the topic's name; so are its corruptions, each to ends of its own. `pseudo_records` reads
the graph with the pipeline's own index, schema and linearizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgqa.datatypes import RDF_TYPE, RDFS, XSD, XSD_BOOLEAN, XSD_INTEGER, Term, iri, literal
from kgqa.index.text import normalize
from kgqa.training.sparql_chains import Operator
from kgqa.training.vocabularies import Property, Vocabulary

BASE = "http://example.org/made/"
UNTYPED_SHARE = 0.12
SYMMETRIC = frozenset("spouse sibling partner adjoin border twinned relative friend connected married peer".split())
_N_ANSWERS = (1, 1, 1, 1, 2, 3, 4)
_ANY = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain from a named topic to the answer. `mediated[i]` says that between steps i and i + 1 stands the node of an
    n-ary fact; `joints[i]` names the variable there, so that chains which share it meet in it."""

    topic: str
    steps: tuple[tuple[str, bool], ...]
    mediated: tuple[bool, ...]
    joints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordedQuestion:
    """A question and what its gold query asks, in a vocabulary's keys. A chain's topic is "" where its name in the
    question is not known; then the question only tells which relations it needs. For `ask` the second chain names the
    object and has no steps."""

    id: str
    question: str
    split: str
    chains: tuple[Chain, ...]
    classes: tuple[str, ...] = ()
    operator: Operator = "list"
    sort: tuple[tuple[str, bool], ...] = ()
    descending: bool = True
    whole: bool = True

    @property
    def predicates(self) -> tuple[str, ...]:
        """Return the predicates of all chains, in order."""
        paths = (*(chain.steps for chain in self.chains), self.sort)
        return tuple(key for steps in paths for key, _ in steps)


@dataclass(frozen=True)
class Names:
    """Names of things by their class, from the questions themselves."""

    by_class: Mapping[str, Sequence[str]]
    others: Sequence[str]

    def draw(self, class_label: str, rng: np.random.Generator) -> str:
        """Return a name of a thing of that class; one made of the class's label where none is known, and any name where
        the class is not known."""
        pool = self.by_class.get(class_label)
        if pool is None and class_label:
            return f"{class_label} {rng.integers(1, 100)}"
        pool = pool or self.others
        return pool[int(rng.integers(len(pool)))]


@dataclass(frozen=True)
class Laid:
    """A question laid out: the topics' nodes, and the corrupted readings with theirs."""

    question: WordedQuestion
    topics: tuple[str, ...]
    readings: tuple[tuple[WordedQuestion, tuple[str, ...]], ...]


class FactMaker:
    """Makes the facts of one graph."""

    def __init__(
        self,
        questions: Sequence[WordedQuestion],
        vocabulary: Vocabulary,
        names: Names,
        rng: np.random.Generator,
        max_siblings: int,
    ) -> None:
        self.questions, self.vocabulary, self.names, self.rng = questions, vocabulary, names, rng
        self.typed = rng.random() >= UNTYPED_SHARE
        self.triples: list[tuple[Term, Term, Term]] = []
        self.numbers: dict[str, int] = {}
        self.labelled: set[str] = set()
        self.groups = vocabulary.by_group
        gold = dict.fromkeys(key for q in questions for key in q.predicates)
        self.universe = {key: vocabulary.properties[key] for key in gold}
        self._add_siblings(max_siblings)

    def lay_out(self) -> list[Laid]:
        """Return the questions laid out; `triples` then holds the facts of all of them."""
        for found in self.universe.values():
            self._background(found)
        return [self._lay_out(question) for question in self.questions]

    # -- predicates

    def _add_siblings(self, limit: int) -> None:
        """Add predicates that are alike, and the reverse that some gold predicates have, to the universe."""
        added = 0
        gold = list(self.universe.values())
        for place in self.rng.permutation(len(gold)):
            if added >= limit:
                break
            found = gold[place]
            other = self._alike(found, anywhere=True)
            back = self.vocabulary.properties.get(self.vocabulary.reverses.get(found.key, ""))
            if back is not None and self.rng.random() < 0.3 and not self._touches_mediator(back):
                other = back
            if other is not None and other.key not in self.universe:
                self.universe[other.key] = other
                added += 1

    def _touches_mediator(self, found: Property) -> bool:
        return found.group in self.vocabulary.mediators or self.vocabulary.is_mediated(found)

    def _alike(self, found: Property, *, anywhere: bool = False) -> Property | None:
        """Return another predicate that could stand in the place of one; from the universe unless `anywhere`."""
        pool = self.groups.get(found.group, []) if anywhere else [p for p in self.universe.values()]
        mediated, of_node = self.vocabulary.is_mediated(found), found.group in self.vocabulary.mediators
        back = self.vocabulary.reverses.get(found.key)
        fit = [
            p for p in pool
            if p.key not in (found.key, back) and normalize(p.label) != normalize(found.label)
            and self.vocabulary.is_mediated(p) == mediated and (p.group in self.vocabulary.mediators) == of_node
            and (not of_node or p.group == found.group)
        ]  # fmt: skip
        near = [p for p in fit if p.group == found.group and (p.kind == found.kind or self.rng.random() < 0.3)]
        chosen = near or fit
        return chosen[int(self.rng.integers(len(chosen)))] if chosen else None

    def _background(self, found: Property) -> None:
        """State two facts of a predicate, so that the schema has it whatever the questions need."""
        for _ in range(2):
            if found.group in self.vocabulary.mediators:
                node = self._blank()
                entries = [p for p in self.universe.values() if self.vocabulary.entered.get(p.key) == found.group]
                for entry in entries[:2]:
                    self._state(self._entity(entry.domain), entry, node)
                self._state(node, found, self._value(found))
            elif not self.vocabulary.is_mediated(found):
                self._state(self._entity(found.domain), found, self._value(found))

    # -- facts

    def _lay_out(self, question: WordedQuestion) -> Laid:
        if question.operator == "ask":
            return self._lay_out_ask(question)
        named = all(chain.topic for chain in question.chains) and question.whole
        topics = self._topics(question)
        self._walk_all(question, topics)
        readings = []
        if named:
            for other in self._corruptions(question):
                at = topics
                if [c.topic for c in other.chains] != [c.topic for c in question.chains]:
                    at = self._topics(other)
                self._walk_all(other, at)
                readings.append((other, at))
        return Laid(question, topics, tuple(readings) if named else ())

    def _lay_out_ask(self, question: WordedQuestion) -> Laid:
        (key, inverse), other = question.chains[0].steps[0], question.chains[1]
        found = self.universe[key]
        subject = self._entity(found.domain, question.chains[0].topic or None)
        object_ = self._entity(found.range, other.topic or None)
        topics = (subject.value, object_.value)
        readings = []
        if self.rng.random() < 0.5:
            self._state(subject, found, object_)
        for _ in range(4):
            alike = self._alike(found)
            if alike is not None and alike.kind == "entity":
                wrong = replace(question.chains[0], steps=((alike.key, inverse),))
                readings.append((replace(question, chains=(wrong, other)), topics))
        readings.append((question, topics[::-1]))
        named = bool(question.chains[0].topic and other.topic)
        return Laid(question, topics, tuple(readings) if named else ())

    def _topics(self, question: WordedQuestion) -> tuple[str, ...]:
        found: dict[str, str] = {}
        for chain in question.chains:
            name = chain.topic or f"?{len(found)}"
            if name not in found:
                found[name] = self._entity(self._leaves(chain.steps[0]), chain.topic or None).value
        return tuple(found[chain.topic or f"?{place}"] for place, chain in enumerate(question.chains))

    def _walk_all(self, question: WordedQuestion, topics: Sequence[str]) -> None:
        """State what makes the question's chains meet in answers of their own."""
        n = int(self.rng.choice(_N_ANSWERS)) if question.operator != "superlative" else 3
        last = question.chains[0].steps[-1] if question.chains else None
        wanted = question.classes[0] if question.classes else _ANY
        ends = []
        for _ in range(n):
            if last is None:
                ends.append(self._entity(wanted or self._leaves(question.sort[0])))
                continue
            end = self._end(last, avoid_class=wanted)
            if wanted and end.kind == "uri" and self.typed:
                self.triples.append((end, iri(RDF_TYPE), self._class(wanted)))
            ends.append(end)
        shared: dict[tuple[str, int], Term] = {}
        for chain, topic in zip(question.chains, topics, strict=True):
            for number, end in enumerate(ends):
                self._walk(chain, iri(topic), end, shared, number)
        for end in ends:
            self._walk_sort(question, end)

    def _walk(self, chain: Chain, start: Term, end: Term, shared: dict[tuple[str, int], Term], number: int) -> None:
        at = start
        for place, step in enumerate(chain.steps):
            if place == len(chain.steps) - 1:
                other = end
            else:
                key = (chain.joints[place] or f"{id(chain)}-{place}", number if chain.mediated[place] else 0)
                if key not in shared:
                    shared[key] = self._blank() if chain.mediated[place] else self._end(step)
                other = shared[key]
            found = self.universe[step[0]]
            self._state(other, found, at) if step[1] else self._state(at, found, other)
            at = other

    def _walk_sort(self, question: WordedQuestion, start: Term) -> None:
        at = start
        for key, inverse in question.sort:
            found = self.universe[key]
            other = self._entity(found.domain) if inverse else self._value(found)
            self._state(other, found, at) if inverse else self._state(at, found, other)
            at = other

    def _leaves(self, step: tuple[str, bool]) -> str:
        found = self.universe[step[0]]
        return found.range if step[1] else found.domain

    def _end(self, step: tuple[str, bool], avoid_class: str = "") -> Term:
        found = self.universe[step[0]]
        if not step[1]:
            return self._value(found) if not avoid_class else self._entity(avoid_class)
        return self._entity(avoid_class or found.domain)

    def _value(self, found: Property) -> Term:
        if found.kind == "entity":
            return self._entity(found.range)
        if found.kind == "date":
            return literal(f"{self.rng.integers(1850, 2020)}-{self.rng.integers(1, 13):02d}-15", XSD + "date")
        if found.kind == "number":
            return literal(str(int(10 ** self.rng.uniform(0, 6))), XSD_INTEGER)
        if found.kind == "boolean":
            return literal(str(self.rng.random() < 0.5).lower(), XSD_BOOLEAN)
        return literal(f"{self.names.draw(_ANY, self.rng)} {self.rng.integers(1, 99)}")

    def _state(self, subject: Term, found: Property, object_: Term) -> None:
        if subject.kind == "literal":
            return
        name = self._iri("p", found.key)
        if name not in self.labelled:
            self.labelled.add(name)
            self.triples.append((iri(name), iri(RDFS + "label"), literal(found.label)))
        self.triples.append((subject, iri(name), object_))

    def _entity(self, class_label: str, name: str | None = None) -> Term:
        term = iri(f"{BASE}e/{self._next('e')}")
        label = name if name is not None else self.names.draw(class_label, self.rng)
        self.triples.append((term, iri(RDFS + "label"), literal(label)))
        if class_label and self.typed:
            self.triples.append((term, iri(RDF_TYPE), self._class(class_label)))
        return term

    def _class(self, label: str) -> Term:
        term = iri(self._iri("c", label))
        if term.value not in self.labelled:
            self.labelled.add(term.value)
            self.triples.append((term, iri(RDFS + "label"), literal(label)))
        return term

    def _blank(self) -> Term:
        return Term("bnode", f"b{self._next('b')}")

    def _iri(self, kind: str, key: str) -> str:
        return predicate_iri(key) if kind == "p" else class_iri(key)

    def _next(self, kind: str) -> int:
        self.numbers[kind] = self.numbers.get(kind, 0) + 1
        return self.numbers[kind]

    # -- near misses

    def _corruptions(self, question: WordedQuestion) -> Iterator[WordedQuestion]:
        """Yield readings that are wrong by one thing each."""
        for place, chain in enumerate(question.chains):
            for wrong in self._wrong_chains(chain, alone=len(question.chains) == 1):
                yield replace(question, chains=(*question.chains[:place], wrong, *question.chains[place + 1 :]))
        if len(question.chains) > 1:
            keep = int(self.rng.integers(len(question.chains)))
            yield replace(question, chains=(question.chains[keep],))
        if question.operator == "list" and len(question.chains) == 1:
            yield replace(question, operator="count")
        if question.operator == "count":
            yield replace(question, operator="list")
        if question.operator == "superlative":
            yield replace(question, descending=not question.descending)
            other = self._alike(self.universe[question.sort[-1][0]])
            if other is not None and other.kind in ("number", "date"):
                yield replace(question, sort=(*question.sort[:-1], (other.key, False)))
            if question.chains:
                yield replace(question, operator="list", sort=())
        for _ in range(min(1, len(question.chains))):
            place = int(self.rng.integers(len(question.chains)))
            chain = question.chains[place]
            name = self.names.draw(self._leaves(chain.steps[0]), self.rng)
            if normalize(name) not in normalize(question.question):
                renamed = replace(chain, topic=name)
                yield replace(question, chains=(*question.chains[:place], renamed, *question.chains[place + 1 :]))

    def _wrong_chains(self, chain: Chain, *, alone: bool) -> Iterator[Chain]:
        steps = chain.steps
        for place, (key, inverse) in enumerate(steps):
            found = self.universe[key]
            last = place == len(steps) - 1
            for _ in range(3 if len(steps) == 1 else 2):
                other = self._alike(found)
                if other is not None and (other.kind == "entity" or (last and not inverse)):
                    yield replace(chain, steps=(*steps[:place], (other.key, inverse), *steps[place + 1 :]))
            symmetric = found.domain == found.range and bool(set(normalize(found.label).split()) & SYMMETRIC)
            if found.kind == "entity" and not self._touches_mediator(found) and not symmetric:
                yield replace(chain, steps=(*steps[:place], (key, not inverse), *steps[place + 1 :]))
        if any(chain.mediated):
            return
        if alone and self._kind_at_end(chain) == "entity":
            onward = [p for p in self.universe.values() if not self._touches_mediator(p)]
            ends_in = self._enters(steps[-1])
            fit = [p for p in onward if p.domain == ends_in] or onward
            for _ in range(2):
                more = fit[int(self.rng.integers(len(fit)))] if fit else None
                if more is not None and (more.key, True) != steps[-1]:
                    yield Chain(chain.topic, (*steps, (more.key, False)), (*chain.mediated, False), (*chain.joints, ""))
        if len(steps) > 1:
            kinds = [self.universe[key].kind for key, _ in steps]
            if kinds[0] == "entity":
                yield Chain(chain.topic, steps[:-1], chain.mediated[:-1], chain.joints[:-1])
            yield Chain(chain.topic, steps[1:], chain.mediated[1:], chain.joints[1:])
            if all(kind == "entity" for kind in kinds):
                swapped = (*steps[:-2], steps[-1], steps[-2])
                if swapped != steps:
                    yield replace(chain, steps=swapped)

    def _kind_at_end(self, chain: Chain) -> str:
        key, inverse = chain.steps[-1]
        return "entity" if inverse else self.universe[key].kind

    def _enters(self, step: tuple[str, bool]) -> str:
        found = self.universe[step[0]]
        return found.domain if step[1] else found.range


def predicate_iri(key: str) -> str:
    """Return the IRI of a predicate in every made-up graph."""
    return f"{BASE}p/{key}"


def class_iri(label: str) -> str:
    """Return the IRI of a class in every made-up graph."""
    return f"{BASE}c/{label.replace(' ', '_')}"
