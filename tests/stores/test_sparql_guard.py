from __future__ import annotations

import pytest

from kgqa.errors import QueryError
from kgqa.stores.sparql_guard import check_query

SERVICE = "SERVICE <http://127.0.0.1:8777/svc> { ?s ?p ?o }"
EXISTS = f"EXISTS {{ {SERVICE} }}"
PATTERNS = (
    SERVICE, f"OPTIONAL {{ {SERVICE} }}", f"MINUS {{ {SERVICE} }}", f"{{ }} UNION {{ }} UNION {{ {SERVICE} }}",
    f"GRAPH ?g {{ {SERVICE} }}", f"{{ SELECT * {{ {SERVICE} }} }}", f"FILTER {EXISTS}", f"FILTER NOT {EXISTS}",
    f"?a ?b ?c FILTER(?a = 1) . {SERVICE} . ?d ?e ?f", f"VALUES ?x {{ 1 }} {SERVICE}", f"BIND(1 AS ?z) {SERVICE}",
    f"?a ?b [ ?c ?d ], (1 2) . OPTIONAL {{ FILTER({EXISTS}) }}", f"{{ SELECT ({EXISTS} AS ?q) {{}} }}",
    "SERVICE SILENT <http://127.0.0.1:8777/svc> { }", "VALUES ?u { <http://127.0.0.1:8777/svc> } SERVICE ?u { }",
)  # fmt: skip
EXPRESSIONS = (
    EXISTS, f"!({EXISTS})", f"1 + ({EXISTS})", f"1 * 2 / ({EXISTS})", f"2 -1 + ({EXISTS})", f"-({EXISTS})",
    f"1 = ({EXISTS})", f"({EXISTS}) || true", f"1 IN (2, ({EXISTS}))", f"1 NOT IN (({EXISTS}))", f"IF(1, {EXISTS}, 2)",
    f"COALESCE(1, {EXISTS})", f"CONCAT('a', STR({EXISTS}))", f"REGEX('a', STR({EXISTS}), 'i')",
    f"REPLACE('a', 'b', STR({EXISTS}))", f"SUBSTR('a', 1, ({EXISTS}))", f"STRDT(STR({EXISTS}), <http://e/d>)",
    f"<http://e/f>(1, ({EXISTS}))", f"<http://e/f>(DISTINCT ({EXISTS}))", f"BNODE(STR({EXISTS}))",
)  # fmt: skip
AGGREGATES = (
    f"COUNT({EXISTS})", f"COUNT(DISTINCT ({EXISTS}))", f"SUM({EXISTS})", f"SAMPLE({EXISTS})",
    f"GROUP_CONCAT(STR({EXISTS}); SEPARATOR=',')", f"MAX(IF(1, 2, {EXISTS}))",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("form", ["SELECT *", "ASK", "CONSTRUCT { ?s ?p ?o } WHERE", "DESCRIBE ?s WHERE"])
def test_service_is_refused_wherever_a_pattern_may_stand(form: str, pattern: str) -> None:
    with pytest.raises(QueryError, match="SERVICE is refused"):
        check_query(f"{form} {{ {pattern} }}")


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize(
    "place",
    [
        "SELECT * {{ FILTER({}) }}",
        "SELECT * {{ BIND({} AS ?z) }}",
        "SELECT ({} AS ?z) {{}}",
        "SELECT * {{}} ORDER BY DESC({})",
        "SELECT ?x {{}} GROUP BY ?x HAVING ({})",
        "SELECT ?x {{}} GROUP BY ({} AS ?x)",
    ],
)
def test_service_is_refused_wherever_an_expression_may_stand(place: str, expression: str) -> None:
    with pytest.raises(QueryError, match="SERVICE is refused"):
        check_query(place.format(expression))


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize(
    "place",
    [
        "SELECT ({} AS ?z) {{}}",
        "SELECT ?x {{}} GROUP BY ?x HAVING ({} > 1)",
        "SELECT ?x {{}} GROUP BY ?x ORDER BY ({})",
    ],
)
def test_service_is_refused_within_an_aggregate(place: str, aggregate: str) -> None:
    with pytest.raises(QueryError, match="SERVICE is refused"):
        check_query(place.format(aggregate))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { \\u0053ERVICE <http://127.0.0.1:8777/svc> { } }",
        "SELECT * { \\U00000053ERVICE <http://127.0.0.1:8777/svc> { } }",
        "SELECT * { sErViCe <http://127.0.0.1:8777/svc> { } }",
        "SELECT * { # a comment that ends here:\rSERVICE <http://127.0.0.1:8777/svc> { } }",
        "SELECT * {\nSERVICE\n# a comment\n<http://127.0.0.1:8777/svc>{}}",
    ],
    ids=["escape", "long escape", "case", "after a carriage return", "comment between"],
)
def test_a_disguised_service_is_refused(query: str) -> None:
    with pytest.raises(QueryError, match="SERVICE is refused"):
        check_query(query)


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * { ?s ?p "SERVICE <http://e/> { }" }',
        "SELECT * { ?s ?p ?service } # SERVICE <http://e/> { }",
        "SELECT * { ?s <http://e/SERVICE> ?o }",
        "PREFIX SERVICE: <http://e/> SELECT * { ?s SERVICE:LOAD ?o }",
        "SELECT (COUNT(*) AS ?DROP) { ?s ?p ?o }",
    ],
    ids=["string", "comment", "IRI", "prefix", "variable"],
)
def test_a_word_alone_is_no_reason_to_refuse(query: str) -> None:
    assert check_query(query).text == query


