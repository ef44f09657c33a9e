"""The law that matters most: the index answers what SPARQL answers, for every kind of query the enumerator makes."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from kgqa.datatypes import (
    RDF_TYPE,
    RDFS,
    XSD,
    EntityCandidate,
    EntityLink,
    Mention,
    Operator,
    Term,
    ValueRange,
    iri,
    literal,
)
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path, Schema
from kgqa.index.values import days_since_epoch
from kgqa.protocols import Triple
from kgqa.reasoning.cues import Cues
from kgqa.reasoning.enumeration import Enumerator, anchors_of
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph, Result
from kgqa.reasoning.sparql import to_sparql
from kgqa.retrieval.paths import PathRetriever
from kgqa.stores.oxigraph import OxigraphStore

E = "http://example.org/"
ENTITIES = [iri(f"{E}e{i}") for i in range(8)]
BLANKS = [Term("bnode", "b0"), Term("bnode", "b1")]
CLASSES = [iri(f"{E}{name}") for name in ("Animal", "Dog", "Place")]
LINKS = [iri(f"{E}{name}") for name in ("knows", "near")]
SIZE, BORN, NOTE, WILD, LASTS = (iri(f"{E}{name}") for name in ("size", "born", "note", "wild", "lasts"))
NUMBERS = [
    *(literal(str(n), XSD + "integer") for n in (-2, 0, 1, 2, 3, 10)),
    literal("2.5", XSD + "decimal"),
    literal("3", XSD + "decimal"),
    literal("10", XSD + "double"),
]
DATES = [
    literal("1999", XSD + "gYear"),
    literal("2001", XSD + "gYear"),
    literal("2001Z", XSD + "gYear"),
    literal("2001-01-01+02:00", XSD + "date"),
    literal("2001-05", XSD + "gYearMonth"),
    *(literal(day, XSD + "date") for day in ("1999-12-31", "2001-01-01", "2001-05-02", "2002-03-04")),
    *(literal(f"2001-05-02T{time}", XSD + "dateTime") for time in ("00:00:00", "10:20:30", "23:59:59Z")),
]
TEXTS = [literal("red"), literal("red", lang="en"), literal("3"), literal("2001-05-02")]
ODD = [literal("abc", XSD + "integer"), literal("2001-13-40", XSD + "date"), literal("INF", XSD + "double")]
DURATIONS = [literal(text, XSD + "dayTimeDuration") for text in ("PT5S", "PT1H", "PT1H30M", "P1D")]
TRUTHS = [literal("true", XSD + "boolean"), literal("false", XSD + "boolean")]

LAW = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.generate, Phase.shrink],
)
Statement = tuple[Term, Term, Term]


@st.composite
def graphs(draw: st.DrawFn) -> list[Triple]:
    """Small graphs: 8 entities, two blank nodes, two link predicates, and values that may be clean or mixed."""
    subjects = st.sampled_from([*ENTITIES, *BLANKS])
    clean = draw(st.booleans())
    numbers = st.sampled_from(NUMBERS[:6] if clean else [*NUMBERS, *TEXTS, *ODD, *DATES[:3], *TRUTHS])
    dates = st.sampled_from(DATES[5:9] if clean else [*DATES, *ODD, *NUMBERS[:2], *TEXTS, ENTITIES[0]])

    def some(p: Term, values: st.SearchStrategy[Term], most: int) -> list[Statement]:
        rows = draw(st.lists(st.tuples(subjects, values), max_size=most))
        return [(s, p, o) for s, o in rows]

    triples: list[Statement] = [(CLASSES[1], iri(RDFS + "subClassOf"), CLASSES[0])]
    triples += [(ENTITIES[0], iri(RDF_TYPE), CLASSES[1]), (ENTITIES[0], LINKS[0], ENTITIES[1])]
    triples += some(iri(RDF_TYPE), st.sampled_from(CLASSES), 10)
    for link in LINKS:
        triples += some(link, subjects, 10)
    triples += some(SIZE, numbers, 10)
    triples += some(BORN, dates, 8)
    triples += some(LASTS, st.sampled_from(DURATIONS), 5)
    triples += some(NOTE, st.sampled_from(TEXTS), 4)
    triples += some(WILD, st.sampled_from(TRUTHS if clean else [*TRUTHS, NUMBERS[2], ODD[0]]), 4)
    return triples


RANGES = [
    ValueRange("number", 2.0, 2.0),
    ValueRange("number", low=2.0),
    ValueRange("number", low=2.0, low_inclusive=False),
    ValueRange("number", high=2.5, high_inclusive=False),
    ValueRange("number", 1.0, 3.0),
    ValueRange("date", days_since_epoch(2001), days_since_epoch(2002), True, False),
    ValueRange("date", days_since_epoch(2001, 5, 2), days_since_epoch(2001, 5, 3), True, False),
    ValueRange("date", low=days_since_epoch(2001, 5, 3)),
    ValueRange("date", high=days_since_epoch(2001), high_inclusive=False),
]

_FLAGS = ("count", "ask", "other", "both", "negation", "compare", "order", "high", "low", "early", "late")


@st.composite
def cues(draw: st.DrawFn) -> Cues:
    flags = {name: draw(st.booleans()) for name in _FLAGS}
    return Cues(
        **flags,
        denied_from=draw(st.sampled_from([-1, 0, 12])),
        superlative=draw(st.booleans()),
        rank=draw(st.sampled_from([1, 1, 2, 3])),
        n_best=draw(st.sampled_from([None, None, 2])),
        wh=frozenset(),
    )


def check(query: QueryGraph, index: GraphIndex, store: OxigraphStore) -> None:
    """Assert that the index and the SPARQL text of `query` give the same result."""
    result = Executor(index).run(query)
    text = to_sparql(query, index)
    if query.operator == "ask":
        assert store.ask(text) == result.truth, text
        return
    rows = [row[0] for row in store.select(text)]
    if query.operator == "count":
        assert [int(row.value) for row in rows if row] == [result.count], text
        return
    got, wanted = [term for term in rows if term], [index.term(n) for n in result.nodes.tolist()]
    assert len(set(wanted)) == len(wanted), "an answer is given twice"
    assert not any(term.kind == "bnode" for term in got + wanted), "a blank node is an answer"
    if query.operator != "order":
        assert set(got) == set(wanted), text
        assert len(got) == len(wanted), text
        return
    assert len(got) == len(wanted), text
    value_of = _sort_values(query, index)
    assert [value_of[term] for term in got] == [value_of[term] for term in wanted], text
    if query.n_best is None:
        assert set(got) == set(wanted), text


def _sort_values(query: QueryGraph, index: GraphIndex) -> dict[Term, float]:
    """Each sorted thing -> its value, by way of the unlimited query."""
    everything: Result = Executor(index).run(QueryGraph(**{**_fields(query), "n_best": None}))  # type: ignore[arg-type]
    return {index.term(n): v for n, v in zip(everything.nodes.tolist(), everything.values, strict=True)}


def _fields(query: QueryGraph) -> dict[str, object]:
    return {name: getattr(query, name) for name in QueryGraph.__dataclass_fields__}


def links_of(index: GraphIndex, chosen: list[Term], ranges: list[ValueRange]) -> tuple[EntityLink, ...]:
    """One link a term, side by side in a question that nobody reads."""
    found = []
    for place, term in enumerate(chosen):
        node = next(n for n in range(index.n_terms) if index.term(n) == term)
        kind = "class" if node in index.class_sizes else "literal" if term.kind == "literal" else "entity"
        candidate = EntityCandidate(term, term.value, 1.0, kind, node=node)  # type: ignore[arg-type]
        found.append(EntityLink(Mention(2 * place, 2 * place + 1, "x"), (candidate,)))
    for place, span in enumerate(ranges, start=len(chosen)):
        value = EntityCandidate(literal("5"), "5", 1.0, "value", range=span)
        found.append(EntityLink(Mention(2 * place, 2 * place + 1, "5"), (value,)))
    return tuple(found)


def signature(query: QueryGraph) -> tuple[object, ...]:
    """What makes two queries of one kind, so that a few of each kind are checked."""
    kinds = tuple(c.kind + ("+" if len(c.nodes) > 1 else "") for c in query.constraints)
    flags = (bool(query.projection), bool(query.exclude), len(query.among), bool(query.shared))
    return query.operator, kinds, flags, bool(query.sort), query.sort_by_count, query.rank > 1, query.n_best


@settings(LAW, max_examples=60)
@given(data=st.data(), triples=graphs(), hints=cues())
def test_every_enumerated_query_answers_what_its_sparql_answers(
    data: st.DataObject, triples: list[Triple], hints: Cues
) -> None:
    index, store = GraphIndex.from_triples(triples), OxigraphStore.in_memory(triples)
    schema = Schema(index)
    assume(schema.relations)
    terms = [index.term(n) for n in range(index.n_terms)]
    eligible = [t for t in terms if t in ENTITIES or t in TEXTS or index.find(t.value) in index.class_sizes]
    assume(eligible)
    chosen = data.draw(st.lists(st.sampled_from(eligible), min_size=1, max_size=3, unique=True))
    ranges = data.draw(st.lists(st.sampled_from(RANGES), max_size=1))
    links = links_of(index, chosen, ranges)
    scores = np.linspace(1.0, 0.0, len(schema.relations)).astype(np.float32)
    scores = scores[np.array(data.draw(st.permutations(range(len(scores)))), int)]
    class_scores = dict.fromkeys(index.class_sizes, 0.5)
    enumerator = Enumerator(index, schema, links, hints, scores, class_scores)
    retriever = PathRetriever(index, schema)
    paths = {a: retriever.retrieve(a.node, scores) if a.kind != "class" else [] for a in anchors_of(links)}
    per_kind: dict[tuple[object, ...], int] = {}
    for candidate in enumerator.enumerate(paths):
        kind = signature(candidate.query)
        per_kind[kind] = per_kind.get(kind, 0) + 1
        if per_kind[kind] <= 3:
            event(candidate.query.operator)
            check(candidate.query, index, store)


@st.composite
def queries(draw: st.DrawFn, index: GraphIndex) -> QueryGraph:
    """Query graphs of every operator and constraint kind, also such as have no answers."""
    predicates = {index.text_of(int(t)): p for p, t in enumerate(index.pred_terms.tolist())}
    links = [predicates[p.value] for p in LINKS if p.value in predicates]
    valued = {t.value: predicates[t.value] for t in (SIZE, BORN, WILD, NOTE, LASTS) if t.value in predicates}
    entities = [n for n in range(index.n_terms) if index.term(n) in ENTITIES]
    assume(links and len(entities) >= 2 and index.class_sizes)
    hop = st.tuples(st.sampled_from(links), st.booleans())
    hops = st.lists(hop, min_size=1, max_size=2).map(tuple)
    node = st.sampled_from(entities)

    def to_value(*names: Term) -> Path | None:
        found = [valued[name.value] for name in names if name.value in valued]
        if not found:
            return None
        return (*draw(st.lists(hop, max_size=1)), (draw(st.sampled_from(found)), False))

    def constraint() -> Constraint:
        kind = draw(st.sampled_from(["node", "class", "exists", "count", "range", "truth", "not", "missing"]))
        if kind == "class":
            return Constraint("class", nodes=(draw(st.sampled_from(sorted(index.class_sizes))),))
        if kind == "count":
            spans = [span for span in RANGES if span.kind == "number"]
            return Constraint("count", draw(hops), range=draw(st.sampled_from(spans)))
        if kind == "range" and (path := to_value(SIZE, BORN, LASTS)):
            return Constraint("range", path, range=draw(st.sampled_from(RANGES)))
        if kind == "truth" and (path := to_value(WILD)):
            return Constraint("truth", path, truth=draw(st.booleans()))
        if kind in ("exists", "missing"):
            return Constraint(kind, draw(hops))  # type: ignore[arg-type]
        if kind == "not":
            return Constraint("not", draw(hops), tuple(sorted(draw(st.sets(node, min_size=1, max_size=2)))))
        return Constraint("node", draw(hops), tuple(sorted(draw(st.sets(node, min_size=1, max_size=2)))))

    constraints = tuple(constraint() for _ in range(draw(st.integers(1, 3))))
    assume(constraints[0].kind not in ("not", "missing"))  # a denial only narrows what another constraint finds
    operators: list[Operator] = ["list", "count", "ask", "superlative", "order", "compare"]
    operator = draw(st.sampled_from(operators))
    by_count = draw(st.booleans())
    sort = draw(hops) if by_count else to_value(SIZE, BORN, LASTS)
    descending = draw(st.booleans())
    two = tuple(draw(st.lists(node, min_size=2, max_size=2, unique=True)))
    if operator in ("list", "count"):
        projection = draw(st.one_of(st.just(()), hops))
        if draw(st.booleans()) and (path := to_value(SIZE, BORN, NOTE)):
            projection = path
        exclude = tuple(draw(st.lists(st.sampled_from(range(index.n_terms)), max_size=2, unique=True)))
        return QueryGraph(operator, constraints, projection=projection, exclude=exclude)
    if operator == "ask":
        form = draw(st.sampled_from(["plain", "among", "shared", "sort"]))
        if form == "shared":
            return QueryGraph("ask", among=two, shared=draw(hops))
        if form == "sort" and sort:
            return QueryGraph("ask", among=two, sort=sort, sort_by_count=by_count, descending=descending)
        return QueryGraph("ask", constraints, among=two[:1] if form == "among" else ())
    if sort is None:
        return QueryGraph("list", constraints)
    base = {"sort": sort, "sort_by_count": by_count, "descending": descending}
    if operator == "compare":
        return QueryGraph("compare", among=tuple(sorted(two)), **base)  # type: ignore[arg-type]
    if operator == "order":
        return QueryGraph("order", constraints, n_best=draw(st.sampled_from([None, 1, 3])), **base)  # type: ignore[arg-type]
    projection = draw(st.one_of(st.just(()), hops, st.just(sort)))
    rank = draw(st.integers(1, 4))
    return QueryGraph("superlative", constraints, projection=projection, rank=rank, **base)  # type: ignore[arg-type]


@settings(LAW, max_examples=400)
@given(data=st.data(), triples=graphs())
def test_any_well_formed_query_answers_what_its_sparql_answers(data: st.DataObject, triples: list[Triple]) -> None:
    index = GraphIndex.from_triples(triples)
    query = data.draw(queries(index))
    event(f"{query.operator}, answers: {not Executor(index).run(query).is_empty}")
    check(query, index, OxigraphStore.in_memory(triples))
