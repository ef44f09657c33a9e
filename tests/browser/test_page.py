"""The page in Chromium, on the server that `kgqa ui` starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).resolve().parent.parent.parent
MARKDOWN_IMAGE = "![x](http://127.0.0.1:8777/md-image-beacon)"
SCRIPT = "<script>document.title='PWNED'</script>"
HOSTILE_GRAPH = f"""
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix e: <http://hostile.example/> .
e:Town a rdfs:Class ; rdfs:label "town" .
e:neighbour rdfs:label "neighbour" .
e:plain a e:Town ; rdfs:label "Plainville" ; e:neighbour e:image, e:script .
e:image a e:Town ; rdfs:label "{MARKDOWN_IMAGE}" .
e:script a e:Town ; rdfs:label "{SCRIPT}" .
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}"),
    pytest.mark.skipif(not (ROOT / "data" / "model" / "config.json").exists(), reason="there is no trained model"),
]


@dataclass
class Visit:
    """An open page with the requests that it made to other hosts than its own server."""

    page: Page
    foreign: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        box = self.page.get_by_test_id("stChatInput").locator("textarea")
        box.fill(question)
        box.press("Enter")
        expect(self.page.get_by_text(question, exact=True).first).to_be_visible(timeout=60_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that runs with a data folder of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    log = (home / "server.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "kgqa", "ui", "--port", str(port)],
        cwd=ROOT,
        env={**os.environ, "KGQA_HOME": str(home / "data"), "KGQA_THRESHOLD": "0"},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            assert process.poll() is None, Path(log.name).read_text()
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                    break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(server: str, browser: Browser) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    opened = Visit(page)
    ours = (server, server.replace("http", "ws", 1), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(ours) else opened.foreign.append(request.url))
    page.goto(server)
    expect(page.get_by_test_id("stChatInput")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Ask the “world” graph")).to_be_visible(timeout=60_000)
    yield opened
    page.close()


def test_a_question_is_answered_and_nothing_is_fetched_from_elsewhere(visit: Visit) -> None:
    visit.ask("What is the capital of Burkina Faso?")
    expect(visit.page.get_by_text("Ouagadougou").first).to_be_visible(timeout=60_000)
    expect(visit.page.locator("svg text", has_text="Ouagadougou").first).to_be_visible()
    visit.page.get_by_text("SPARQL", exact=True).click()
    expect(visit.page.locator("code").filter(has_text="SELECT")).to_be_visible()
    assert visit.foreign == []


def test_one_click_on_an_example_asks_it(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Which countries border Laos?").click()
    expect(visit.page.get_by_text("Read as:").first).to_be_visible(timeout=60_000)


def test_a_hostile_label_is_neither_run_nor_fetched(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "hostile.ttl"
    file.write_text(HOSTILE_GRAPH, encoding="utf-8")
    visit.page.get_by_text("Load your own graph").click()
    visit.page.locator("input[type=file]").set_input_files(file)
    expect(visit.page.get_by_text("hostile.ttl was loaded in")).to_be_visible(timeout=60_000)
    visit.ask("What are the neighbours of Plainville?")
    for label in (MARKDOWN_IMAGE, SCRIPT):
        expect(visit.page.get_by_test_id("stText").get_by_text(label, exact=True)).to_be_visible(timeout=60_000)
    node = visit.page.locator("svg text", has_text="<script>").first
    node.scroll_into_view_if_needed()
    box = node.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 10)  # on the node, whose name is below it
    expect(visit.page.locator("span", has_text=SCRIPT).first).to_be_visible()
    visit.page.wait_for_timeout(500)
    assert visit.page.title() == "KGQA"
    assert visit.foreign == []


def test_a_narrow_window_needs_no_sideways_scrolling(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 400, "height": 800})
    visit.ask("What is the capital of Burkina Faso?")
    expect(visit.page.get_by_text("Read as:").first).to_be_visible(timeout=60_000)
    main = visit.page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
