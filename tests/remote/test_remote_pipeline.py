"""The pipeline over real server processes, held against the embedded store over the same graphs and questions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgqa.datatypes import XSD_INTEGER, EntityLink, Prediction, Question, Term, literal
from kgqa.errors import EndpointError, UnknownGraphError
from kgqa.linking.linker import LabelEntityLinker
from kgqa.pipeline import Pipeline
from kgqa.protocols import GraphStore
from kgqa.remote.pipeline import RemotePipeline
from kgqa.stores.endpoint import EndpointLimits, EndpointStore
from kgqa.stores.remote_profile import open_profile
from kgqa.stores.remote_queries import RemoteLimits, RemoteReader

DATA = Path(__file__).parents[2] / "data"
TIGHT = RemoteLimits(sample_rows=30, max_labels=1, max_rows=200, max_frontier=50, batch=50)


def questions(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / f"{name}_questions.jsonl").read_text(encoding="utf-8").splitlines()]


def store_at(url: str) -> EndpointStore:
    return EndpointStore(url, allowed=["127.0.0.1"])


def answers(prediction: Prediction) -> frozenset[Term]:
    return frozenset(answer.term for answer in prediction.answers)


def share_alike(embedded: Pipeline, remote: Pipeline, asked: list[str]) -> float:
    """The share of the questions that both answer with the same set, or both do not answer."""
    alike = [answers(embedded(text)) == answers(remote(text)) for text in asked]
    return sum(alike) / len(alike)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KGQA_HOME", str(place))
        patch.setenv("KGQA_ENDPOINT_ALLOW", "127.0.0.1")
        yield place


@pytest.fixture(scope="module")
def family(home: Path) -> Pipeline:
    return Pipeline.load("family", n_threads=1)


@pytest.fixture(scope="module")
def world(home: Path) -> Pipeline:
    return Pipeline.load("world", n_threads=1)


@pytest.fixture(scope="module")
def remote_family(home: Path, family_endpoint: str) -> Pipeline:
    return Pipeline.load(family_endpoint, n_threads=1)


@pytest.fixture(scope="module")
def remote_world(home: Path, world_endpoint: str) -> Pipeline:
    return Pipeline.load(world_endpoint, n_threads=1)


@pytest.fixture(scope="module")
def tight_world(world: Pipeline, home: Path, world_endpoint: str) -> RemotePipeline:
    """The same graph, of which very little may be looked at, and no table of labels."""
    return RemotePipeline(store_at(world_endpoint), world.model, home / "tight", limits=TIGHT)


# -- the store: the same rows for the gold query of every question


def rows_alike(ours: GraphStore, theirs: GraphStore, query: str) -> bool:
    if "ASK" in query.split("{")[0].upper():
        return ours.ask(query) == theirs.ask(query)
    return sorted(map(repr, ours.select(query))) == sorted(map(repr, theirs.select(query)))


@pytest.mark.parametrize("name", ["family", "world"])
def test_every_gold_query_has_the_rows_of_the_embedded_store(name: str, request: pytest.FixtureRequest) -> None:
    embedded: Pipeline = request.getfixturevalue(name)
    remote = store_at(request.getfixturevalue(f"{name}_endpoint"))
    gold = [record["sparql"] for record in questions(name) if record.get("sparql")]
    assert len(gold) >= 25
    assert [query for query in gold if not rows_alike(embedded.graph.store, remote, query)] == []


# -- the pipeline: the same answers


def test_family_questions_have_the_answers_of_the_embedded_store(family: Pipeline, remote_family: Pipeline) -> None:
    assert share_alike(family, remote_family, [record["question"] for record in questions("family")]) >= 0.9


def test_world_questions_have_the_answers_of_the_embedded_store(world: Pipeline, remote_world: Pipeline) -> None:
    assert share_alike(world, remote_world, [record["question"] for record in questions("world")[::8]]) >= 0.8


def test_a_second_engine_gives_the_answers_of_the_embedded_store(
    family: Pipeline, home: Path, rdflib_endpoint: str
) -> None:
    remote = RemotePipeline(store_at(rdflib_endpoint), family.model, home / "rdflib")
    assert share_alike(family, remote, [record["question"] for record in questions("family")[::3]]) >= 0.8


@pytest.mark.parametrize("number", range(0, 124, 12))
def test_what_is_answered_is_what_the_whole_graph_says(
    number: int, world: Pipeline, tight_world: RemotePipeline
) -> None:
    """However little was fetched: the SPARQL of the answer, run on the embedded store, gives exactly the answer."""
    prediction = tight_world(questions("world")[number]["question"])
    if prediction.sparql is None:
        assert prediction.status == "not_found"
    elif prediction.readings[0].operator == "ask":
        assert answers(prediction) == {literal(str(world.graph.store.ask(prediction.sparql)).lower(), _BOOLEAN)}
    else:
        rows = world.graph.store.select(prediction.sparql)
        assert answers(prediction) == {row[0] for row in rows}


_BOOLEAN = "http://www.w3.org/2001/XMLSchema#boolean"


def test_a_count_is_the_engines_own(tight_world: RemotePipeline) -> None:
    prediction = tight_world("How many mountains are there?")
    assert answers(prediction) == {literal("59", XSD_INTEGER)}
    index = tight_world.graph.index
    assert len(index.instances(index.find("https://kgqa.example/world#Mountain"))) < 59


def test_an_answer_comes_with_true_facts(world: Pipeline, tight_world: RemotePipeline) -> None:
    prediction = tight_world("What is the capital of Australia?")
    assert [answer.label for answer in prediction.answers] == ["Canberra"]
    assert prediction.evidence
    for fact in prediction.evidence:
        triple = f"{fact.subject.n3()} {fact.predicate.n3()} {fact.object.n3()}"
        assert world.graph.store.ask(f"ASK {{ {triple} }}"), triple


def test_no_response_is_larger_than_its_bound(tight_world: RemotePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[str, int] = {}
    run = tight_world.reader.store.run

    def recorded(query: str, *, timeout_s: float | None = None) -> object:
        result = run(query, timeout_s=timeout_s)
        sizes[query] = len(result.rows)
        return result

    monkeypatch.setattr(tight_world.reader.store, "run", recorded)
    tight_world("In which time zones are the capitals of the countries bordering Brazil?")
    assert sizes
    assert max(sizes.values()) <= max(TIGHT.max_rows, 20 * TIGHT.batch, 2000)
    assert all("LIMIT" in query or "COUNT" in query or "?x" in query for query in sizes)


def test_an_empty_or_overlong_question_asks_nothing(remote_family: Pipeline) -> None:
    assert isinstance(remote_family, RemotePipeline)
    before = remote_family.reader.store.n_requests
    assert remote_family("?!").reason == "invalid_question"
    assert remote_family("x " * 2000).reason == "invalid_question"
    assert remote_family.reader.store.n_requests == before


def test_hostile_questions_reach_the_endpoint_as_values_only(remote_family: Pipeline) -> None:
    for text in ('Who is "} DROP ALL #?', "Eve\\u0022 } SERVICE <http://127.0.0.1:8777/> { ?", "<http://e/> > {} ?"):
        assert remote_family(text).status in ("answered", "not_found")


def test_given_links_take_the_place_of_the_linkers_own(remote_family: Pipeline) -> None:
    question = Question("Who are Eve Novak's parents?")
    own = remote_family.answer(question)
    assert answers(remote_family.answer(question, links=own.links[:0])) != answers(own)
    assert answers(remote_family.answer(question, links=_links_of(remote_family, question))) == answers(own)


def _links_of(pipeline: Pipeline, question: Question) -> tuple[EntityLink, ...]:
    return LabelEntityLinker(pipeline.graph.index, pipeline.context.labels, pipeline.model.known_words).link(question)


def test_an_endpoint_is_asked_alone(home: Path) -> None:
    with pytest.raises(UnknownGraphError, match="asked alone"):
        Pipeline.load(["http://127.0.0.1:1/", "family"])


def test_an_endpoint_that_stops_is_one_line(family: Pipeline, remote_family: Pipeline) -> None:
    assert isinstance(remote_family, RemotePipeline)
    limits = EndpointLimits(n_tries=1, timeout_s=2)
    gone = EndpointStore("http://127.0.0.1:9/", allowed=["127.0.0.1"], limits=limits)
    remote = RemotePipeline.__new__(RemotePipeline)
    vars(remote).update(vars(remote_family), reader=RemoteReader(gone))
    with pytest.raises(EndpointError, match="endpoint cannot be reached"):
        remote.answer(Question("Who are Eve Novak's parents?"))


# -- the profile on disk


def test_a_profile_is_kept_and_read_again(family_endpoint: str, tmp_path: Path) -> None:
    first = RemoteReader(store_at(family_endpoint))
    made = open_profile(first, tmp_path)
    again = RemoteReader(store_at(family_endpoint))
    assert open_profile(again, tmp_path) == made
    assert again.store.n_requests == 0


@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00cut"])
def test_a_damaged_profile_is_made_anew(content: bytes, family_endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "profile.json.gz").write_bytes(content)
    profile = open_profile(RemoteReader(store_at(family_endpoint)), tmp_path)
    assert profile.classes["https://kgqa.example/family#Person"] == 7


def test_a_profile_older_than_a_week_is_made_anew(
    family_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 8 * 86_400)
    open_profile(RemoteReader(store_at(family_endpoint)), tmp_path)
    monkeypatch.setattr(time, "time", lambda: now)
    assert open_profile(RemoteReader(store_at(family_endpoint)), tmp_path).made_at == now


def test_a_profile_counts_what_its_sample_does_not_hold(tight_world: RemotePipeline) -> None:
    profile = tight_world.remote.profile
    population = profile.predicates["https://kgqa.example/world#population"]
    assert (population.n_triples, population.n_subjects) == (6077, 6077)
    assert profile.classes["https://kgqa.example/world#City"] == 5830
    assert sum(triple[1].value.endswith("#population") for triple in profile.triples) < 1000
    assert not profile.has_all_labels
