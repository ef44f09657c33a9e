"""What every `GraphStore` promises; each test runs against every implementation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
import rdflib

from kgqa.datatypes import RDF_TYPE, XSD, XSD_BOOLEAN, XSD_INTEGER, Term, iri, literal
from kgqa.errors import QueryError
from kgqa.protocols import GraphStore, Triple
from kgqa.stores.endpoint import EndpointLimits, EndpointStore
from kgqa.stores.loading import load_graph
from kgqa.stores.oxigraph import OxigraphStore, canonical_literals, from_oxigraph, to_oxigraph
from kgqa.stores.rdflib_store import RdflibStore

# rdflib's own Dataset.triples uses what rdflib itself deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Dataset.default_context is deprecated:DeprecationWarning")

E = "http://example.org/"
ANNA, BEN, CARA = iri(E + "anna"), iri(E + "ben"), iri(E + "cara")
PARENT_OF, NAME, AGE, HEIGHT, BORN, MET = (
    iri(E + name) for name in ("parentOf", "name", "age", "height", "born", "met")
)
SOMEONE = Term("bnode", "b0")

FAMILY: tuple[Triple, ...] = (
    (ANNA, iri(RDF_TYPE), iri(E + "Person")),
    (ANNA, PARENT_OF, BEN),
    (ANNA, PARENT_OF, CARA),
    (ANNA, NAME, literal("Anna", lang="en")),
    (ANNA, NAME, literal('An "na"\n\\', lang="de-at")),
    (ANNA, NAME, literal("")),
    (ANNA, AGE, literal("061", XSD_INTEGER)),
    (BEN, AGE, literal("33", XSD + "int")),
    (CARA, AGE, literal("thirty", XSD_INTEGER)),
    (ANNA, HEIGHT, literal("01.70", XSD + "decimal")),
    (BEN, BORN, literal("1993-05-01+00:00", XSD + "date")),
    (BEN, MET, SOMEONE),
    (SOMEONE, NAME, literal("Zoë 🦊")),
    (CARA, iri(E + "alive"), literal("1", XSD_BOOLEAN)),
)

MakeStore = Callable[[Sequence[Triple]], GraphStore]


def _rdflib_node(term: Term) -> rdflib.term.IdentifiedNode | rdflib.Literal:
    if term.kind == "uri":
        return rdflib.URIRef(term.value)
    if term.kind == "bnode":
        return rdflib.BNode(term.value)
    datatype = rdflib.URIRef(term.datatype) if term.datatype else None
    return rdflib.Literal(term.value, lang=term.lang, datatype=datatype, normalize=False)


def _as_spelled(store: GraphStore, term: Term) -> Term:
    """A literal as it was written; of an endpoint, as its engine spells it, here Oxigraph."""
    if not isinstance(store, EndpointStore) or term.kind != "literal":
        return term
    written = to_oxigraph(term)
    assert isinstance(written, ox.Literal)
    return from_oxigraph(canonical_literals([written])[written])


@pytest.fixture(params=["oxigraph-memory", "oxigraph-disk", "rdflib-graph", "rdflib-dataset", "endpoint"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    def oxigraph_disk(triples: Sequence[Triple]) -> GraphStore:
        """The triples as N-Quads, the first of them in two named graphs, through a whole load."""
        first = " ".join(term.n3() for term in triples[0])
        lines = [" ".join(term.n3() for term in triple) + " ." for triple in triples]
        lines += [f"{first} <http://g/1> .", f"{first} <http://g/2> ."]
        (tmp_path / "in.nq").write_text("\n".join(lines), encoding="utf-8")
        load_graph([tmp_path / "in.nq"], tmp_path / "graph")
        return OxigraphStore.open(tmp_path / "graph")

    def rdflib_graph(triples: Sequence[Triple]) -> GraphStore:
        graph = rdflib.Graph()
        for s, p, o in triples:
            graph.add((_rdflib_node(s), _rdflib_node(p), _rdflib_node(o)))
        return RdflibStore(graph)

    def rdflib_dataset(triples: Sequence[Triple]) -> GraphStore:
        """Every second triple in the default graph, the others in one named graph, the first in two more."""
        dataset = rdflib.Dataset()
        named = [dataset.graph(rdflib.URIRef(f"http://g/{i}")) for i in range(3)]
        for i, (s, p, o) in enumerate(triples):
            target = named[0] if i % 2 else dataset.default_graph
            target.add((_rdflib_node(s), _rdflib_node(p), _rdflib_node(o)))
        for graph in named[1:]:
            s, p, o = triples[0]
            graph.add((_rdflib_node(s), _rdflib_node(p), _rdflib_node(o)))
        return RdflibStore(dataset)

    def endpoint(triples: Sequence[Triple]) -> GraphStore:
        """The triples in the default graph of a server, and read in pages of five."""
        url: str = request.getfixturevalue("writable_endpoint")
        content = "".join(" ".join(term.n3() for term in triple) + " .\n" for triple in triples)
        httpx.put(
            url.replace("/query", "/store?default"),
            content=content.encode(),
            headers={"Content-Type": "application/n-triples"},
        ).raise_for_status()
        return EndpointStore(url, allowed=["127.0.0.1"], limits=EndpointLimits(page_rows=5))

    makers: dict[str, MakeStore] = {
        "endpoint": endpoint,
        "oxigraph-memory": OxigraphStore.in_memory,
        "oxigraph-disk": oxigraph_disk,
        "rdflib-graph": rdflib_graph,
        "rdflib-dataset": rdflib_dataset,
    }
    return makers[request.param]


def _named_alike(term: Term) -> Term:
    """The one blank node of the graph under its name there: a server names blank nodes as it likes."""
    return SOMEONE if term.kind == "bnode" else term


@pytest.fixture
def family(make_store: MakeStore) -> GraphStore:
    return make_store(FAMILY)


def test_length_counts_a_triple_once_however_many_graphs_state_it(family: GraphStore) -> None:
    assert len(family) == len(FAMILY)


def test_triples_are_the_ones_put_in_with_literals_as_written(family: GraphStore) -> None:
    found = list(family.triples())
    assert len(found) == len(FAMILY)
    named_alike = {(_named_alike(s), p, _named_alike(o)) for s, p, o in found}
    assert named_alike == {(s, p, _as_spelled(family, o)) for s, p, o in FAMILY}


def test_select_reads_all_graphs_as_one_without_repeats(family: GraphStore) -> None:
    rows = family.select("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert rows == ((literal(str(len(FAMILY)), XSD_INTEGER),),)


def test_select_keeps_the_order_of_the_query(family: GraphStore) -> None:
    query = f"SELECT ?child {{ <{ANNA.value}> <{PARENT_OF.value}> ?child }} ORDER BY DESC(?child)"
    assert family.select(query) == ((CARA,), (BEN,))


def test_select_gives_columns_in_the_order_they_are_named(family: GraphStore) -> None:
    query = f"SELECT ?child ?parent {{ ?parent <{PARENT_OF.value}> ?child . FILTER(?child = <{BEN.value}>) }}"
    assert family.select(query) == ((BEN, ANNA),)


def test_an_unbound_variable_is_none(family: GraphStore) -> None:
    query = f"SELECT ?c ?born {{ ?p <{PARENT_OF.value}> ?c OPTIONAL {{ ?c <{BORN.value}> ?born }} }} ORDER BY ?c"
    born = _as_spelled(family, literal("1993-05-01+00:00", XSD + "date"))
    assert family.select(query) == ((BEN, born), (CARA, None))


@pytest.mark.parametrize(
    "triple",
    [triple for triple in FAMILY if triple[2].kind == "literal" and triple[0].kind == "uri" and triple[1] != NAME],
    ids=lambda triple: triple[2].value,
)
def test_selected_literals_are_spelled_as_in_the_graph(family: GraphStore, triple: Triple) -> None:
    rows = family.select(f"SELECT ?o {{ {triple[0].n3()} {triple[1].n3()} ?o }}")
    assert rows == ((_as_spelled(family, triple[2]),),)


def test_literals_compare_by_value_in_a_filter(family: GraphStore) -> None:
    people = f"VALUES ?s {{ <{ANNA.value}> <{BEN.value}> }}"
    rows = family.select(f"SELECT ?s {{ {people} ?s <{AGE.value}> ?age FILTER(?age > 40) }}")
    assert rows == ((ANNA,),)


def test_a_computed_value_is_not_respelled_as_one_of_the_graph(family: GraphStore) -> None:
    rows = family.select(f"SELECT (MAX(?n) AS ?top) {{ {{ SELECT (33 + 0 AS ?n) {{}} }} ?s <{AGE.value}> ?age }}")
    assert rows == ((literal("33", XSD_INTEGER),),)


def test_blank_nodes_keep_their_identity_between_rows_and_triples(family: GraphStore) -> None:
    [(someone,)] = family.select(f"SELECT ?x {{ <{BEN.value}> <{MET.value}> ?x }}")
    assert someone is not None and someone.kind == "bnode"
    if isinstance(family, EndpointStore):  # names hold within one result
        met = f"<{BEN.value}> <{MET.value}> ?x . ?y <{NAME.value}> ?name FILTER(isBlank(?y))"
        [(first, second)] = family.select(f"SELECT ?x ?y {{ {met} }}")
        assert first == second
    else:
        assert someone == SOMEONE


@pytest.mark.parametrize(("child", "expected"), [(BEN, True), (ANNA, False)], ids=["stated", "not stated"])
def test_ask_tells_whether_the_pattern_matches(family: GraphStore, child: Term, expected: bool) -> None:
    assert family.ask(f"ASK {{ <{ANNA.value}> <{PARENT_OF.value}> <{child.value}> }}") is expected


@pytest.mark.parametrize("query", ["SELECT ?x WHERE {", "", "DROP ALL"], ids=["unclosed", "empty", "update"])
def test_a_query_that_cannot_be_read_raises_a_one_line_query_error(family: GraphStore, query: str) -> None:
    with pytest.raises(QueryError) as caught:
        family.select(query)
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(QueryError):
        family.ask(query)


def test_select_refuses_other_kinds_of_query(family: GraphStore) -> None:
    with pytest.raises(QueryError, match="not a SELECT query"):
        family.select("ASK { ?s ?p ?o }")
    with pytest.raises(QueryError, match="not a SELECT query|endpoint returned"):
        family.select("CONSTRUCT WHERE { ?s ?p ?o }")


def test_ask_refuses_other_kinds_of_query(family: GraphStore) -> None:
    with pytest.raises(QueryError, match="not an ASK query"):
        family.ask("SELECT * { ?s ?p ?o }")


def test_every_term_survives_the_way_through_pyoxigraph() -> None:
    """The parser is the oracle: what it reads from our N-Triples is what we convert to."""
    for triple in FAMILY:
        text = " ".join(term.n3() for term in triple) + " ."
        [quad] = ox.parse(text, ox.RdfFormat.N_TRIPLES)
        assert (quad.subject, quad.predicate, quad.object) == tuple(to_oxigraph(term) for term in triple)
