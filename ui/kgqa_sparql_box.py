"""The page's SPARQL box: a query that the user writes, its result as a table of plain text."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

import kgqa_rendering as rendering
from kgqa.datatypes import Term
from kgqa.errors import KGQAError
from kgqa.stores.free_sparql import SparqlLimits, SparqlWorker
from kgqa.stores.manifest import MANIFEST_FILE
from kgqa.stores.sparql_results import QueryResult

LIMITS = SparqlLimits(timeout_s=8.0, max_rows=1000, max_bytes=4 << 20)
MAX_QUERY_CHARS = 20_000
MAX_CELL_CHARS = 500
EXAMPLE = "SELECT ?thing ?class WHERE { ?thing a ?class } LIMIT 20"

log = logging.getLogger("kgqa.ui")


def show(folder: Path) -> None:
    """Show the box for the graph in a graph folder, folded until it is opened."""
    state = st.session_state
    if state.get("sparql_folder") != str(folder):
        state["sparql_folder"] = str(folder)
        state.pop("sparql_outcome", None)
    with st.expander("Ask in SPARQL", type="compact", expanded="sparql_outcome" in state):
        with st.form("sparql", border=False):
            query = st.text_area("Query", EXAMPLE, max_chars=MAX_QUERY_CHARS, height=140, key="sparql_query")
            asked = st.form_submit_button("Run")
        st.text(f"Read-only, for at most {LIMITS.timeout_s:g} seconds and {LIMITS.max_rows:,} rows.")
        if asked and query.strip():
            with st.spinner("Running the query…"):
                state["sparql_outcome"] = _run(folder, query)
        if (outcome := state.get("sparql_outcome")) is not None:
            _show_outcome(outcome)


@st.cache_resource(max_entries=4, show_spinner=False)
def _worker(folder: str, version: int) -> SparqlWorker:
    del version  # part of the cache key only: a graph that is loaded anew gets a new worker
    return SparqlWorker(Path(folder), LIMITS)


def _run(folder: Path, query: str) -> QueryResult | str:
    """Return the result, or one line that says why there is none."""
    try:
        return _worker(str(folder), (folder / MANIFEST_FILE).stat().st_mtime_ns).run(query)
    except KGQAError as error:
        return rendering.plain(str(error), max_chars=400)
    except Exception:
        log.exception("a SPARQL query failed")
        return "This query could not be run. The server's log says why."


def _show_outcome(outcome: QueryResult | str) -> None:
    if isinstance(outcome, str):
        with st.container(key="failure-sparql"):
            st.text(outcome)
        return
    if outcome.truth is not None:
        st.text("Yes" if outcome.truth else "No")
        return
    more = ", the first ones only" if outcome.truncated else ""
    st.text(rendering.count_text(len(outcome.rows), "row") + more)
    if outcome.rows and outcome.variables:
        names = [rendering.plain(name, max_chars=60) for name in outcome.variables]
        columns = {name: [_cell(row[place]) for row in outcome.rows] for place, name in enumerate(names)}
        st.dataframe(columns, hide_index=True, height=min(36 * (len(outcome.rows) + 1), 360))


def _cell(term: Term | None) -> str:
    if term is None:
        return ""
    text = term.value if term.kind == "literal" else term.n3()
    return rendering.plain(text, max_chars=MAX_CELL_CHARS)
