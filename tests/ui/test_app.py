from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import kgqa
from kgqa.datatypes import Answer, Fact, Prediction, Question, Reading, iri, literal
from kgqa.errors import QueryError
from kgqa.stores.catalog import Catalog, LoadedGraph

ROOT = Path(__file__).resolve().parent.parent.parent
FAMILY = "https://kgqa.example/family#"
HOSTILE = (
    "![x](http://127.0.0.1:8777/md-image-beacon)",
    "<script>document.title='PWNED'</script>",
    ":red[**SYSTEM ERROR**]",
)
GOOD_FILE = b'<http://e/a> <http://e/mass> "12" .\n<http://e/a> <http://e/hue> "grey" .\n'
BAD_FILE = GOOD_FILE + b"<http://e/a> <http://e/mass> .\n"


def prediction(question: Question, *labels: str, confidence: float = 0.97) -> Prediction:
    terms = [iri(f"{FAMILY}thing{n}") for n in range(len(labels))]
    facts = tuple(
        Fact(iri(FAMILY + "Clara"), iri(FAMILY + "parent"), term, f"Clara's parent is {label}.")
        for term, label in zip(terms, labels, strict=True)
    )
    return Prediction(
        question,
        "answered",
        answers=tuple(Answer(term, label, 0.9) for term, label in zip(terms, labels, strict=True)),
        confidence=confidence,
        sparql="SELECT ?parent WHERE { :Clara :parent ?parent }",
        evidence=facts,
        readings=(
            Reading("parent of Clara", "SELECT ?parent WHERE { :Clara :parent ?parent }", "list", 0.9, len(labels)),
            Reading("spouse of Clara", "SELECT ?spouse", "list", 0.1, 1, ("Dan Novak",)),
        ),
        timings_ms={"link": 2.0, "read": 30.0},
    )


