"""The frozen values that travel between the stages.

Standard library only, so that importing a type costs nothing. Values check
themselves when they are made; no later stage checks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import networkx as nx

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
RDF_TYPE = RDF + "type"
RDF_LANG_STRING = RDF + "langString"
XSD_STRING = XSD + "string"
XSD_BOOLEAN = XSD + "boolean"
XSD_INTEGER = XSD + "integer"

TermKind = Literal["uri", "literal", "bnode"]
MatchKind = Literal["exact", "normalized", "alias", "partial", "fuzzy"]
LinkKind = Literal["entity", "class", "literal", "value"]
Operator = Literal["list", "count", "ask", "superlative", "order", "compare"]
Status = Literal["answered", "not_found"]
Reason = Literal["", "nothing_linked", "no_such_relation", "no_value", "not_sure", "invalid_question"]

REASON_TEXT: Mapping[Reason, str] = {
    "": "",
    "nothing_linked": "Nothing in the question names something in this graph.",
    "no_such_relation": "The graph does not record the relation that the question asks about.",
    "no_value": "The graph knows the relation, but records no value for it here.",
    "not_sure": "There are possible readings, but none is sure enough to be given as an answer.",
    "invalid_question": "The question is empty or cannot be read.",
}


@dataclass(frozen=True, slots=True)
class Term:
    """An RDF term: an IRI, a literal with its lexical form untouched, or a blank node.

    `datatype` is None for IRIs, blank nodes, plain strings (xsd:string) and
    language-tagged strings; `lang` is lower case.
    """

    kind: TermKind
    value: str
    datatype: str | None = None
    lang: str | None = None

    def n3(self) -> str:
        """Return the term in N-Triples syntax, which SPARQL and Turtle also read."""
        if self.kind == "uri":
            return f"<{self.value}>"
        if self.kind == "bnode":
            return f"_:{self.value}"
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        escaped = escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        if self.lang:
            return f'"{escaped}"@{self.lang}'
        if self.datatype and self.datatype != XSD_STRING:
            return f'"{escaped}"^^<{self.datatype}>'
        return f'"{escaped}"'


def iri(value: str) -> Term:
    """Return the IRI `value` as a term."""
    return Term("uri", value)


def literal(value: str, datatype: str | None = None, lang: str | None = None) -> Term:
    """Return a literal term; xsd:string is stored as no datatype."""
    if datatype in (XSD_STRING, RDF_LANG_STRING):
        datatype = None
    return Term("literal", value, datatype, lang.lower() if lang else None)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked. `id` is the caller's own and is never interpreted."""

    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A half-open character span of the question: `text == question[start:end]`."""

    start: int
    end: int
    text: str

    def __post_init__(self) -> None:
        if self.end <= self.start or self.start < 0:
            raise ValueError(f"mention span [{self.start}, {self.end}) is empty or negative")


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values a phrase like "over 20 kg" or "in the 1990s" allows.

    Bounds are numbers; for `kind="date"` they are days since 1970-01-01. None means unbounded.
    """

    kind: Literal["number", "date"]
    low: float | None = None
    high: float | None = None
    low_inclusive: bool = True
    high_inclusive: bool = True

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError("a value range needs at least one bound")

    def contains(self, value: float) -> bool:
        """Return whether `value` lies in the range; NaN never does."""
        if self.low is not None and not (value >= self.low if self.low_inclusive else value > self.low):
            return False
        return self.high is None or (value <= self.high if self.high_inclusive else value < self.high)


@dataclass(frozen=True, slots=True)
class EntityCandidate:
    """One thing in the graph that a mention may name.

    `score` is in (0, 1], 1.0 for an exact label. `node` is the graph index's id of `entity`.
    For `kind="value"`, `entity` is the literal as read from the question, `node` is -1 and `range` is set.
    """

    entity: Term
    label: str
    score: float
    kind: LinkKind = "entity"
    match: MatchKind = "exact"
    node: int = -1
    range: ValueRange | None = None


