"""What the page shows of a prediction, as plain values: needs no Streamlit.

Labels, file names and questions come from strangers. `plain` makes them safe to read; that they are shown as text and
never as markup is the page's duty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from kgqa.datatypes import RDF_TYPE, XSD_BOOLEAN, Answer, Fact, Prediction, Reading, Term
from kgqa.index.text import split_local_name

MAX_LABEL_CHARS = 160
MAX_NODES = 150
MAX_NAMED_EDGES = 14

Role = Literal["answer", "topic", "other"]
Certainty = Literal["high", "fair", "low"]

ROLE_NAMES: Mapping[Role, str] = {"topic": "Asked about", "answer": "Answer", "other": "Nearby"}
# Mid-tones, readable on a white and on a near-black page.
_ROLE_COLOURS: Mapping[Role, str] = {"topic": "#3b82c4", "answer": "#1f9d72", "other": "#98a2b0"}
_ROLE_SIZES: Mapping[Role, int] = {"topic": 26, "answer": 20, "other": 9}
_ROLES: tuple[Role, ...] = ("topic", "answer", "other")

_SUFFIX = re.compile(
    r"(?:\.(?:ttl|turtle|nt|ntriples|nq|nquads|trig|rdf|owl|xml|jsonld|json|n3))?(?:\.gz)?$", re.IGNORECASE
)
_SPACE = re.compile(r"\s+")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_EVERYDAY = re.compile(r"[^\W_]+(?:[ '’-][^\W_]+|, [^\W_]+)*")
# A predicate whose label is a verb or ends in a preposition makes no "What is the ... of ...?".
_NOT_A_NOUN = re.compile(
    r"(?:has|have|is|was|are|did|can)\b.*|.*\b(?:of|by|in|to|from|with|for|at|on|as)$", re.IGNORECASE
)


# -- text


def plain(text: str, *, max_chars: int = MAX_LABEL_CHARS) -> str:
    """Return `text` as one line that shows every character it holds, cut with an ellipsis after `max_chars`.

    Control and formatting characters, which could hide or reorder what a reader sees, become their code: `\\u202e`.
    """
    text = _SPACE.sub(" ", text[: 4 * max_chars]).strip()
    shown = "".join(_visible(character) for character in text)
    return shown if len(shown) <= max_chars else shown[: max_chars - 1].rstrip() + "…"


def _visible(character: str) -> str:
    # The zero-width joiner builds emoji and Indic letters: hiding nothing, it stays.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") and character not in "\u200c\u200d":
        return f"\\u{ord(character):04x}"
    return character


def escape_markdown(text: str) -> str:
    """Return `text` for a widget that reads its label as markdown: each ASCII punctuation mark behind a backslash."""
    return _PUNCTUATION.sub(r"\\\1", plain(text))


def term_text(term: Term, label: str = "") -> str:
    """Return how a term is called: `label`, else a literal's own text, or the words of an IRI's last part."""
    if label.strip():
        return plain(label)
    if term.kind == "bnode":
        return "(unnamed)"
    if term.kind == "literal":
        return plain(term.value) or "(empty)"
    return plain(split_local_name(term.value)) or plain(term.value)


def fact_text(fact: Fact) -> str:
    """Return a fact as a sentence: its own text, else subject, predicate and object in a row."""
    if fact.text.strip():
        return plain(fact.text, max_chars=2 * MAX_LABEL_CHARS)
    return " · ".join(term_text(term) for term in (fact.subject, fact.predicate, fact.object))


# -- the answer


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """An answer as a row of a table: what it is called, its IRI or literal, and what kind of term it is."""

    label: str
    value: str
    kind: str


def answer_label(answer: Answer) -> str:
    """Return how an answer is called; a boolean is "Yes" or "No"."""
    if answer.term.kind == "literal" and answer.term.datatype == XSD_BOOLEAN:
        return "Yes" if answer.term.value in ("true", "1") else "No"
    return term_text(answer.term, answer.label)


def answer_row(answer: Answer) -> AnswerRow:
    """Return the row of one answer. A literal's kind is its language or the name of its datatype."""
    term = answer.term
    if term.kind == "uri":
        kind = "IRI"
    elif term.kind == "bnode":
        kind = "blank node"
    elif term.lang:
        kind = f"text ({plain(term.lang)})"
    else:
        kind = plain(re.split(r"[#/]", term.datatype)[-1]) if term.datatype else "text"
    return AnswerRow(answer_label(answer), plain(term.value, max_chars=2000), kind)


