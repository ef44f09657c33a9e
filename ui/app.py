"""The page: ask a graph in plain English and see the answer with its proof. Run by `kgqa ui`.

What strangers wrote (labels, file names, questions) is shown by `st.text`, `st.code`, `st.dataframe` and ECharts only,
which never read it as markup.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

# The folder is `ui/` in a checkout and `kgqa/_ui/` in the wheel: siblings are found beside this file in both.
if str(Path(__file__).resolve().parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).resolve().parent))

import kgqa_rendering as rendering
import kgqa_sparql_box as sparql_box
from kgqa.config import load_settings
from kgqa.datatypes import Prediction, Question, Reading, Term
from kgqa.errors import KGQAError

if TYPE_CHECKING:
    from kgqa import Pipeline
    from kgqa.index.graph_index import GraphIndex

FIRST_GRAPH = "world"
EXAMPLES_FILE = "examples.json"
MAX_QUESTION_CHARS = 2000
MAX_TURNS = 30
MAX_CHIPS = 24
MAX_SENTENCES = 5
MAX_TABLE_ROWS = 10_000
UPLOAD_MAX_BYTES = 2 << 30
UPLOAD_TIMEOUT_S = 900.0
CERTAINTY_COLOURS: Mapping[rendering.Certainty, Literal["green", "orange", "gray"]] = {
    "high": "green",
    "fair": "orange",
    "low": "gray",
}

STYLE = """
<style>
[data-testid="stMainBlockContainer"] { max-width: 52rem; padding-top: 5rem; padding-bottom: 8rem; }
[data-testid="stText"] { overflow-wrap: anywhere; unicode-bidi: isolate; overflow: hidden; }
[class*="st-key-title"] [data-testid="stText"] { font-size: 1.9rem; font-weight: 650; line-height: 1.25; }
[data-testid="stMain"] { overflow-anchor: none; }
[data-testid="stAppDeployButton"] { display: none; }
[class*="st-key-question"] { margin-top: 0.6rem; }
[class*="st-key-question"] [data-testid="stText"] { font-size: 1rem; font-weight: 600; opacity: 0.72; }
[class*="st-key-answer"] [data-testid="stText"] { font-size: 1.55rem; font-weight: 650; line-height: 1.3; }
[class*="st-key-heading"] [data-testid="stText"] { font-size: 1.15rem; font-weight: 650; line-height: 1.35; }
[class*="st-key-quiet"] [data-testid="stText"] { font-size: 0.875rem; opacity: 0.72; }
[class*="st-key-chips"] [data-testid="stText"] {
  border: 1px solid rgba(128, 140, 160, 0.38); background: rgba(128, 140, 160, 0.09);
  border-radius: 0.6rem; padding: 0.28rem 0.7rem; font-weight: 550;
}
[class*="st-key-evidence"] { border-left: 3px solid rgba(31, 157, 114, 0.55); padding-left: 0.9rem; }
[class*="st-key-unsure"] { border-left: 3px solid rgba(200, 140, 40, 0.7); padding-left: 0.9rem; }
[class*="st-key-failure"] {
  border-left: 3px solid #d1495b; background: rgba(209, 73, 91, 0.09); padding: 0.6rem 0.8rem; border-radius: 0.3rem;
}
[class*="st-key-evidence"] [data-testid="stText"] { font-size: 0.95rem; }
[class*="st-key-examples"] button, [class*="st-key-examples"] button > div {
  justify-content: flex-start; text-align: left;
}
</style>
"""

# Inline: a named icon or an emoji would be fetched from another host.
ICON = (
    "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
    "<g stroke='%2398a2b0' stroke-width='2.5'><path d='M9 9L23 13M9 9L14 24M23 13L14 24'/></g>"
    "<circle cx='9' cy='9' r='5' fill='%233b82c4'/><circle cx='23' cy='13' r='5' fill='%231f9d72'/>"
    "<circle cx='14' cy='24' r='4' fill='%2398a2b0'/></svg>"
)

log = logging.getLogger("kgqa.ui")


def main() -> None:
    """Draw the page for one run of the session."""
    st.set_page_config(page_title="KGQA", page_icon=ICON, layout="centered")
    st.html(STYLE)
    _prepare_session()
    page = st.container()  # before the side bar in the document, so that a narrow window reads in this order too
    with st.sidebar:
        name = _choose_graph()
    pipeline = _open(name) if name else None
    with st.sidebar:
        if pipeline is not None:
            _summary(pipeline.graph.index)
        _upload()
    if pipeline is not None and name is not None:
        with st.sidebar:
            threshold = _choose_threshold(pipeline)
        with page:
            _conversation(_with_threshold(pipeline, threshold), name)
            sparql_box.show(pipeline.graph.folder)


def _prepare_session() -> None:
    state = st.session_state
    state.setdefault("turns", [])
    state.setdefault("n_uploads", 0)
    state.setdefault("n_asked", 0)  # numbers the turns, so that each keeps its keys when older ones are dropped
    state["n_texts"] = 0
    if loaded := state.pop("next_graph", None):  # before the select box is made: its value may not change afterwards
        state["graph"] = loaded
        state["turns"] = []


def _start_conversation() -> None:
    st.session_state["turns"] = []
    st.session_state.pop("upload_failure", None)


def _text(role: str, text: str) -> None:
    """Show text in the style of `role`: title, question, answer, heading, quiet or failure."""
    st.session_state["n_texts"] += 1
    with st.container(key=f"{role}-{st.session_state['n_texts']}"):
        st.text(text)


# -- graphs


def _choose_graph() -> str | None:
    from kgqa.stores.catalog import Catalog, shipped_files

    shipped = sorted(shipped_files(), key=lambda name: (name != FIRST_GRAPH, name))
    loaded = [name for name in Catalog().names() if name not in shipped]
    if not (names := [*shipped, *loaded]):
        st.text("No graph yet. Load a file to begin.")
        return None
    if st.session_state.get("graph") not in names:
        st.session_state["graph"] = names[0]
    chosen: str = st.selectbox("Graph", names, key="graph", on_change=_start_conversation)
    return chosen


def _version(name: str) -> int:
    """Return a number that changes when the graph of that name is loaded anew."""
    from kgqa.stores.catalog import Catalog, shipped_files
    from kgqa.stores.manifest import MANIFEST_FILE

    for path in (Catalog().graphs / name / MANIFEST_FILE, shipped_files().get(name)):
        if path is not None and path.is_file():
            return path.stat().st_mtime_ns
    return 0


@st.cache_resource(max_entries=4, show_spinner=False)
def _pipeline(name: str, version: int) -> Pipeline:
    from kgqa import Pipeline

    del version  # part of the cache key only
    settings = load_settings(os.environ)
    loaded = Pipeline.load(
        name, model=settings.model_folder, threshold=settings.threshold, n_threads=settings.n_threads
    )
    loaded("Who?")  # makes what is made on first use: copies share it, and the first answer is as quick as the next
    return loaded


def _with_threshold(pipeline: Pipeline, threshold: float) -> Pipeline:
    """Return a pipeline that shares everything but the threshold: the cached one serves other sessions too."""
    shared = copy.copy(pipeline)
    shared.threshold = threshold
    return shared


def _open(name: str) -> Pipeline | None:
    try:
        with st.spinner("Opening the graph…"):
            return _pipeline(name, _version(name))
    except KGQAError as error:
        _text("failure", rendering.plain(str(error), max_chars=400))
    except Exception:
        log.exception("graph %r could not be opened", name)
        _text("failure", "This graph could not be opened. The server's log says why; choose or load another one.")
    return None


def _summary(index: GraphIndex) -> None:
    classes, predicates = index.classes(), index.predicates()
    _text(
        "quiet",
        f"{rendering.count_text(index.n_triples, 'triple')} · "
        f"{rendering.count_text(len(classes), 'class', 'classes')} · "
        f"{rendering.count_text(len(predicates), 'relation')}",
    )
    for title, heading, counts in (("Classes", "Things", classes), ("Relations", "Facts", predicates)):
        if counts:
            with st.expander(title, type="compact"):
                shown = counts[:MAX_TABLE_ROWS]
                st.dataframe(
                    {"Name": [rendering.plain(label) for label, _ in shown], heading: [count for _, count in shown]},
                    hide_index=True,
                    height=_table_height(len(shown)),
                )


def _upload() -> None:
    state = st.session_state
    with st.expander("Load your own graph", type="compact", expanded="upload_failure" in state):
        file = st.file_uploader(
            "An RDF file: Turtle, N-Triples, N-Quads, TriG, RDF/XML or JSON-LD, also as .gz",
            key=f"upload-{state['n_uploads']}",
        )
        if file is not None:
            state.pop("upload_failure", None)
            loaded = _load(file.name, file.getbuffer())
            state["n_uploads"] += 1  # a fresh uploader, so that the file is loaded once
            if loaded is not None:
                state["next_graph"] = loaded
            st.rerun()
        if "upload_failure" in state:
            _text("failure", state["upload_failure"])
    if note := state.get("upload_note", {}).get(state.get("graph")):
        _text("quiet", note)


def _load(file_name: str, content: bytes | memoryview) -> str | None:
    """Load an uploaded file as a new graph and return its name, or None and keep the reason why it was refused."""
    from kgqa.stores.catalog import Catalog
    from kgqa.stores.guarded_reading import LoadLimits

    state = st.session_state
    progress = st.empty()

    def show_progress(n_triples: int) -> None:
        progress.text(f"Loading… {n_triples:,} triples")

    show_progress(0)
    shown_name = rendering.plain(file_name, max_chars=60) or "The file"
    name = f"{rendering.slug(file_name)}-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix="kgqa-upload-") as folder:
        path = Path(folder) / f"upload{rendering.upload_suffix(file_name)}"
        try:
            path.write_bytes(content)
            report = Catalog().load(
                [path],
                name,
                limits=LoadLimits(max_bytes=UPLOAD_MAX_BYTES, timeout_s=UPLOAD_TIMEOUT_S),
                label_predicates=load_settings(os.environ).label_predicates,
                progress=show_progress,
                replace=False,
            )
        except (KGQAError, ValueError, OSError) as error:
            state["upload_failure"] = rendering.failure_line(error, path=str(path), shown_name=shown_name)
            return None
    note = f"{shown_name} was loaded in {rendering.duration_text(1000 * report.seconds)}"
    if report.n_skipped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.skipped)
        note += f"; left out: {rendering.plain(reasons)}"
    state["upload_note"] = {name: note}
    return name


def _choose_threshold(pipeline: Pipeline) -> float:
    """Return the least confidence that counts as an answer in this session; the pipeline's own until it is changed."""
    chosen: float = st.slider(
        "Answer only when at least this sure",
        0.0,
        1.0,
        round(pipeline.threshold, 2),
        0.01,
        format="percent",
        key="threshold",
        help="Below this confidence the best reading is shown as unsure instead of as the answer.",
    )
    return pipeline.threshold if chosen == round(pipeline.threshold, 2) else chosen


