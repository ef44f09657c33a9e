"""How people say the relations and classes of a graph: hand-written where `wordings.json` lies beside the graph, else
made from the labels.

A wording holds phrases with slots: {X} for a subject, {Y} for an object, {V} for a value, {A} and {B} for two compared
subjects. The keys are told in `data/training_graphs/README.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kgqa.errors import DatasetError
from kgqa.index.graph_index import GraphIndex
from kgqa.index.phrases import phrase
from kgqa.index.schema import ENTITY, TEXT, Relation
from kgqa.index.text import singular
from kgqa.index.values import BOOLEAN, DATE

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class RelationWording:
    """The phrases for one predicate. `high`, `low` and `truths` are (text, whether it follows the noun)."""

    phrases: Mapping[str, Phrases] = field(default_factory=dict)
    extremes: Mapping[str, tuple[tuple[str, bool], ...]] = field(default_factory=dict)

    def of(self, key: str) -> Phrases:
        """Return the phrases under a key, none where it has none."""
        return self.phrases.get(key, ())


@dataclass(frozen=True)
class Wordings:
    """The wordings of a graph: predicate IRI -> phrases, class IRI -> (singular forms, plural forms)."""

    relations: Mapping[str, RelationWording]
    classes: Mapping[str, tuple[Phrases, Phrases]]


def read_wordings(path: Path) -> Wordings:
    """Return the hand-written wordings in a file. Raises DatasetError where it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        relations = {iri: _relation(told) for iri, told in data["relations"].items() if not told.get("skip")}
        classes = {
            iri: (tuple(told.get("singular", ())), tuple(told.get("plural", ())))
            for iri, told in data.get("classes", {}).items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} holds no wordings: {error}") from error
    return Wordings(relations, classes)


def _relation(told: Mapping[str, Sequence[object]]) -> RelationWording:
    phrases, extremes = {}, {}
    for key, values in told.items():
        if values and isinstance(values[0], dict):
            told_all = [item for value in values if isinstance(value, dict) for item in value.items()]
            extremes[key] = tuple((text, place == "post") for place, text in told_all)
        elif isinstance(values, list):
            phrases[key] = tuple(str(value) for value in values)
    return RelationWording(phrases, extremes)


def wordings_from_labels(index: GraphIndex, relations: Sequence[Relation]) -> Wordings:
    """Return plain wordings made from the labels of a graph that nobody wrote any for."""
    made: dict[str, RelationWording] = {}
    for relation in relations:
        if relation.inverse:
            continue
        iri = index.text_of(int(index.pred_terms[relation.path[-1][0]]))
        made.setdefault(iri, RelationWording(_label_phrases(relation), _label_extremes(relation)))
    classes = {
        index.text_of(c): ((index.label(c).lower(),), (plural(index.label(c).lower()),)) for c in index.class_sizes
    }
    return Wordings(made, classes)


def plural(noun: str) -> str:
    """Return a plain English plural of a noun phrase."""
    if not noun or singular(noun.split()[-1]) != noun.split()[-1]:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def _label_phrases(relation: Relation) -> dict[str, Phrases]:
    said = phrase(relation.label)
    text = said.text
    found: dict[str, Phrases] = {}
    if said.form == "noun":
        found["noun"], found["nouns"] = (text,), (plural(text),)
        found["ask_object"] = (
            f"what is the {text} of {{X}}?", f"which {text} does {{X}} have?", f"{{X}} {text}", f"{{X}}'s {text}?",
            f"{text} of {{X}}",
        )  # fmt: skip
        found["by_object"] = (f"whose {text} is {{Y}}", f"with {text} {{Y}}", f"that have {{Y}} as {text}")
        found["by_subject"] = (f"that are the {text} of {{X}}",)
        found["ask_subject"] = (f"what has {{Y}} as {text}?", f"whose {text} is {{Y}}?", f"what has the {text} {{Y}}?")
        found["share"] = (f"with the same {text} as {{X}}", f"that share the {text} of {{X}}")
        found["whether"] = (f"is {{Y}} the {text} of {{X}}?", f"does {{X}} have {{Y}} as {text}?")
        found["has"] = (f"does {{X}} have a {text}?",)
    else:
        be = "" if said.form == "verb" else "is "
        found["ask_object"] = (f"what {be}{{X}} {text}?", f"{{X}} {be}{text} what?", f"what is {{X}} {text}?")
        found["by_object"] = (said.clause("{Y}"), f"that {be and 'are '}{text} {{Y}}")
        found["ask_subject"] = (f"what {be}{text} {{Y}}?", f"which ones {be and 'are '}{text} {{Y}}?")
        found["by_subject"] = (f"that {{X}} {be}{text}",)
        found["share"] = (f"{text} the same as {{X}}",)
        found["whether"] = (f"is {{X}} {text} {{Y}}?",)
    if relation.end_kind not in (ENTITY, TEXT):
        found = {key: found[key] for key in ("noun", "nouns", "ask_object", "has") if key in found}
        found["more"] = (f"with {text} over {{V}}", f"whose {text} is more than {{V}}")
        found["less"] = (f"with {text} under {{V}}", f"whose {text} is less than {{V}}")
        if relation.end_kind == DATE:
            found["more"] = (f"with {text} after {{V}}",)
            found["less"] = (f"with {text} before {{V}}",)
        more, less = ("later", "earlier") if relation.end_kind == DATE else ("higher", "lower")
        found["compare_high"] = (f"which has the {more} {text}, {{A}} or {{B}}?",)
        found["compare_low"] = (f"which has the {less} {text}, {{A}} or {{B}}?",)
        found["compare_ask"] = (f"does {{A}} have a {more} {text} than {{B}}?",)
    if relation.end_kind == BOOLEAN:
        return {"ask_true": (f"is {{X}} {text}?",)}
    return found


def _label_extremes(relation: Relation) -> dict[str, tuple[tuple[str, bool], ...]]:
    text = phrase(relation.label).text
    if relation.end_kind == BOOLEAN:
        return {"true": ((f"that are {text}", True),), "false": ((f"that are not {text}", True),)}
    if relation.end_kind in (ENTITY, TEXT):
        return {}
    most, least = ("latest", "earliest") if relation.end_kind == DATE else ("highest", "lowest")
    return {"high": ((f"with the {most} {text}", True),), "low": ((f"with the {least} {text}", True),)}
