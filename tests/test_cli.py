from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kgqa import cli
from kgqa.config import Settings
from kgqa.datatypes import (
    XSD_INTEGER,
    Answer,
    EntityCandidate,
    EntityLink,
    Fact,
    Mention,
    Prediction,
    Question,
    Reading,
    iri,
    literal,
)
from kgqa.errors import ModelError
from kgqa.reasoning.model import shipped_model
from kgqa.stores.oxigraph import OxigraphStore
from kgqa.terminal import json_line, plain, sparql_text

ROOT = Path(__file__).resolve().parent.parent
FAMILY = ROOT / "graphs" / "family.ttl"
EVE, CLARA, DAN = (iri(f"https://kgqa.example/family#{name}") for name in ("Eve", "Clara", "Dan"))
PARENT = iri("https://kgqa.example/family#parent")
QUESTION = "Who are Eve Novak's parents?"
FACT = Fact(EVE, PARENT, CLARA, "Eve Novak has the parent Clara Moreau.")
ANSWERED = Prediction(
    Question(QUESTION),
    "answered",
    answers=(Answer(CLARA, "Clara Moreau", 0.9, (FACT,)), Answer(DAN, "Dan Novak", 0.9)),
    confidence=0.934,
    sparql="SELECT DISTINCT ?x\nWHERE { <https://kgqa.example/family#Eve> <https://kgqa.example/family#parent> ?x }",
    evidence=(FACT, Fact(EVE, PARENT, DAN)),
    links=(
        EntityLink(Mention(8, 17, "Eve Novak"), (EntityCandidate(EVE, "Eve Novak", 1.0),)),
        EntityLink(Mention(20, 27, "parents"), ()),
    ),
    readings=(
        Reading("the parent of Eve Novak", "SELECT 1", "list", 0.9, 2),
        Reading("the children of Eve Novak", "SELECT 2", "list", 0.06, 3, ("Finn Novak",)),
    ),
    timings_ms={"link": 1.5, "read": 20.0},
)
ABSTAINED = Prediction(Question("Where was Hugo Moreau born?"), "not_found", "no_value", confidence=0.4)
UNSURE = replace(
    ABSTAINED, reason="not_sure", confidence=0.2, readings=(Reading("the birthplace of Hugo", "", "list", 0.2, 0),)
)