# -- the conversation


def _conversation(pipeline: Pipeline, name: str) -> None:
    """Show the question box, and below it the answers, the newest first: an answer is never scrolled out of sight."""
    turns: list[rendering.Turn] = st.session_state["turns"]
    examples = _examples(name, pipeline.graph.index, _version(name))
    top = st.container()
    with st.container():  # in a container, the box stays where it is put instead of at the bottom of the window
        typed = st.chat_input("Ask a question about this graph", max_chars=MAX_QUESTION_CHARS, key="typed")
    asked = typed or st.session_state.pop("asked", None)
    if asked:
        turns.append(_ask(pipeline, asked))
        st.session_state["n_asked"] += 1
        del turns[:-MAX_TURNS]
    if turns:
        _scroll_to_top(st.session_state["n_asked"])
    if not turns:
        with top:
            _text("title", f"Ask the “{rendering.plain(name)}” graph")
            _text("quiet", "Every answer comes with the facts behind it and the query that repeats it.")
        with st.container(key="examples-first", gap="xsmall"):
            for number, example in enumerate(examples):
                _example_button(example, f"example-{number}")
        return
    n_asked = st.session_state["n_asked"]
    for age, turn in enumerate(reversed(turns)):
        if age:
            st.divider()
        _show_turn(turn, n_asked - age, pipeline, latest=age == 0)
    with st.sidebar:
        if examples:
            with st.expander("Example questions", type="compact"), st.container(key="examples-again", gap="xsmall"):
                for number, example in enumerate(examples):
                    _example_button(example, f"example-again-{number}")
        st.button("New conversation", icon=":material/add_comment:", on_click=_start_conversation, width="stretch")


