"""What a made question is, and the words it is put in: names, class nouns and the phrases of a graph's wordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import Path, Relation
from kgqa.training.wordings import RelationWording, Wordings

MAX_NAME = 40
_MIN_PART = 4


@dataclass(frozen=True)
class MadeQuestion:
    """A question with its answers: nodes, a number or a truth value."""

    text: str
    category: str
    answers: Ids | int | bool
    iris: frozenset[str]

    def to_dict(self, index: GraphIndex, number: int) -> dict[str, object]:
        """Return the line of a training folder's `questions.jsonl`."""
        rows: list[dict[str, object]]
        if isinstance(self.answers, bool):
            rows = [{"type": "boolean", "value": self.answers}]
        elif isinstance(self.answers, int):
            rows = [{"type": "literal", "value": str(self.answers)}]
        else:
            terms = [index.term(int(node)) for node in self.answers]
            rows = [{"type": t.kind, "value": t.value, "datatype": t.datatype, "lang": t.lang} for t in terms]
        return {
            "id": f"made-{number}", "question": self.text, "category": self.category, "answers": rows,
            "gold_iris": sorted(self.iris),
        }  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A phrase for a set of nodes, with the IRIs of the predicates and entities it speaks of."""

    text: str
    nodes: Ids
    iris: frozenset[str]


class Speaker:
    """Says the parts of one graph.

    `classes_of` gives the classes of an entity's IRI where the graph itself does not state them.
    """

    def __init__(
        self, index: GraphIndex, wordings: Wordings, rng: np.random.Generator, classes_of: Mapping[str, str]
    ) -> None:
        self.index, self.wordings, self.rng, self.classes_of = index, wordings, rng, classes_of

    def made(
        self, text: str | None, category: str, answers: Ids | int | bool, iris: frozenset[str]
    ) -> MadeQuestion | None:
        """Return the question as somebody might type it: without its mark, in lower case; None without a text."""
        if not text:
            return None
        if self.rng.random() < 0.4:
            text = text.rstrip("?").rstrip()
        if self.rng.random() < 0.2:
            text = text.lower()
        elif self.rng.random() < 0.7:
            text = text[:1].upper() + text[1:]
        return MadeQuestion(text, category, answers, iris)

    def name(self, node: int) -> str:
        """Return a name of a node, now and then an alternative one, or a part that no other name has."""
        names = self.index.labels(node) if self.index.is_entity(node) else ()
        alternatives = [label for label, alternative in names if alternative and len(label) <= MAX_NAME]
        if alternatives and self.rng.random() < 0.15:
            return alternatives[int(self.rng.integers(len(alternatives)))]
        name = " ".join(self.index.label(node).split())
        return (self.rng.random() < 0.15 and self.pick(self._parts(name))) or name

    def _parts(self, name: str) -> list[str]:
        """Return the words at the start or end of a name that are capitalised and in no other name."""
        words = name.split()
        if len(words) < 2:
            return []
        ends = dict.fromkeys((words[0], words[-1]))
        return [word for word in ends if len(word) >= _MIN_PART and word.istitle() and self._n_names[word] == 1]

    @cached_property
    def _n_names(self) -> Counter[str]:
        """How many entities have each word in a name."""
        entities = (node for node in range(self.index.n_terms) if self.index.is_entity(node))
        names = ((self.index.label(node), *(label for label, _ in self.index.labels(node))) for node in entities)
        return Counter(word for labels in names for word in {word for label in labels for word in label.split()})

    def classes(self, nodes: Ids, *, many: bool = True) -> str:
        """Return a noun for what some nodes are."""
        classes = self.index.classes_of(int(nodes[0])) if self.index.is_entity(int(nodes[0])) else ()
        if classes:
            return self.class_noun(classes[0], many=many)
        told = self.wordings.classes.get(self.classes_of.get(self.index.text_of(int(nodes[0])), ""), ((), ()))
        return self.pick(told[many]) or (self.pick(["things", "ones"]) if many else None) or "thing"

    def class_noun(self, klass: int, *, many: bool) -> str:
        """Return a noun for a class."""
        forms = self.wordings.classes.get(self.index.text_of(klass), ((), ()))[1 if many else 0]
        return self.pick(forms) or self.index.label(klass).lower()

    def wording(self, relation: Relation) -> RelationWording:
        """Return the wording of a relation."""
        return self.wordings.relations[self.iri(relation.path)]

    def iri(self, path: Path) -> str:
        """Return the predicate that a path is worded by."""
        return self.index.text_of(int(self.index.pred_terms[path[-1][0]]))

    def iris(self, path: Path) -> frozenset[str]:
        """Return the predicates of a path."""
        return frozenset(self.index.text_of(int(self.index.pred_terms[p])) for p, _ in path)

    def pick(self, options: Sequence[str]) -> str | None:
        """Return one of the options, None where there is none."""
        return options[int(self.rng.integers(len(options)))] if options else None

    @staticmethod
    def fill(text: str, **slots: str) -> str:
        """Return the phrase with its slots filled."""
        for name, value in slots.items():
            text = text.replace(f"{{{name}}}", value)
        return text
