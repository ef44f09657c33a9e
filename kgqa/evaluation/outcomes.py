"""What a system said to each question of a set, beside the gold: the values that summaries, tests and reports read.

`Outcome.to_dict` is a line of a run's `predictions.jsonl`; it holds the fields of `kgqa batch` but for the evidence, so
that the file can be evaluated again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast, get_args

from kgqa.datasets.question_files import AnswerForm, AnswerKind, GoldLink, QAExample
from kgqa.datatypes import XSD_BOOLEAN, Mention, Question, Term, iri, literal
from kgqa.evaluation.metrics import PRF, exact_match, precision_recall_f1
from kgqa.evaluation.oracle import Stage, StageScores

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Linked:
    """An entity that a system started from, at [start, end) of the question where it tells the words."""

    entity: Term
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a system said to a question; no answers means that it abstained.

    `labels` has a name for each answer, perhaps empty. `confidence` is in [0, 1], `latency_ms` in milliseconds; both
    are None where the system does not tell. `links` are what the given answers, or the best ones held back, start from.
    """

    answers: tuple[Term, ...] = ()
    labels: tuple[str, ...] = ()
    confidence: float | None = None
    sparql: str | None = None
    reason: str = ""
    reading: str = ""
    links: tuple[Linked, ...] | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What only the evaluated pipeline itself can tell of a question.

    `first_f1` and `first_exact` score its first reading, also where that was held back. `stages` are the oracle's.
    `linked_share` is the share of gold entities among all candidates of the links. `executes` says whether the SPARQL
    ran and returned the answers; it is None where that was not tried.
    """

    first_f1: float | None = None
    first_exact: float | None = None
    stages: StageScores | None = None
    linked_share: float | None = None
    executes: bool | None = None


@dataclass(frozen=True)
class Outcome:
    """An example with what was said to it. `part` names the graph or file where a run has several.

    `gold_labels` name the gold answers, one each, where any name is known. Where a set gives its answers as labels
    only, labels are compared.
    """

    example: QAExample
    given: Given
    part: str = ""
    gold_labels: tuple[str, ...] = ()
    diagnosis: Diagnosis = Diagnosis()

    @property
    def is_scored(self) -> bool:
        """Whether there are gold answers to compare with; an unanswerable question has: none."""
        return self.example.answer_form != "none"

    @property
    def abstained(self) -> bool:
        """Whether no answer was given."""
        return not self.given.answers

    @cached_property
    def compared(self) -> tuple[Term, ...]:
        """The answers in the form of the gold ones."""
        return in_form_of(self.example, self.given.answers, self.given.labels)

    @cached_property
    def prf(self) -> PRF:
        """Precision, recall and F1 of the answers."""
        return precision_recall_f1(self.compared, self.example.answers)

    @property
    def f1(self) -> float:
        """The F1 of the answers; 1.0 for an unanswerable question that was not answered."""
        return self.prf.f1

    @cached_property
    def exact(self) -> float:
        """1.0 where the answers are the gold ones, in the gold order where that counts."""
        return exact_match(self.compared, self.example.answers, ordered=self.example.ordered)

    @property
    def first_is_right(self) -> bool | None:
        """Whether the first reading, given or held back, is exactly right; None where it was held back and unknown.

        Any reading of an unanswerable question is wrong.
        """
        if self.diagnosis.first_exact is not None:
            return self.example.is_answerable and self.diagnosis.first_exact == 1.0
        return None if self.abstained else self.exact == 1.0

    @property
    def failed_stage(self) -> Stage | None:
        """The stage that lost most, where the oracle ran and the answers are not right."""
        return self.diagnosis.stages.failed_stage if self.diagnosis.stages else None

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as a JSON object: what was said, then the gold and the scores.

        Numbers that a summary is worked out from are not rounded, so that it is the same when read back.
        """
        example, given, diagnosis = self.example, self.given, self.diagnosis
        return {
            "id": example.question.id,
            "question": example.question.text,
            "part": self.part,
            "status": "not_found" if self.abstained else "answered",
            "reason": given.reason or None,
            "answers": [_answer(term, label) for term, label in zip(given.answers, given.labels, strict=True)],
            "confidence": given.confidence,
            "sparql": given.sparql,
            "reading": given.reading,
            "links": None if given.links is None else [_linked(link) for link in given.links],
            "latency_ms": None if given.latency_ms is None else round(given.latency_ms, 2),
            "category": example.category,
            "language": example.language,
            "answer_kind": example.answer_kind,
            "hops": example.hops,
            "ordered": example.ordered,
            "answer_form": example.answer_form,
            "gold_links": [_gold_link(link) for link in example.gold_links],
            "gold": [
                _answer(term, self.gold_labels[place] if place < len(self.gold_labels) else "")
                for place, term in enumerate(example.answers)
            ],
            "gold_sparql": example.gold_sparql,
            "f1": round(self.f1, 4) if self.is_scored else None,
            "exact": bool(self.exact) if self.is_scored else None,
            "first_f1": diagnosis.first_f1,
            "first_exact": diagnosis.first_exact,
            "stages": diagnosis.stages.to_dict() if diagnosis.stages else None,
            "linked_share": diagnosis.linked_share,
            "executes": diagnosis.executes,
        }

    @classmethod
    def from_dict(cls, row: JsonObject) -> Outcome:
        """Return the outcome that `to_dict` wrote; what it leaves out of the example is lost. Raises ValueError."""
        stages, executes = row.get("stages"), row.get("executes")
        labels = tuple(str(answer.get("label") or "") for answer in _objects(row, "gold"))
        return cls(
            _example_of(row),
            given_of(row),
            str(row.get("part") or ""),
            labels if any(labels) else (),
            Diagnosis(
                _number(row, "first_f1"),
                _number(row, "first_exact"),
                StageScores.from_dict(stages) if isinstance(stages, dict) else None,
                _number(row, "linked_share"),
                executes if isinstance(executes, bool) else None,
            ),
        )