def _scroll_to_top(n_asked: int) -> None:
    """Bring the newest answer into sight, once a question: a script runs again only when its text has changed."""
    script = f"document.querySelector('[data-testid=\"stMain\"]').scrollTo(0, 0); // {n_asked:d}"
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _example_button(example: str, key: str) -> None:
    st.button(
        rendering.escape_markdown(example),
        key=key,
        icon=":material/chat_bubble_outline:",
        width="stretch",
        on_click=_ask_next,
        args=(example,),
    )


def _ask_next(question: str) -> None:
    st.session_state["asked"] = question


def _ask(pipeline: Pipeline, question: str) -> rendering.Turn:
    with st.spinner("Reading the graph…"):
        try:
            return rendering.Turn(question, pipeline.answer(Question(question)))
        except KGQAError as error:
            return rendering.Turn(question, failure=rendering.plain(str(error), max_chars=400))
        except Exception:
            log.exception("question %r failed", question)
            return rendering.Turn(question, failure="This question could not be worked out. The server's log says why.")


@st.cache_data(max_entries=64, show_spinner=False)
def _examples(name: str, _index: GraphIndex, version: int) -> tuple[str, ...]:
    """Return the questions written for a shipped graph, or else questions made from the graph's schema."""
    from kgqa.stores.catalog import shipped_files

    del version  # part of the cache key only
    if path := shipped_files().get(name):
        written = path.parent / EXAMPLES_FILE
        if written.is_file():
            questions = json.loads(written.read_text(encoding="utf-8")).get(name, [])
            if questions:
                return tuple(str(question) for question in questions)
    return rendering.example_questions(_index.classes(), _relations(_index))