@dataclass
class CannedPipeline:
    """Gives each question the prediction laid down for it, and an abstention to any other."""

    predictions: dict[str, Prediction]
    loaded: tuple[tuple[str, ...], Settings] | None = None

    def answer(self, question: Question) -> Prediction:
        return replace(self.predictions.get(question.text, ABSTAINED), question=question)

    def answer_batch(self, questions: Iterable[Question]) -> Iterator[Prediction]:
        return (self.answer(question) for question in questions)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("KGQA_CONFIG", "KGQA_LABEL_PREDICATES", "KGQA_THRESHOLD", "KGQA_N_THREADS", "KGQA_MODEL_FOLDER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KGQA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "home"


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> CannedPipeline:
    canned = CannedPipeline({QUESTION: ANSWERED})

    def open_pipeline(graphs: Sequence[str], settings: Settings) -> CannedPipeline:
        canned.loaded = (tuple(graphs), settings)
        return canned

    monkeypatch.setattr(cli, "_open_pipeline", open_pipeline)
    return canned


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


@pytest.fixture
def kgqa(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def run(*arguments: object) -> Run:
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(int(caught.value.code or 0), captured.out, captured.err)

    return run


def _write_questions(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


# -- ask


def test_ask_shows_answers_confidence_reading_facts_and_sparql(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    run = kgqa("ask", QUESTION)
    assert run == Run(
        0,
        "Clara Moreau\n"
        "Dan Novak\n"
        "\n"
        "Confidence: 93%\n"
        "Read as: the parent of Eve Novak\n"
        "Facts:\n"
        "  Eve Novak has the parent Clara Moreau.\n"
        "  <https://kgqa.example/family#Eve> <https://kgqa.example/family#parent> <https://kgqa.example/family#Dan>\n"
        "SPARQL:\n"
        "  SELECT DISTINCT ?x\n"
        "  WHERE { <https://kgqa.example/family#Eve> <https://kgqa.example/family#parent> ?x }\n",
        "",
    )


def test_ask_verbose_adds_iris_other_readings_links_and_timings(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    out = kgqa("ask", QUESTION, "-v").out
    assert "Clara Moreau  <https://kgqa.example/family#Clara>\n" in out
    assert "Other readings:\n    6%  the children of Eve Novak\n        Finn Novak (3 in all)\n" in out
    assert "  Eve Novak: Eve Novak (entity, exact, 1.00)\n" in out
    assert "  parents: names nothing in this graph\n" in out
    assert "  21.5 ms: link 1.5 ms, read 20.0 ms\n" in out


def test_ask_json_prints_the_prediction_on_one_line(kgqa: Callable[..., Run], pipeline: CannedPipeline) -> None:
    run = kgqa("ask", QUESTION, "--json")
    assert run.out.count("\n") == 1
    assert json.loads(run.out) == ANSWERED.to_dict()


def test_an_abstention_is_told_with_its_reason_and_is_no_failure(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    run = kgqa("ask", "Where was Hugo Moreau born?")
    assert (run.code, run.out) == (0, "No answer. The graph knows the relation, but records no value for it here.\n")


def test_an_abstention_shows_the_best_unsure_reading_as_such(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    pipeline.predictions["?"] = UNSURE
    assert "Best reading, not sure enough: the birthplace of Hugo (20%)\n" in kgqa("ask", "?").out


def test_answers_are_folded_after_twenty(kgqa: Callable[..., Run], pipeline: CannedPipeline) -> None:
    answers = tuple(Answer(literal(str(n), XSD_INTEGER), f"label {n}", 1.0) for n in range(1023))
    pipeline.predictions["all"] = replace(ANSWERED, answers=answers)
    out = kgqa("ask", "all").out
    assert "label 19\n… and 1,003 more; --json prints them all\n" in out
    assert "label 20" not in out
    assert len(json.loads(kgqa("ask", "all", "--json").out)["answers"]) == 1023


def test_a_hostile_label_is_printed_as_text_without_control_characters(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    label = "[bold]x[/bold] [link=http://e]y[/] :warning:\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\r\nnext\x00\ud800"
    fact = replace(FACT, text=label)
    pipeline.predictions["?"] = replace(
        ANSWERED,
        answers=(Answer(CLARA, label, 1.0),),
        evidence=(fact,),
        sparql='SELECT * WHERE { ?x ?y "\x1b[31m\u202e" }',
        readings=(Reading(label, "", "list", 1.0, 1, (label,)), Reading(label, "", "list", 1.0, 1, (label,))),
        links=(EntityLink(Mention(0, 1, label), (EntityCandidate(CLARA, label, 1.0),)),),
    )
    shown = "[bold]x[/bold] [link=http://e]y[/] :warning:red next"
    out = kgqa("ask", "?", "-v").out
    assert out.startswith(f"{shown}  <https")
    assert f"  {shown}\n" in out
    assert '"\\U0000001B[31m\\U0000202E"' in out
    assert not set(out) & set("\x1b\x9b\x07\x00\r\u202e\ud800")
    line = kgqa("ask", "?", "--json").out
    assert not set(line) & set("\x1b\x9b\x07\x00\r\u202e\ud800")
    assert json.loads(line)["answers"][0]["label"] == label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\n c", "a b c"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://e\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq…", ""),
        ("\x1b(0x", "x"),
        ("a\u200db", "a\u200db"),
        ("Łódź 東京 👩‍🔬", "Łódź 東京 👩‍🔬"),
    ],
    ids=["spaces", "colour", "hyperlink", "unended", "charset", "joiner", "letters"],
)
def test_plain_keeps_text_and_drops_escapes(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_json_line_shows_letters_and_escapes_what_hides() -> None:
    text = "\x7f\x9b\u2028\ufeff\U000e0001 é 東\ud800\n"
    line = json_line({"label": text})
    assert json.loads(line) == {"label": text}
    assert "é 東" in line
    assert not set(line) & set("\x7f\x9b\u2028\ufeff\U000e0001\ud800\n")


def test_an_escaped_query_means_the_same() -> None:
    query = 'SELECT ("\u202e\U000e0001é" AS ?x)\nWHERE {}'
    shown = sparql_text(query)
    assert not set(shown) & set("\u202e\U000e0001")
    store = OxigraphStore.in_memory([])
    assert store.select(shown) == store.select(query)


def test_ask_opens_the_named_graphs_with_the_model_and_threshold(
    kgqa: Callable[..., Run], pipeline: CannedPipeline
) -> None:
    kgqa("ask", QUESTION)
    assert pipeline.loaded is not None
    assert pipeline.loaded[0] == ("world",)
    kgqa("ask", QUESTION, "-g", "one", "--graph", "two.ttl", "--model", "m", "--threshold", "0.7")
    graphs, settings = pipeline.loaded
    assert (graphs, settings.model_folder, settings.threshold) == (("one", "two.ttl"), Path("m"), 0.7)


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan"])
def test_an_impossible_threshold_is_one_line_on_stderr(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, value: str
) -> None:
    run = kgqa("ask", QUESTION, "--threshold", value)
    assert run == Run(1, "", f"kgqa: threshold is {value}; expected a number from 0 to 1\n")


def test_an_unknown_graph_is_one_line_on_stderr(kgqa: Callable[..., Run]) -> None:
    run = kgqa("ask", QUESTION, "--graph", "wrold")
    assert run == Run(1, "", "kgqa: no graph or file named 'wrold'; did you mean world?\n")


def test_a_folder_that_is_no_model_is_one_line_on_stderr(kgqa: Callable[..., Run], tmp_path: Path) -> None:
    run = kgqa("ask", QUESTION, "--graph", FAMILY, "--model", tmp_path)
    assert run.code == 1
    assert run.err.count("\n") == 1
    assert "is not a model" in run.err


def test_the_shipped_model_answers_with_the_parents_of_eve(kgqa: Callable[..., Run]) -> None:
    try:
        shipped_model()
    except ModelError as error:
        pytest.skip(str(error))
    record = json.loads(kgqa("ask", QUESTION, "--graph", "family", "--json").out)
    assert [answer["label"] for answer in record["answers"]] == ["Clara Moreau", "Dan Novak"]


# -- batch


def test_batch_keeps_the_order_and_leaves_out_bad_lines(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, tmp_path: Path
) -> None:
    questions = _write_questions(
        tmp_path / "q.jsonl",
        '{"id": "z", "question": "?"}',
        "oops",
        json.dumps({"id": "a", "question": QUESTION}),
        "[]",
    )
    output = tmp_path / "p.jsonl"
    run = kgqa("batch", questions, "--graph", "family", "--output", output)
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [(record["id"], record["status"]) for record in records] == [("z", "not_found"), ("a", "answered")]
    assert (run.code, run.out) == (0, "")
    assert run.err.splitlines() == [
        "kgqa: line 2: not JSON: Expecting value at column 1",
        "kgqa: line 4: expected a JSON object, found a list",
        "2 questions: 1 answered, 1 not; 2 bad lines left out",
    ]


def test_batch_leaves_the_old_file_when_it_fails(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(questions: Iterable[Question]) -> Iterator[Prediction]:
        yield ABSTAINED
        raise ModelError("the model\nis gone")

    monkeypatch.setattr(pipeline, "answer_batch", fail)
    questions = _write_questions(tmp_path / "q.jsonl", '{"question": "?"}', '{"question": "!"}')
    output = tmp_path / "p.jsonl"
    output.write_text("old")
    run = kgqa("batch", questions, "--output", output)
    assert (run.code, run.err) == (1, "kgqa: the model is gone\n")
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["p.jsonl", "q.jsonl"]


def test_batch_writes_valid_utf8_for_any_question(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, tmp_path: Path
) -> None:
    questions = _write_questions(tmp_path / "q.jsonl", r'{"question": "caf\u00e9 \ud800 \u0000"}')
    output = tmp_path / "p.jsonl"
    assert kgqa("batch", questions, "--output", output).code == 0
    assert json.loads(output.read_bytes())["question"] == "café \ud800 \0"


def test_batch_into_a_missing_folder_is_one_line_on_stderr(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, tmp_path: Path
) -> None:
    questions = _write_questions(tmp_path / "q.jsonl", '{"question": "?"}')
    run = kgqa("batch", questions, "--output", tmp_path / "none" / "p.jsonl")
    assert run.code == 1
    assert run.err.splitlines()[-1].endswith("cannot be written: No such file or directory")


# -- graphs


def test_a_graph_is_loaded_listed_shown_and_removed(kgqa: Callable[..., Run]) -> None:
    run = kgqa("load", FAMILY, "--name", "mine")
    assert run.code == 0
    assert run.err.startswith("loaded 54 triples from 1 file as mine in ")
    assert "mine\tloaded, 54 triples\n" in kgqa("graphs").out
    shown = kgqa("info", "mine").out
    assert "Triples: 54\n" in shown
    assert "Labels from: http://www.w3.org/2000/01/rdf-schema#label\n" in shown
    assert "  person: 7\n" in shown
    assert kgqa("remove", "mine") == Run(0, "", "removed mine\n")
    assert "mine" not in kgqa("graphs").out


def test_a_file_that_does_not_parse_is_one_line_with_its_place(kgqa: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "bad.ttl"
    path.write_text("@prefix : <http://e/> .\n:a :b ;;; .\n:a :b\n")
    run = kgqa("load", path, "--name", "bad")
    assert run.code == 1
    assert run.err.count("\n") == 1
    assert "bad.ttl:" in run.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "../up"), "cannot be named"),
        (("--name", "x", "--format", "word"), "unknown RDF format"),
    ],
    ids=["name", "format"],
)
def test_a_wrong_name_or_format_is_wrong_usage(
    kgqa: Callable[..., Run], arguments: tuple[str, ...], message: str
) -> None:
    run = kgqa("load", FAMILY, *arguments)
    assert run.code == 2
    assert message in " ".join(run.err.split())
    assert "Traceback" not in run.err


def test_the_label_predicate_names_things(kgqa: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "g.nt"
    path.write_text(
        '<http://e/c> <http://e/called> "robot" .\n<http://e/a> <http://e/kind> <http://e/c> .\n'
        "<http://e/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://e/c> .\n"
    )
    assert kgqa("load", path, "-n", "g", "--label-predicate", "http://e/called").code == 0
    shown = kgqa("info", "g").out
    assert "Labels from: http://e/called\n" in shown
    assert "  robot: 1\n" in shown


def test_a_shipped_graph_cannot_be_removed(kgqa: Callable[..., Run]) -> None:
    assert kgqa("remove", "world") == Run(1, "", "kgqa: world ships with kgqa and cannot be removed\n")


# -- the rest


def test_training_without_its_libraries_names_the_extra(
    kgqa: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "TRAINING_LIBRARIES", ("torch_that_is_not_there", "json"))
    run = kgqa("train", "--whatever")
    assert run == Run(
        1, "", "kgqa: training needs torch_that_is_not_there; install the extra: pip install 'kgqa[train]'\n"
    )


def test_the_page_is_served_to_this_machine_only(kgqa: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def call(command: list[str]) -> int:
        calls.append(command)
        return 3

    monkeypatch.setattr(subprocess, "call", call)
    assert kgqa("ui", "--port", "9000").code == 3
    command = calls[0]
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert Path(command[4]).name == "app.py"
    assert command[command.index("--server.address") + 1] == "127.0.0.1"
    assert command[command.index("--server.port") + 1] == "9000"


def test_the_version_is_printed(kgqa: Callable[..., Run]) -> None:
    assert kgqa("--version") == Run(0, "kgqa 0.1.0\n", "")


def test_help_is_instant_and_lists_the_commands() -> None:
    times = []
    for _ in range(3):
        started = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-m", "kgqa", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
        )
        times.append(time.perf_counter() - started)
    for command in ("ask", "batch", "load", "graphs", "info", "remove", "ui", "train", "evaluate"):
        assert f"\n  {command} " in run.stdout
    assert min(times) < 1.0  # 0.2 s on an idle machine


# -- settings


def test_the_settings_file_holds_for_every_command(
    kgqa: Callable[..., Run], pipeline: CannedPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config" / "kgqa" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('threshold = 0.6\nn_threads = 2\nmodel_folder = "model"\ndata_folder = "data"\n')
    monkeypatch.delenv("KGQA_HOME")
    kgqa("load", FAMILY, "--name", "mine")
    assert (config.parent / "data" / "graphs" / "mine").is_dir()
    kgqa("ask", QUESTION)
    assert pipeline.loaded is not None
    settings = pipeline.loaded[1]
    assert (settings.threshold, settings.n_threads, settings.model_folder) == (0.6, 2, config.parent / "model")
    monkeypatch.setenv("KGQA_THRESHOLD", "0.1")
    kgqa("ask", QUESTION)
    assert pipeline.loaded[1].threshold == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold = 0.5", "unknown setting 'treshold'; did you mean threshold?"),
        ("x = 1", "unknown setting 'x'; expected one of: label_predicates, threshold"),
        ("threshold = true", "threshold is True; expected a number"),
        ("threshold = 2", "threshold is 2.0; expected a number from 0 to 1"),
        ("n_threads = 0", "n_threads is 0; expected a whole number"),
        ("n_threads = 1.5", "n_threads is 1.5; expected a whole number"),
        ('label_predicates = ["<http://e>"]', "expected an IRI without angle brackets"),
        ('label_predicates = "http://e"', "expected a list of IRIs"),
        ("model_folder = 3", "expected the path of a folder"),
        ("= 3", "not valid TOML"),
    ],
    ids=["misspelt", "unknown", "boolean", "range", "threads", "half-thread", "iri", "no-list", "path", "syntax"],
)
def test_a_wrong_setting_is_one_line_on_stderr(
    kgqa: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    config = tmp_path / "kgqa.toml"
    config.write_text(text)
    monkeypatch.setenv("KGQA_CONFIG", str(config))
    run = kgqa("graphs")
    assert run.code == 1
    assert run.err.count("\n") == 1
    assert message in run.err


def test_a_wrong_variable_is_one_line_on_stderr(kgqa: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGQA_N_THREADS", "many")
    assert kgqa("graphs") == Run(1, "", "kgqa: KGQA_N_THREADS: n_threads is 'many'; expected a number\n")
