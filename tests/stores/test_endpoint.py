from __future__ import annotations

import http.server
import json
import os
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kgqa.datatypes import iri, literal
from kgqa.errors import EndpointError, KGQAError, SettingsError
from kgqa.pipeline import Pipeline
from kgqa.stores.endpoint import EndpointLimits, EndpointStore, check_address

BAD_INPUTS = Path(os.environ.get("KGQA_BADINPUTS") or Path(__file__).parents[2].parent / "shared" / "badinputs")
CORPUS = BAD_INPUTS / "endpoint"
JSON = "application/sparql-results+json"
ONE_ROW = json.dumps(
    {"head": {"vars": ["x"]}, "results": {"bindings": [{"x": {"type": "uri", "value": "http://e/a"}}]}}
)
REFUSED = [
    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:6379/_INFO", "http://localhost:8777/", "http://[::1]/",
    "http://0.0.0.0/", "http://0/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/",
    "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://192.168.0.1/",
    "http://172.16.0.1/", "http://100.64.0.1/", "http://224.0.0.1/", "http://[fe80::1]/", "http://[fd00::1]/",
    "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://user:pass@127.0.0.1/", "http://127.0.0.1#@example.org/",
    "http://example.org@127.0.0.1/", "http://localtest.invalid/", "http://", "http://127.0.0.1:99999/",
    "http://8.8.8.8\\@127.0.0.1/", "http://8.8.8.8/ HTTP/1.1", "http://8.8.8.8/\r\nX: y",
]  # fmt: skip


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with what the test put into `server.plan`, and writes down what was asked."""

    server: Scripted

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.queries.append(urllib.parse.parse_qs(body)["query"][0])
        self.server.headers.append(dict(self.headers.items()))
        plan = self.server.plan
        (plan.pop(0) if len(plan) > 1 else plan[0])(self)

    def do_GET(self) -> None:
        self.server.queries.append(f"GET {self.path}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


class Scripted(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.plan: list[Callable[[Answers], None]] = []
        self.queries: list[str] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/sparql"


def reply(body: str, status: int = 200, kind: str = JSON, **headers: str) -> Callable[[Answers], None]:
    def send(handler: Answers) -> None:
        content = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def drip(pause_s: float, part: bytes) -> Callable[[Answers], None]:
    """A response that never ends."""

    def send(handler: Answers) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.end_headers()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                handler.wfile.write(part)
            except OSError:
                return
            time.sleep(pause_s)

    return send


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    thread = threading.Thread(target=scripted.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield scripted
    scripted.shutdown()
    scripted.server_close()
    thread.join(timeout=5)


def store_of(server: Scripted, **limits: float) -> EndpointStore:
    chosen = {"timeout_s": 5.0, "backoff_s": 0.01, **limits}
    return EndpointStore(server.url, allowed=["127.0.0.1"], limits=EndpointLimits(**chosen))  # type: ignore[arg-type]


# -- addresses


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_public_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(EndpointError) as caught:
        EndpointStore(url)
    assert "\n" not in str(caught.value)
    assert "pass@" not in str(caught.value)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no bad-input corpus; set KGQA_BADINPUTS to its folder")
def test_no_address_of_the_corpus_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KGQA_ENDPOINT_ALLOW", raising=False)
    connections: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connections.append(address))
    for url in json.loads((CORPUS / "urls.json").read_text()):
        with pytest.raises(KGQAError) as caught:
            Pipeline.load(url)
        assert "\n" not in str(caught.value), url
    assert [address for address in connections if isinstance(address, tuple) and address[1] != 53] == []


def test_a_public_address_may_be_asked() -> None:
    assert check_address("https://8.8.8.8/sparql?default-graph-uri=http%3A%2F%2Fe%2F") == (
        "https://8.8.8.8/sparql?default-graph-uri=http%3A%2F%2Fe%2F"
    )


@pytest.mark.parametrize(
    ("allowed", "permitted"),
    [("127.0.0.1", True), ("127.0.0.1:7878", True), ("127.0.0.1:80", False), ("localhost", False)],
)
def test_an_operator_may_allow_a_host_or_one_port_of_it(allowed: str, permitted: bool) -> None:
    environ = {"KGQA_ENDPOINT_ALLOW": f"other.example, {allowed}"}
    if permitted:
        assert EndpointStore.from_environment("http://127.0.0.1:7878/query", environ).url.endswith("/query")
    else:
        with pytest.raises(EndpointError, match="is not a public address"):
            EndpointStore.from_environment("http://127.0.0.1:7878/query", environ)


def test_a_name_that_resolves_anew_is_checked_at_the_connection(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: a name that is public when the address is checked, and this machine when it is connected to."""
    answers = iter(["8.8.8.8", "127.0.0.1"])

    def resolve(host: str, port: int, *_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    store = EndpointStore(f"http://rebinding.example:{server.server_port}/sparql")
    with pytest.raises(EndpointError, match="127.0.0.1 is not a public address"):
        store.ask("ASK {}")
    assert server.queries == []


# -- responses


def test_a_query_is_sent_as_a_form_and_its_rows_come_back(server: Scripted) -> None:
    server.plan = [reply(ONE_ROW)]
    query = "SELECT ?x { ?x ?p 'é & = +' }"
    assert store_of(server).select(query) == ((iri("http://e/a"),),)
    assert server.queries == [query]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no bad-input corpus; set KGQA_BADINPUTS to its folder")
def test_every_bad_response_of_the_corpus_is_one_line(server: Scripted) -> None:
    for name, body in json.loads((CORPUS / "bad_responses.json").read_text()).items():
        server.plan = [reply(body, kind="text/html" if name == "html_200" else JSON)]
        with pytest.raises(EndpointError, match="endpoint returned") as caught:
            store_of(server).select("SELECT ?x { ?x ?p ?o }")
        assert "\n" not in str(caught.value), name


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ({"type": "uri", "value": "http://e/a> } DROP ALL #"}, "a malformed IRI"),
        ({"type": "uri", "value": "relative"}, "a malformed IRI"),
        ({"type": "uri", "value": 1}, "a term without a text value"),
        ({"type": "literal", "value": "x", "datatype": "http://e/> . ?s"}, "a malformed IRI"),
        ({"type": "literal", "value": "x", "xml:lang": 'en" . ?s'}, "a malformed language tag"),
        ({"type": "bnode", "value": "b } DROP"}, "a malformed blank node name"),
        ({"type": "literal", "value": "\ud800"}, "half a surrogate pair"),
        ({"type": "triple", "value": {}}, "a term without a text value"),
        ([], "a term without a text value"),
    ],
)
def test_a_term_that_could_break_a_later_query_is_refused(server: Scripted, term: object, reason: str) -> None:
    server.plan = [reply(json.dumps({"head": {"vars": ["x"]}, "results": {"bindings": [{"x": term}]}}))]
    with pytest.raises(EndpointError, match=f"endpoint returned .*{reason}"):
        store_of(server).select("SELECT ?x { ?x ?p ?o }")