def in_form_of(example: QAExample, answers: Sequence[Term], labels: Sequence[str]) -> tuple[Term, ...]:
    """Return answers as the terms that are compared with the gold of an example: themselves, or their labels."""
    if example.answer_form != "labels":
        return tuple(answers)
    return tuple(literal(label or term.value) for term, label in zip(answers, labels, strict=True))


def given_of(row: JsonObject) -> Given:
    """Return what a line of our JSONL says: that of `kgqa batch`, or of a run. Raises ValueError, with the reason."""
    told = row.get("answers")
    if not isinstance(told, list):
        raise ValueError("no list of 'answers'")
    confidence, links = _number(row, "confidence"), row.get("links")
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise ValueError(f"'confidence' is {confidence!r}; expected a number from 0 to 1")
    return Given(
        tuple(term_of(answer) for answer in told),
        tuple(str(answer.get("label") or "") for answer in told),
        confidence,
        str(row["sparql"]) if row.get("sparql") else None,
        str(row.get("reason") or ""),
        str(row.get("reading") or ""),
        tuple(_linked_of(link) for link in links) if isinstance(links, list) else None,
        _number(row, "latency_ms"),
    )


def term_of(answer: object) -> Term:
    """Return the term of an answer object: `type`, `value` and perhaps `datatype` and `lang`. Raises ValueError."""
    if not isinstance(answer, dict) or "value" not in answer:
        raise ValueError("an answer must be an object with 'type' and 'value'")
    kind, value, datatype, lang = (answer.get(key) for key in ("type", "value", "datatype", "lang"))
    if kind == "boolean" and isinstance(value, bool):
        return literal("true" if value else "false", XSD_BOOLEAN)
    if not isinstance(value, str):
        raise ValueError(f"an answer's 'value' must be a text, found {value!r}")
    if kind == "uri":
        return iri(value)
    if kind == "bnode":
        return Term("bnode", value)
    if kind == "literal":
        return literal(value, str(datatype) if datatype else None, str(lang) if lang else None)
    raise ValueError(f"unknown answer type {kind!r}; expected one of: bnode, boolean, literal, uri")


def _example_of(row: JsonObject) -> QAExample:
    kind, form, hops = row.get("answer_kind"), row.get("answer_form"), _number(row, "hops")
    if kind is not None and kind not in get_args(AnswerKind):
        raise ValueError(f"unknown answer_kind {kind!r}")
    if form not in get_args(AnswerForm):
        raise ValueError(f"unknown answer_form {form!r}")
    return QAExample(
        Question(str(row.get("question") or ""), str(row.get("id") or "")),
        tuple(term_of(answer) for answer in _objects(row, "gold")),
        str(row.get("category") or ""),
        row.get("ordered") is True,
        answer_form=cast(AnswerForm, form),
        answer_kind=cast(AnswerKind | None, kind),
        language=str(row.get("language") or "en"),
        hops=None if hops is None else int(hops),
        gold_links=tuple(_gold_link_of(link, str(row.get("question"))) for link in _objects(row, "gold_links")),
        gold_sparql=str(row["gold_sparql"]) if row.get("gold_sparql") else None,
    )


def _objects(row: JsonObject, key: str) -> Sequence[JsonObject]:
    found = row.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{key!r} must be a list of objects")
    return found


def _gold_link(link: GoldLink) -> dict[str, object]:
    mention = link.mention
    span = {"start": mention.start, "end": mention.end} if mention else {"start": None, "end": None}
    return {"entity": _answer(link.entity, link.label), **span}


def _gold_link_of(told: JsonObject, text: str) -> GoldLink:
    link, entity = _linked_of(told), told.get("entity")
    label = str(entity.get("label") or "") if isinstance(entity, dict) else ""
    if link.start is None or link.end is None:
        return GoldLink(link.entity, label)
    return GoldLink(link.entity, label, Mention(link.start, link.end, text[link.start : link.end]))


def _answer(term: Term, label: str) -> dict[str, object]:
    if term.kind == "literal" and term.datatype == XSD_BOOLEAN:
        return {"type": "boolean", "value": term.value in ("true", "1"), "label": label}
    told: dict[str, object] = {"type": term.kind, "value": term.value}
    if term.datatype:
        told["datatype"] = term.datatype
    if term.lang:
        told["lang"] = term.lang
    return {**told, "label": label}


def _linked(link: Linked) -> dict[str, object]:
    return {"entity": _answer(link.entity, ""), "start": link.start, "end": link.end}


def _linked_of(told: object) -> Linked:
    if not isinstance(told, dict):
        raise ValueError(f"a link must be an object, found {told!r}")
    start, end = (place if isinstance(place := told.get(key), int) else None for key in ("start", "end"))
    return Linked(term_of(told.get("entity")), start, end)


def _number(row: JsonObject, key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key!r} must be a number, found {value!r}")
    return float(value)