def _relations(index: GraphIndex, *, n_classes: int = 5, n_per_class: int = 2) -> list[tuple[str, str]]:
    """Return (label of a thing, label of a predicate it has) for the best connected things of the largest classes."""
    import numpy as np

    relations = set(index.relation_predicates)
    found = []
    for klass in sorted(index.class_sizes, key=lambda c: -index.class_sizes[c])[:n_classes]:
        members = index.instances(klass)[:500].tolist()
        for node in sorted(members, key=lambda member: (-index.degree(member), member))[:1]:
            leaving, _ = index.incident(np.array([node], np.int32))
            found += [(index.label(node), index.predicate_labels[p]) for p in sorted(leaving & relations)[:n_per_class]]
    return found


# -- one turn


def _show_turn(turn: rendering.Turn, number: int, pipeline: Pipeline, *, latest: bool) -> None:
    _text("question", rendering.plain(turn.question, max_chars=MAX_QUESTION_CHARS))
    if turn.prediction is None:
        _text("failure", turn.failure)
        return
    answered = turn.prediction.status == "answered"
    if answered:
        _show_answers(turn.prediction, number)
    else:
        _show_no_answer(turn.prediction, number)
    with st.container(key=f"proof-{number}", gap="xxsmall"):
        _show_proof(turn.prediction, number, pipeline.graph.index, draw=latest and answered)