def test_a_literal_with_quotes_and_line_ends_is_written_safely_into_a_query(server: Scripted) -> None:
    """What comes back as a value goes out again as the same value, never as part of the query."""
    value = 'a" } DROP ALL #\n\\'
    body = {"head": {"vars": ["x"]}, "results": {"bindings": [{"x": {"type": "literal", "value": value}}]}}
    server.plan = [reply(json.dumps(body))]
    [(term,)] = store_of(server).select("SELECT ?x { ?s ?p ?x }")
    assert term == literal(value)
    assert term.n3() == '"a\\" } DROP ALL #\\n\\\\"'


@pytest.mark.parametrize("body", ["[" * 100_000, '{"head":{"vars":["x"]},"results":{"bindings":[null]}}', "", "null"])
def test_json_of_another_shape_is_refused(server: Scripted, body: str) -> None:
    server.plan = [reply(body)]
    with pytest.raises(EndpointError, match="endpoint returned"):
        store_of(server).select("SELECT ?x { ?x ?p ?o }")


def test_a_redirect_is_not_followed(server: Scripted) -> None:
    for target in (f"{server.url}/elsewhere", "file:///etc/hostname"):
        server.plan = [reply("", status=302, Location=target)]
        with pytest.raises(EndpointError, match="endpoint returned 302, a redirect"):
            store_of(server).ask("ASK {}")
    assert len(server.queries) == 2