class ScriptedPipeline:
    """Stands in for a trained pipeline over a real graph: what it answers is written below."""

    def __init__(self, graph: LoadedGraph) -> None:
        self.graph, self.threshold = graph, 0.5

    @classmethod
    def load(cls, graph: str, *, model: Path | None, threshold: float | None, n_threads: int) -> ScriptedPipeline:
        return cls(Catalog().open([graph]))

    def __call__(self, text: str) -> Prediction:
        return self.answer(Question(text))

    def answer(self, question: Question) -> Prediction:
        match question.text:
            case "hostile":
                return prediction(question, *HOSTILE)
            case "many":
                return prediction(question, *(f"Person {n}" for n in range(60)))
            case "count":
                answers = (Answer(literal("12"), "12", 0.7),)
                return Prediction(question, "answered", answers=answers, confidence=0.7)
            case "guess" if self.threshold > 0.4:
                reading = Reading("spouse of Clara", "SELECT ?spouse", "list", 0.4, 1, ("Dan Novak",))
                return Prediction(question, "not_found", "not_sure", confidence=0.4, readings=(reading,))
            case "refused":
                raise QueryError("the store did not answer")
            case "broken":
                raise RuntimeError("secret")
            case _:
                return prediction(question, "Ada Moreau")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The page over the shipped graphs, with the family graph chosen."""
    for variable in ("KGQA_CONFIG", "KGQA_THRESHOLD", "KGQA_MODEL_FOLDER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KGQA_HOME", str(tmp_path))
    monkeypatch.setattr(kgqa, "Pipeline", ScriptedPipeline, raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    app = AppTest.from_file(ROOT / "ui" / "app.py", default_timeout=60)
    app.session_state["graph"] = "family"
    yield app.run()
    st.cache_resource.clear()
    st.cache_data.clear()


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input[0].set_value(question).run()


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def expanders(page: AppTest) -> list[str]:
    return [element.label for element in page.expander]


def test_an_empty_page_offers_the_examples_of_its_graph(page: AppTest) -> None:
    assert not page.exception
    assert "Ask the “family” graph" in texts(page)
    assert r"Who is Clara Moreau married to\?" in [button.label for button in page.button]


def test_the_side_bar_sums_up_the_graph(page: AppTest) -> None:
    catalog = Catalog()
    index = catalog.open(["family"]).index
    assert f"{index.n_triples} triples · 2 classes · {len(index.predicates())} relations" in texts(page)


def test_one_click_on_an_example_asks_it(page: AppTest) -> None:
    page.button("example-0").click().run()
    assert "Who are the grandparents of Eve Novak?" in texts(page)
    assert "Ada Moreau" in texts(page)


def test_an_answer_comes_with_its_confidence_its_facts_and_its_query(page: AppTest) -> None:
    ask(page, "Who is Clara's mother?")
    assert not page.exception
    shown = texts(page)
    assert shown.index("Ada Moreau") < shown.index("Clara's parent is Ada Moreau.")
    assert f"{FAMILY}thing0" in shown
    assert "Read as: parent of Clara" in shown
    assert [badge.value for badge in page.markdown] == [":green-badge[High confidence, 97%]"]
    assert [code.value for code in page.code] == ["SELECT ?parent WHERE { :Clara :parent ?parent }"]
    assert "in 32 ms" in shown
    assert "link 2 ms · read 30 ms" in shown
    assert "10% · spouse of Clara" in shown and "Dan Novak" in shown
    assert {"Classes", "Relations", "Load your own graph"} <= set(expanders(page))
    assert {"Picture", "SPARQL", "Other readings", "How it was read"} <= set(expanders(page))
    assert len(page.get("echarts_chart")) == 1


def test_the_newest_answer_comes_first(page: AppTest) -> None:
    ask(ask(page, "first question"), "second question")
    shown = texts(page)
    assert shown.index("second question") < shown.index("first question")


def test_a_long_list_is_folded_into_a_table(page: AppTest) -> None:
    ask(page, "many")
    shown = texts(page)
    assert "60 answers" in shown and "Person 23" in shown and "Person 24" not in shown
    assert "All 60 answers" in expanders(page)
    tables = [table.value for table in page.dataframe]
    assert [len(table) for table in tables if "Answer" in table.columns] == [60]


def test_an_answer_without_evidence_is_shown_alone(page: AppTest) -> None:
    ask(page, "count")
    assert not page.exception
    assert "12" in texts(page)
    assert "Picture" not in expanders(page)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_shown_as_text_only(page: AppTest, label: str) -> None:
    ask(page, "hostile")
    assert label in texts(page)
    assert f"Clara's parent is {label}." in texts(page)
    marked_up = [element.value for element in page.markdown]
    labels = [*(e.label for e in page.button), *expanders(page)]
    assert not any(label in text for text in [*marked_up, *labels])
    assert not page.error and not page.caption


def test_no_answer_tells_why_and_marks_the_best_reading_as_unsure(page: AppTest) -> None:
    ask(page, "guess")
    shown = texts(page)
    assert "No answer" in shown
    assert "There are possible readings, but none is sure enough to be given as an answer." in shown
    assert "If you meant: spouse of Clara" in shown and "then: Dan Novak" in shown
    assert [badge.value for badge in page.markdown] == [":orange-badge[Unsure: 40%]"]


def test_a_lower_threshold_lets_the_session_have_its_answer(page: AppTest) -> None:
    page.slider("threshold").set_value(0.3).run()
    ask(page, "guess")
    assert "Ada Moreau" in texts(page)


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("refused", "the store did not answer"),
        ("broken", "This question could not be worked out. The server's log says why."),
    ],
)
def test_a_failed_question_is_one_line_and_no_traceback(page: AppTest, question: str, line: str) -> None:
    ask(page, question)
    assert not page.exception
    assert line in texts(page)
    assert "secret" not in " ".join(texts(page))
    ask(page, "Who is Clara's mother?")
    assert "Ada Moreau" in texts(page)


def test_another_graph_starts_a_new_conversation(page: AppTest) -> None:
    ask(page, "Who is Clara's mother?")
    page.selectbox("graph").set_value("world").run()
    assert not page.exception
    assert "Ask the “world” graph" in texts(page)
    assert "Ada Moreau" not in texts(page)


def test_a_new_conversation_forgets_the_old_one(page: AppTest) -> None:
    ask(page, "Who is Clara's mother?")
    next(button for button in page.button if button.label == "New conversation").click().run()
    assert "Ask the “family” graph" in texts(page)


def test_a_loaded_file_is_chosen_and_stored_under_a_generated_name(page: AppTest, tmp_path: Path) -> None:
    page.file_uploader[0].set_value(("../../<b>tools</b>.nt", GOOD_FILE, "text/plain")).run()
    assert not page.exception
    (stored,) = Catalog().names()
    assert stored.startswith("b-") and page.session_state["graph"] == stored
    assert "2 triples · 0 classes · 2 relations" in texts(page)
    assert {path.name for path in tmp_path.iterdir()} <= {"graphs", "cache"}


def test_a_refused_file_is_one_line_and_leaves_the_old_graph_usable(page: AppTest) -> None:
    page.file_uploader[0].set_value(("tools.nt", BAD_FILE, "text/plain")).run()
    assert not page.exception
    (line,) = [text for text in texts(page) if text.startswith("tools.nt:3")]
    assert "\n" not in line
    assert Catalog().names() == ()
    ask(page, "Who is Clara's mother?")
    assert "Ada Moreau" in texts(page)


def test_a_graph_that_cannot_be_opened_is_one_line(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise QueryError("the graph is damaged")

    monkeypatch.setattr(ScriptedPipeline, "load", refuse)
    page.selectbox("graph").set_value("world").run()
    assert not page.exception
    assert "the graph is damaged" in texts(page)
    assert page.selectbox("graph").options == ["world", "family"]


def run_sparql(page: AppTest, query: str) -> AppTest:
    page.text_area("sparql_query").set_value(query)
    return next(button for button in page.button if button.label == "Run").click().run()


def test_the_sparql_box_shows_rows_as_a_table_of_text(page: AppTest) -> None:
    run_sparql(page, f"SELECT ?child WHERE {{ ?child <{FAMILY}parent> <{FAMILY}Dan> }} ORDER BY ?child")
    assert not page.exception
    tables = [table.value for table in page.dataframe if "child" in table.value.columns]
    assert [list(table["child"]) for table in tables] == [[f"<{FAMILY}Eve>", f"<{FAMILY}Finn>"]]
    assert "2 rows" in texts(page)


@pytest.mark.parametrize("label", HOSTILE)
def test_the_sparql_box_shows_hostile_text_as_text(page: AppTest, label: str) -> None:
    escaped = label.replace("'", "\\'")
    run_sparql(page, f"SELECT ?x WHERE {{ VALUES ?x {{ '{escaped}' }} }}")
    assert [list(t.value["x"]) for t in page.dataframe if "x" in t.value.columns] == [[label]]
    assert not any(label in element.value for element in page.markdown)


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("SELECT * { SERVICE <http://127.0.0.1:8777/svc> { } }", "SERVICE is refused: a query may not ask other hosts"),
        ("DROP ALL", "updates are refused: only SELECT, ASK, CONSTRUCT and DESCRIBE are run"),
        ("SELECT * " + "{" * 6000 + "}" * 6000, "the query is nested too deeply"),
    ],
    ids=["service", "update", "deep"],
)
def test_a_refused_query_is_one_line_and_the_page_goes_on(page: AppTest, query: str, line: str) -> None:
    run_sparql(page, query)
    assert not page.exception
    assert line in texts(page)
    run_sparql(page, "ASK { ?s ?p ?o }")
    assert "Yes" in texts(page) and line not in texts(page)


def test_another_graph_empties_the_sparql_box(page: AppTest) -> None:
    run_sparql(page, "ASK { ?s ?p ?o }")
    page.selectbox("graph").set_value("world").run()
    assert not page.exception
    assert "Yes" not in texts(page)