def _show_answers(prediction: Prediction, number: int) -> None:
    answers = prediction.answers
    labels = [rendering.answer_label(answer) for answer in answers]
    if len(answers) == 1:
        _text("answer", labels[0])
        if answers[0].term.kind == "uri":
            _text("quiet", rendering.plain(answers[0].term.value, max_chars=300))
    else:
        _text("heading", rendering.count_text(len(answers), "answer"))
        if rendering.is_ranked(prediction):
            labels = [f"{place}. {label}" for place, label in enumerate(labels, 1)]
        with st.container(key=f"chips-{number}", horizontal=True, gap="xsmall"):
            for label in labels[:MAX_CHIPS]:
                st.text(label)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        colour = CERTAINTY_COLOURS[rendering.certainty(prediction.confidence)]
        st.badge(rendering.confidence_text(prediction.confidence), color=colour)
        _text("quiet", f"in {rendering.duration_text(prediction.latency_ms)}")
    if (reading := rendering.chosen_reading(prediction)) is not None:
        _text("quiet", f"Read as: {rendering.reading_text(reading)}")
    if len(answers) > MAX_CHIPS:
        with st.expander(f"All {len(answers):,} answers", type="compact"):
            _answer_table(prediction)
    sentences = rendering.evidence_sentences(prediction)
    with st.container(key=f"evidence-{number}", gap="xxsmall"):
        for sentence in sentences[:MAX_SENTENCES]:
            st.text(sentence)


def _answer_table(prediction: Prediction) -> None:
    rows = [rendering.answer_row(answer) for answer in prediction.answers[:MAX_TABLE_ROWS]]
    st.dataframe(
        {
            "Answer": [row.label for row in rows],
            "Identifier or value": [row.value for row in rows],
            "Kind": [row.kind for row in rows],
        },
        hide_index=True,
        height=_table_height(len(rows)),
    )


def _table_height(n_rows: int) -> int:
    return min(36 * (n_rows + 1), 360)


def _show_no_answer(prediction: Prediction, number: int) -> None:
    _text("heading", "No answer")
    st.text(prediction.reason_text)
    if (reading := rendering.unsure_reading(prediction)) is not None:
        with st.container(key=f"unsure-{number}", gap="xsmall"):
            st.badge(f"Unsure: {rendering.percent(prediction.confidence)}", color="orange")
            st.text(f"If you meant: {rendering.reading_text(reading)}")
            st.text(f"then: {rendering.preview_text(reading)}")


def _show_proof(prediction: Prediction, number: int, index: GraphIndex, *, draw: bool) -> None:
    def name_of(term: Term) -> str:
        node = index.find(term.value)
        return index.label(node) if node >= 0 else ""

    sentences = rendering.evidence_sentences(prediction)
    if prediction.status == "answered" and len(sentences) > MAX_SENTENCES:
        with st.expander(f"All {len(sentences):,} facts behind this", type="compact"):
            st.dataframe({"Fact": sentences[:MAX_TABLE_ROWS]}, hide_index=True, height=_table_height(len(sentences)))
    if prediction.evidence or prediction.subgraph.facts:
        with st.expander("Picture", type="compact", expanded=draw, key=f"picture-{number}", on_change="rerun") as box:
            if box.open:
                drawn = rendering.picture(prediction, name_of=name_of, dark=st.context.theme.type == "dark")
                if drawn is not None:
                    st.echarts_chart(drawn.spec, height=380, renderer="svg", alt=drawn.alt, key=f"chart-{number}")
                    if drawn.n_left_out:
                        total = drawn.n_facts + drawn.n_left_out
                        _text("quiet", f"{drawn.n_facts:,} of {total:,} facts are drawn.")
    if 1 < len(prediction.answers) <= MAX_CHIPS:
        with st.expander("Identifiers", type="compact"):
            _answer_table(prediction)
    if prediction.sparql:
        with st.expander("SPARQL", type="compact"):
            st.code(prediction.sparql, language="sparql", wrap_lines=True)
    if readings := rendering.runner_ups(prediction):
        with st.expander("Other readings", type="compact"):
            _show_readings(readings)
    with st.expander("How it was read", type="compact"), st.container(gap="xsmall"):
        for line in rendering.link_lines(prediction) or ("Nothing in the question was found in the graph.",):
            st.text(line)
        if prediction.timings_ms:
            _text("quiet", rendering.timing_line(prediction))


def _show_readings(readings: Sequence[Reading]) -> None:
    for reading in readings:
        with st.container(gap="xxsmall"):
            st.text(f"{rendering.percent(reading.probability)} · {rendering.reading_text(reading)}")
            _text("quiet", rendering.preview_text(reading))


if __name__ == "__main__":
    main()