# -- failures and patience


def test_a_passing_failure_is_tried_again(server: Scripted) -> None:
    server.plan = [reply("", status=503), reply("", status=429), reply('{"head":{},"boolean":true}')]
    assert store_of(server).ask("ASK {}") is True
    assert len(server.queries) == 3


def test_a_failure_that_stays_is_told_by_its_status(server: Scripted) -> None:
    server.plan = [reply("busy", status=503)]
    with pytest.raises(EndpointError, match="^endpoint returned 503 Service Unavailable$"):
        store_of(server, n_tries=3).ask("ASK {}")
    assert len(server.queries) == 3


def test_a_refused_query_is_not_tried_again_and_its_reason_is_shown(server: Scripted) -> None:
    server.plan = [reply("Parse error\nat \x1b[31mline 1", status=400, kind="text/plain")]
    with pytest.raises(EndpointError, match=r"^endpoint returned 400 Bad Request: Parse error at \[31mline 1$"):
        store_of(server).ask("ASK {")
    assert len(server.queries) == 1


def test_the_wait_that_an_endpoint_asks_for_is_kept(server: Scripted) -> None:
    server.plan = [reply("", status=429, Retry_After="1"), reply('{"head":{},"boolean":true}')]
    started = time.monotonic()
    assert store_of(server).ask("ASK {}")
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("pause_s", [0.2, 30.0], ids=["a space now and then", "nothing"])
def test_a_slow_response_ends_at_the_deadline(server: Scripted, pause_s: float) -> None:
    server.plan = [drip(pause_s, b" ")]
    started = time.monotonic()
    with pytest.raises(EndpointError, match="no whole answer within 1 s"):
        store_of(server, timeout_s=1.0).ask("ASK {}")
    assert time.monotonic() - started < 8


def test_an_endless_response_ends_at_the_size_limit(server: Scripted) -> None:
    server.plan = [drip(0, b" " * 65536)]
    with pytest.raises(EndpointError, match="endpoint returned more than 1 MiB"):
        store_of(server, max_bytes=1 << 20, timeout_s=30.0).ask("ASK {}")


def test_an_endpoint_that_is_not_there_is_one_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    store = EndpointStore(url, allowed=["127.0.0.1"], limits=EndpointLimits(n_tries=2, backoff_s=0.01))
    with pytest.raises(EndpointError, match="endpoint cannot be reached") as caught:
        store.ask("ASK {}")
    assert "\n" not in str(caught.value)


# -- the header


def test_the_header_of_the_environment_is_sent(server: Scripted) -> None:
    server.plan = [reply('{"head":{},"boolean":true}')]
    environ = {"KGQA_ENDPOINT_ALLOW": "127.0.0.1", "KGQA_ENDPOINT_HEADER": "Authorization: Bearer abc"}
    assert EndpointStore.from_environment(server.url, environ).ask("ASK {}")
    assert server.headers[0]["Authorization"] == "Bearer abc"


@pytest.mark.parametrize("text", ["Bearer abc", "A: b\r\nC: d", ": x", "A:", "Ä: b"])
def test_what_is_no_header_is_refused_without_showing_it(text: str) -> None:
    environ = {"KGQA_ENDPOINT_ALLOW": "127.0.0.1", "KGQA_ENDPOINT_HEADER": text}
    with pytest.raises(SettingsError, match="KGQA_ENDPOINT_HEADER is not a header") as caught:
        EndpointStore.from_environment("http://127.0.0.1/", environ)
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("limits", [{"timeout_s": 0}, {"n_tries": 0}, {"page_rows": -1}])
def test_a_limit_that_is_not_positive_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected a positive number"):
        EndpointLimits(**limits)