@dataclass(frozen=True, slots=True)
class EntityLink:
    """A mention with its candidates, best first; no candidates means NIL (names nothing in this graph).

    `rarity`, in [0, 1], tells how unlike ordinary words the mention is: a frequent lower-case word, which may name
    nothing at all, is near 0.
    """

    mention: Mention
    candidates: tuple[EntityCandidate, ...] = ()
    rarity: float = 1.0

    @property
    def is_nil(self) -> bool:
        """Whether the mention names nothing in this graph."""
        return not self.candidates


@dataclass(frozen=True, slots=True)
class Fact:
    """A triple of the graph with its one-sentence text, and the names of its three terms."""

    subject: Term
    predicate: Term
    object: Term
    text: str = ""
    names: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The facts worth reading for a question, the entities they start from, and the paths that lead to them.

    A path is a tuple of (predicate label, is_inverse) steps, written as text. `truncated` tells that a bound was hit.
    """

    topic_entities: tuple[Term, ...] = ()
    facts: tuple[Fact, ...] = ()
    paths: tuple[str, ...] = ()
    truncated: bool = False

    def to_networkx(self) -> nx.MultiDiGraph[Any]:
        """Return the facts as a directed multigraph: nodes are `Term`s, each edge's key is its predicate's IRI.

        Parallel predicates are kept. Nodes carry `label`, and `topic`: whether the question names them. Edges carry
        `label`, the predicate's name, and `text`, the fact's sentence.
        """
        import networkx as nx

        graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
        for term in self.topic_entities:
            graph.add_node(term, label=term.value)
        for fact in self.facts:
            subject, predicate, obj = (
                name or term.value
                for name, term in zip(fact.names, (fact.subject, fact.predicate, fact.object), strict=True)
            )
            graph.add_node(fact.subject, label=subject)
            graph.add_node(fact.object, label=obj)
            graph.add_edge(fact.subject, fact.object, key=fact.predicate.value, label=predicate, text=fact.text)
        for term, data in graph.nodes(data=True):
            data["topic"] = term in self.topic_entities
        return graph


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `score` is in [0, 1]; `evidence` holds the facts that support this answer."""

    term: Term
    label: str
    score: float
    evidence: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the question: an executable query graph, as text, as SPARQL and with its score.

    `probability` is the reader's, over all readings it compared and "the graph does not say".
    """

    text: str
    sparql: str
    operator: Operator
    probability: float
    n_answers: int
    preview: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """The whole trace of one question: what was linked, retrieved, read, and answered, or why not.

    `answers` are ordered: by the query's own order where it has one, else by label, with what the question names
    itself last. `confidence` is calibrated, in
    [0, 1]: for an abstention, the confidence of the best reading that was not given. `timings_ms` is per stage.
    """

    question: Question
    status: Status
    reason: Reason = ""
    answers: tuple[Answer, ...] = ()
    confidence: float = 0.0
    sparql: str | None = None
    evidence: tuple[Fact, ...] = ()
    links: tuple[EntityLink, ...] = ()
    subgraph: Subgraph = Subgraph()
    readings: tuple[Reading, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def reason_text(self) -> str:
        """Return the reason as a sentence for people; empty when answered."""
        return REASON_TEXT[self.reason]

    @property
    def latency_ms(self) -> float:
        """Return the time the question took in all, in milliseconds."""
        return sum(self.timings_ms.values())

    def to_dict(self) -> dict[str, object]:
        """Return the object that `kgqa batch` writes and `kgqa ask --json` prints. This format is a promise."""
        return {
            "id": self.question.id,
            "question": self.question.text,
            "status": self.status,
            "reason": self.reason or None,
            "answers": [_answer_to_dict(answer) for answer in self.answers],
            "sparql": self.sparql,
            "evidence": [[fact.subject.n3(), fact.predicate.n3(), fact.object.n3()] for fact in self.evidence],
            "confidence": round(self.confidence, 4),
            "latency_ms": round(self.latency_ms, 2),
        }


def _answer_to_dict(answer: Answer) -> dict[str, object]:
    term = answer.term
    kind: str
    value: str | bool
    if term.kind == "literal" and term.datatype == XSD_BOOLEAN:
        kind, value = "boolean", term.value in ("true", "1")
    else:
        kind, value = term.kind, term.value
    return {
        "type": kind,
        "value": value,
        "datatype": term.datatype,
        "lang": term.lang,
        "label": answer.label,
        "score": round(answer.score, 4),
    }