def chosen_reading(prediction: Prediction) -> Reading | None:
    """Return the reading that was answered; None where the question was not answered."""
    if prediction.status != "answered":
        return None
    same = (reading for reading in prediction.readings if reading.sparql == prediction.sparql)
    return next(same, prediction.readings[0] if prediction.readings else None)


def unsure_reading(prediction: Prediction) -> Reading | None:
    """Return the best reading of a question that was not answered, if it would have given something."""
    if prediction.status == "answered" or prediction.reason != "not_sure" or not prediction.readings:
        return None
    return prediction.readings[0]


def runner_ups(prediction: Prediction) -> tuple[Reading, ...]:
    """Return the readings that were neither answered nor shown as the best unsure one, in their order."""
    shown = chosen_reading(prediction) or unsure_reading(prediction)
    return tuple(reading for reading in prediction.readings if reading is not shown)


def is_ranked(prediction: Prediction) -> bool:
    """Return whether the order of the answers says something, so that they are to be numbered."""
    reading = chosen_reading(prediction)
    return reading is not None and reading.operator in ("order", "superlative") and len(prediction.answers) > 1


def count_text(n: int, singular: str, plural: str | None = None) -> str:
    """Return "1 answer", "1,200 answers"."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def reading_text(reading: Reading) -> str:
    """Return a reading in words, without the hint at its kind of answer that follows a bar."""
    return plain(reading.text.split(" | ")[0], max_chars=2 * MAX_LABEL_CHARS)


def preview_text(reading: Reading) -> str:
    """Return what a reading would answer, in one line: its first answers and how many more there are."""
    shown = [plain(label, max_chars=60) for label in reading.preview[:5]]
    more = reading.n_answers - len(shown)
    if not shown:
        return count_text(reading.n_answers, "answer") if reading.n_answers else "nothing"
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def percent(share: float) -> str:
    """Return a probability as a percentage, never rounded up to certain nor down to impossible."""
    if 0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1 else f"{share:.0%}"


def certainty(confidence: float) -> Certainty:
    """Return the band a calibrated confidence falls in: high from 0.85, fair from 0.6."""
    return "high" if confidence >= 0.85 else "fair" if confidence >= 0.6 else "low"


def confidence_text(confidence: float) -> str:
    """Return a confidence as a word and a percentage: "High confidence, 93%"."""
    return f"{certainty(confidence).capitalize()} confidence, {percent(confidence)}"


# -- why


def evidence_sentences(prediction: Prediction) -> tuple[str, ...]:
    """Return the facts behind the answers as sentences, each once, in their order."""
    facts = prediction.evidence or (fact for answer in prediction.answers for fact in answer.evidence)
    return tuple(dict.fromkeys(fact_text(fact) for fact in facts))


def link_lines(prediction: Prediction) -> tuple[str, ...]:
    """Return what each mention was taken for, one line a mention."""
    lines = []
    for link in prediction.links:
        mention = f"“{plain(link.mention.text, max_chars=60)}”"
        if link.is_nil:
            lines.append(f"{mention} names nothing in this graph")
            continue
        best, n_others = link.candidates[0], len(link.candidates) - 1
        kind = {"class": ", a kind of thing", "value": ", a value", "literal": ", a text"}.get(best.kind, "")
        others = f" ({count_text(n_others, 'other candidate')})" if n_others else ""
        lines.append(f"{mention} → {term_text(best.entity, best.label)}{kind}{others}")
    return tuple(lines)


def duration_text(milliseconds: float) -> str:
    """Return a duration for people: "under 1 ms", "38 ms", "1.4 s"."""
    if milliseconds < 1:
        return "under 1 ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def timing_line(prediction: Prediction) -> str:
    """Return the time of each stage in one line, in the order in which the stages ran."""
    return " · ".join(f"{plain(stage)} {duration_text(ms)}" for stage, ms in prediction.timings_ms.items())


# -- the picture


@dataclass(frozen=True, slots=True)
class Picture:
    """An ECharts option object that draws a subgraph, and what it leaves out.

    Nodes carry their text as `name`, which ECharts draws as text and escapes in tooltips. `alt` says what is drawn.
    """

    spec: dict[str, object]
    n_nodes: int
    n_facts: int
    n_left_out: int
    alt: str


@dataclass(frozen=True, slots=True)
class _Node:
    label: str
    role: Role


def picture(
    prediction: Prediction,
    *,
    name_of: Callable[[Term], str] | None = None,
    max_nodes: int = MAX_NODES,
    dark: bool = False,
) -> Picture | None:
    """Return the facts behind a prediction as a force-directed graph; None where there are none.

    The evidence comes first, then, as long as `max_nodes` allows, the subgraph's facts that touch it. A literal is a
    node of its own for each subject, so that two things with the same number do not look related. `name_of` gives the
    graph's label of an IRI, or an empty string.
    """
    facts = _facts_to_draw(prediction)
    if not facts:
        return None
    labels = _labels(prediction)

    def name(term: Term) -> str:
        known = labels.get(term, "")
        return term_text(term, known or (name_of(term) if name_of is not None and term.kind == "uri" else ""))

    answers = {answer.term for answer in prediction.answers}
    topics = _topics(prediction)
    nodes: dict[tuple[Term, Term | None], int] = {}
    drawn: list[_Node] = []
    edges: dict[tuple[int, int], list[str]] = {}
    n_drawn = 0
    for fact in facts:
        keys = [_node_key(fact.subject, None), _node_key(fact.object, fact.subject)]
        if len(nodes) + sum(key not in nodes for key in set(keys)) > max_nodes:
            continue
        for key in keys:
            if key not in nodes:
                term = key[0]
                role: Role = "answer" if term in answers else "topic" if term in topics else "other"
                nodes[key] = len(drawn)
                drawn.append(_Node(name(term), role))
        start, end = nodes[keys[0]], nodes[keys[1]]
        names = edges.setdefault((start, end), [])
        predicate = plain(fact.names[1]) or name(fact.predicate)
        if predicate not in names:
            names.append(predicate)
        n_drawn += 1
    spec = _spec(drawn, edges, dark=dark)
    named = [node.label for node in drawn if node.role != "other"][:6]
    alt = f"Picture of {count_text(n_drawn, 'fact')} about {', '.join(named) or 'the question'}."
    return Picture(spec, len(drawn), n_drawn, len(facts) - n_drawn, alt)


def _facts_to_draw(prediction: Prediction) -> list[Fact]:
    evidence = [*prediction.evidence, *(fact for answer in prediction.answers for fact in answer.evidence)]
    near = {term for fact in evidence for term in (fact.subject, fact.object)}
    near |= set(prediction.subgraph.topic_entities)
    around = [fact for fact in prediction.subgraph.facts if fact.subject in near or fact.object in near]
    if not evidence:
        around = list(prediction.subgraph.facts)
    unique = {(fact.subject, fact.predicate, fact.object): fact for fact in reversed([*evidence, *around])}
    return [fact for fact in reversed(unique.values()) if fact.predicate.value != RDF_TYPE or fact in evidence]


def _node_key(term: Term, subject: Term | None) -> tuple[Term, Term | None]:
    return (term, subject) if term.kind == "literal" else (term, None)


def _topics(prediction: Prediction) -> frozenset[Term]:
    if prediction.subgraph.topic_entities:
        return frozenset(prediction.subgraph.topic_entities)
    return frozenset(link.candidates[0].entity for link in prediction.links if link.candidates)


def _labels(prediction: Prediction) -> dict[Term, str]:
    found: dict[Term, str] = {}
    for link in prediction.links:
        for candidate in link.candidates:
            if candidate.kind != "value":
                found.setdefault(candidate.entity, candidate.label)
    for answer in prediction.answers:
        if answer.label:
            found[answer.term] = answer_label(answer)
    return found


def _spec(drawn: Sequence[_Node], edges: Mapping[tuple[int, int], Sequence[str]], *, dark: bool) -> dict[str, object]:
    ink = "#e6e9ee" if dark else "#2b3038"
    faint = "#6f7a88" if dark else "#b4bcc8"
    roles = [role for role in _ROLES if any(node.role == role for node in drawn)]
    all_named = len(drawn) <= MAX_NAMED_EDGES
    few = len(edges) <= MAX_NAMED_EDGES
    data = [
        {
            "id": str(number),
            "name": node.label,
            "value": ROLE_NAMES[node.role],
            "category": roles.index(node.role),
            "symbolSize": _ROLE_SIZES[node.role] * (1.0 if few else 0.6 if node.role == "answer" else 0.85),
            "label": {"show": node.role != "other" or all_named},
        }
        for number, node in enumerate(drawn)
    ]
    links = [
        {"source": str(start), "target": str(end), "value": ", ".join(names), "label": {"show": few}}
        for (start, end), names in edges.items()
    ]
    series = {
        "type": "graph",
        "layout": "force",
        "roam": True,
        "draggable": True,
        "left": 40,
        "right": 40,
        "top": 30,
        "bottom": 56,
        "categories": [{"name": ROLE_NAMES[role], "itemStyle": {"color": _ROLE_COLOURS[role]}} for role in roles],
        "data": data,
        "links": links,
        "force": {
            "repulsion": min(420, 5400 // len(drawn)),
            "edgeLength": [90, 140] if few else [30, 80],
            "gravity": 0.12 if few else 0.2,
            "layoutAnimation": False,
        },
        "label": {
            "position": "bottom",
            "color": ink,
            "fontSize": 12,
            "width": 130,
            "overflow": "truncate",
            "textBorderWidth": 0,
        },
        "labelLayout": {"hideOverlap": not few},
        "edgeSymbol": ["none", "arrow"],
        "edgeSymbolSize": 6,
        "edgeLabel": {"formatter": "{c}", "fontSize": 10, "color": faint if dark else "#77808d", "textBorderWidth": 0},
        "lineStyle": {"color": faint, "width": 1.2, "opacity": 0.9, "curveness": 0.06},
        "emphasis": {"focus": "adjacency", "label": {"show": True}, "edgeLabel": {"show": True}},
    }
    return {
        "tooltip": {"confine": True},
        "legend": {"bottom": 0, "left": "center", "selectedMode": False, "textStyle": {"color": ink}, "icon": "circle"},
        "animation": False,
        "series": [series],
    }


# -- graphs and files


def slug(file_name: str) -> str:
    """Return the letters and digits of a file's name that a stored name may begin with; "graph" where it has none.

    Folders, suffixes and every character but a-z, 0-9 and single hyphens are left out.
    """
    stem = _SUFFIX.sub("", PurePath(file_name.replace("\\", "/").replace("\0", "")).name)
    ascii_only = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:32].strip("-") or "graph"


def upload_suffix(file_name: str) -> str:
    """Return the RDF suffix of a file's name, such as ".ttl.gz", lower case; empty where it has none that is known."""
    found = _SUFFIX.search(file_name)
    return found[0].lower() if found else ""


