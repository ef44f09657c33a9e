"""`kgqa sparql`: one SPARQL query over a graph, read-only and under limits."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from kgqa.errors import QueryError, UnknownGraphError

if TYPE_CHECKING:
    from kgqa.datatypes import Term
    from kgqa.stores.free_sparql import SparqlLimits
    from kgqa.stores.sparql_results import QueryResult


def sparql(
    query: Annotated[str, typer.Argument(help="The query: SELECT, ASK, CONSTRUCT or DESCRIBE; - reads it from stdin.")],
    graph: Annotated[
        list[str] | None,
        typer.Option("--graph", "-g", help="A graph's name or an RDF file; several are merged. [default: world]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print SPARQL 1.1 JSON results.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds after which the query is stopped.")] = 8,
    max_rows: Annotated[int, typer.Option("--max-rows", min=1, help="How many rows are shown at most.")] = 10_000,
) -> None:
    """Run one SPARQL query, read-only. SERVICE, FROM of what is not loaded, and updates are refused."""
    from kgqa.config import VARIABLES, load_settings
    from kgqa.stores.catalog import Catalog
    from kgqa.stores.free_sparql import SparqlLimits, SparqlWorker

    settings = load_settings(os.environ)
    if settings.data_folder is not None:
        os.environ[VARIABLES["data_folder"]] = str(settings.data_folder)
    limits = SparqlLimits(timeout_s=timeout, max_rows=max_rows)
    text = sys.stdin.read() if query == "-" else query
    names = graph or ["world"]
    if any("://" in name for name in names):
        result = _ask_endpoint(names, text, limits)
    else:
        folder = Catalog().open(names, label_predicates=settings.label_predicates).folder
        with SparqlWorker(folder, limits) as worker:
            result = worker.run(text)
    _print(result, as_json=as_json)


def _ask_endpoint(names: list[str], query: str, limits: SparqlLimits) -> QueryResult:
    from kgqa.stores.endpoint import EndpointLimits, EndpointStore
    from kgqa.stores.free_sparql import SparqlWorker

    if len(names) != 1:
        raise UnknownGraphError("a SPARQL endpoint is asked alone; it cannot be merged with other graphs")
    store = EndpointStore.from_environment(names[0], limits=EndpointLimits(timeout_s=limits.timeout_s))
    with SparqlWorker(None, limits) as worker:
        text, kind = worker.check(query)
    if kind not in ("SELECT", "ASK"):
        raise QueryError("only SELECT and ASK queries are sent to an endpoint")
    result = store.run(text)
    more = len(result.rows) > limits.max_rows
    return replace(result, rows=result.rows[: limits.max_rows], truncated=result.truncated or more)


def _print(result: QueryResult, *, as_json: bool) -> None:
    from kgqa.stores.sparql_results import result_to_json
    from kgqa.terminal import json_line

    if as_json:
        typer.echo(json_line(result_to_json(result)))
    elif result.truth is not None:
        typer.echo("yes" if result.truth else "no")
    else:
        _print_table(result)
    if result.truncated:
        typer.echo(f"kgqa: only the first {len(result.rows):,} rows are shown", err=True)


def _print_table(result: QueryResult) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from kgqa.terminal import plain

    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for name in result.variables:
        table.add_column(Text(plain(name)), overflow="fold")
    for row in result.rows:
        table.add_row(*(Text(plain(_cell(term))) for term in row))
    console = Console(markup=False, highlight=False, emoji=False)
    if result.variables:
        console.print(table)
    n = len(result.rows)
    console.print(Text(f"{n:,} row" if n == 1 else f"{n:,} rows", style="dim"))


def _cell(term: Term | None) -> str:
    """Return a term as one cell: an IRI in angle brackets, a literal's own text with its language, or nothing."""
    if term is None:
        return ""
    if term.kind == "literal":
        return f"{term.value} (@{term.lang})" if term.lang else term.value
    return term.n3()


__all__ = ["sparql"]