@pytest.mark.parametrize(
    "query",
    [
        "INSERT DATA { <http://e/a> <http://e/b> 1 }", "DELETE WHERE { ?s ?p ?o }", "DROP ALL", "CLEAR DEFAULT",
        "LOAD <http://127.0.0.1:8777/ttl>", "CREATE GRAPH <http://e/g>", "COPY <http://e/g> TO DEFAULT",
        "DELETE { ?s ?p ?o } INSERT { ?s ?p 1 } WHERE { ?s ?p ?o }",
    ],
)  # fmt: skip
def test_every_update_is_refused_by_name(query: str) -> None:
    with pytest.raises(QueryError, match="updates are refused"):
        check_query(query)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT * { ?s ?p ?o }", "SELECT"),
        ("ASK { ?s ?p ?o }", "ASK"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "CONSTRUCT"),
        ("DESCRIBE <http://e/a>", "DESCRIBE"),
    ],
)
def test_the_four_kinds_of_query_are_told_apart(query: str, kind: str) -> None:
    assert check_query(query).kind == kind


@pytest.mark.parametrize(
    "clause", ["FROM <http://e/g>", "FROM NAMED <http://e/g>", "FROM e:g", "FROM NAMED <g>"],
)  # fmt: skip
def test_from_is_read_by_the_name_it_resolves_to(clause: str) -> None:
    query = f"BASE <http://e/>\nPREFIX e: <http://e/>\nSELECT * {clause} {{ ?s ?p ?o }}"
    assert check_query(query, graphs={"http://e/g"}).kind == "SELECT"
    with pytest.raises(QueryError, match="FROM .*<http://e/g> is refused"):
        check_query(query, graphs={"http://e/other"})


def test_what_is_run_is_what_was_parsed() -> None:
    checked = check_query('SELECT * { ?s ?p "\\u0041" }\r\n# end')
    assert checked.text == 'SELECT * { ?s ?p "A" }\n# end'


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT * { ?s ?p ?o } # \\u005Cu000A SERVICE <http://e/> { }", "an escape within an escape"),
        ("SELECT * { ?s ?p '\\UFFFFFFFF' }", "an escape that is no character"),
        ("SELECT * { ?s ?p '\\uD800' }", "an escape that is no character"),
        ("SELECT * { ?s ?p ?o }\0", "a NUL character"),
        ("SELECT * { ?s e:p ?o } ; DROP ALL", "line 1, column 24"),
        ("SELECT * FROM e:g { ?s ?p ?o }", "Unknown namespace prefix"),
        ("SELECT " + " " * 1_000_001, "at most 1,000,000 are read"),
    ],
)
def test_odd_text_is_refused_with_its_reason(query: str, reason: str) -> None:
    with pytest.raises(QueryError, match=reason) as caught:
        check_query(query)
    assert "\n" not in str(caught.value)