def failure_line(error: Exception, *, path: str, shown_name: str) -> str:
    """Return one line on why an upload was refused, with the user's own file name for `path`, where it was kept."""
    text = str(error).replace(path, shown_name).replace(PurePath(path).name, shown_name)
    return plain(text, max_chars=400)


def example_questions(
    classes: Iterable[tuple[str, int]], relations: Iterable[tuple[str, str]], *, max_questions: int = 6
) -> tuple[str, ...]:
    """Return questions that a graph's schema suggests.

    `classes` are (label, number of instances), `relations` (label of a thing, label of a predicate it has). Labels that
    would not read well in a sentence, markup among them, are passed over.
    """
    asked = [
        f"What is the {relation.strip()} of {thing.strip()}?"
        for thing, relation in relations
        if _reads_well(thing) and _reads_well(relation) and not _NOT_A_NOUN.fullmatch(relation.strip())
    ]
    counted = [f"How many {_plural(label.strip())} are there?" for label, n in classes if n > 1 and _reads_well(label)]
    n_counted = min(len(counted), max(2, max_questions - len(asked)))
    return tuple(dict.fromkeys(asked))[: max_questions - n_counted] + tuple(dict.fromkeys(counted))[:n_counted]


def _reads_well(label: str) -> bool:
    return len(label) <= 40 and _EVERYDAY.fullmatch(label.strip()) is not None


def _plural(noun: str) -> str:
    irregular = {"person": "people", "child": "children", "man": "men", "woman": "women"}
    head, last = noun[: noun.rfind(" ") + 1], noun[noun.rfind(" ") + 1 :]
    if last.lower() in irregular:
        return head + irregular[last.lower()]
    if re.search(r"[^aeiou]y$", last):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search(r"(?:[sx]|ch|sh)$", last) else "s")


# -- the conversation


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of the conversation with its prediction, or with one line on why there is none."""

    question: str
    prediction: Prediction | None = None
    failure: str = ""
