"""Each official layout, on a handmade sample of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgqa.datasets.benchmark import LoadedBenchmark, load_benchmark, write_graph
from kgqa.datasets.hugging_face import load_hugging_face
from kgqa.datasets.question_files import QAExample
from kgqa.datasets.registry import benchmark
from kgqa.datatypes import XSD, XSD_BOOLEAN, Mention, iri, literal
from kgqa.errors import DatasetError

FB = "http://rdf.freebase.com/ns/"
WD = "http://www.wikidata.org/entity/"
WDT = "http://www.wikidata.org/prop/direct/"


def _load(name: str, folder: Path, file: str, content: object, language: str = "en") -> LoadedBenchmark:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_benchmark(benchmark(name), folder, language=language)


def _one(name: str, folder: Path, file: str, content: object, language: str = "en") -> QAExample:
    loaded = _load(name, folder, file, content, language)
    assert loaded.skipped == ()
    (example,) = loaded.examples
    return example


def test_simplequestions(tmp_path: Path) -> None:
    line = "www.freebase.com/m/04w\twww.freebase.com/book/work/subjects\twww.freebase.com/m/01c\twhat is it about\n"
    example = _one("simplequestions", tmp_path, "annotated_fb_data_test.txt", line)
    assert example.answers == (iri(FB + "m.01c"),)
    assert example.gold_links[0].entity == iri(FB + "m.04w")
    assert example.gold_sparql == f"SELECT DISTINCT ?x WHERE {{ <{FB}m.04w> <{FB}book.work.subjects> ?x . }}"


def test_simplequestions_with_tags_tells_the_words_of_the_subject(tmp_path: Path) -> None:
    line = "valid-2\tfb:m.07f\tann lee\tfb:people.person.place_of_birth\tfb:m.05\twhere was ann lee born\tO O I I O\n"
    example = _one("simplequestions-buboqa", tmp_path, "valid.txt", line)
    assert example.question.id == "valid-2"
    assert example.gold_links[0].mention == Mention(10, 17, "ann lee")


@pytest.mark.parametrize(
    ("prop", "pattern"),
    [("P19", f"<{WD}Q1> <{WDT}P19> ?x"), ("R19", f"?x <{WDT}P19> <{WD}Q1>")],
    ids=["forward", "reverse"],
)
def test_simplequestions_over_wikidata(tmp_path: Path, prop: str, pattern: str) -> None:
    example = _one("simplequestions-wikidata", tmp_path, "annotated_wd_data_test.txt", f"Q1\t{prop}\tQ2\twhere?\n")
    assert example.answers == (iri(WD + "Q2"),)
    assert example.gold_sparql == f"SELECT DISTINCT ?x WHERE {{ {pattern} . }}"


def test_webqsp_takes_the_answers_of_all_parses(tmp_path: Path) -> None:
    def parse(*answers: tuple[str, str]) -> dict[str, object]:
        return {
            "Sparql": "SELECT 1", "TopicEntityMid": "m.0p", "TopicEntityName": "Peru", "InferentialChain": ["a.b.c"],
            "PotentialTopicEntityMention": "peru",
            "Answers": [{"AnswerType": kind, "AnswerArgument": value} for kind, value in answers],
        }  # fmt: skip

    question = {
        "QuestionId": "WebQTest-1",
        "RawQuestion": "what is in Peru?",
        "Parses": [parse(("Entity", "m.01"), ("Value", "7")), parse(("Entity", "m.02"), ("Entity", "m.01"))],
    }
    example = _one("webqsp", tmp_path, "WebQSP.test.json", {"Questions": [question]})
    assert example.answers == (iri(FB + "m.01"), literal("7"), iri(FB + "m.02"))
    assert example.gold_links[0].mention == Mention(11, 15, "Peru")
    assert (example.hops, example.gold_sparql) == (1, "SELECT 1")


def test_complexwebquestions_with_and_without_answers(tmp_path: Path) -> None:
    row = {"ID": "a", "question": "Who?", "sparql": "q", "compositionality_type": "composition"}
    assert _one("cwq", tmp_path, "ComplexWebQuestions_test.json", [row]).answer_form == "none"
    answers = [{"answer": "Al", "answer_id": "m.0a", "aliases": []}, {"answer": "1990", "answer_id": None}]
    example = _one("cwq", tmp_path, "ComplexWebQuestions_train.json", [row | {"answers": answers}])
    assert example.answers == (iri(FB + "m.0a"), literal("1990"))
    (tmp_path / "ComplexWebQuestions_train.json").unlink()
    (tmp_path / "ComplexWebQuestions_test.json").unlink()
    named = _one("cwq", tmp_path, "tog_cwq_test.json", [row | {"answer": "Al", "topic_entity": {"m.0b": "Who"}}])
    assert (named.answers, named.answer_form) == ((literal("Al"),), "labels")
    assert named.gold_links[0].mention == Mention(0, 3, "Who")


def test_grailqa(tmp_path: Path) -> None:
    nodes = [
        {"node_type": "class", "id": "theater.play", "friendly_name": "Play"},
        {"node_type": "entity", "id": "m.0y", "friendly_name": "The Illusion"},
    ]
    row = {
        "qid": 21, "question": "which play is by the illusion?", "level": "zero-shot", "num_edge": 2,
        "answer": [{"answer_type": "Entity", "answer_argument": "m.0a"},
                   {"answer_type": "Value", "answer_argument": f"1.5^^{XSD}float"}],
        "graph_query": {"nodes": nodes}, "sparql_query": "q", "s_expression": "(AND a b)",
    }  # fmt: skip
    example = _one("grailqa", tmp_path, "grailqa_v1.0_dev.json", [row])
    assert example.answers == (iri(FB + "m.0a"), literal("1.5", XSD + "float"))
    assert (example.category, example.hops) == ("zero-shot", 2)
    assert [link.mention for link in example.gold_links] == [Mention(17, 29, "the illusion")]


def test_rog_names_are_those_of_its_graph(tmp_path: Path) -> None:
    row = {"id": "1", "question": "who is al", "answer": ["Bo"], "q_entity": ["Al"], "a_entity": ["Bo"],
           "graph": [["Al", "people.person.spouse_s", "Bo"]]}  # fmt: skip
    example = _one("rog-webqsp", tmp_path, "test.jsonl", json.dumps(row) + "\n")
    write_graph(benchmark("rog-webqsp"), tmp_path, tmp_path / "graph.nt", "test")
    text = (tmp_path / "graph.nt").read_text()
    assert f"{example.gold_links[0].entity.n3()} <http://example.org/rog/relation/people.person.spouse_s> {example.answers[0].n3()}" in text  # fmt: skip  # noqa: E501
    assert '"spouse s"' in text


def test_lcquad_1_and_2_have_gold_queries_only(tmp_path: Path) -> None:
    one = {"_id": "7", "corrected_question": "Who?", "sparql_query": "q", "intermediary_question": "<who>"}
    first = _one("lcquad-1", tmp_path, "test-data.json", [one])
    assert (first.gold_sparql, first.answer_form, first.is_answerable) == ("q", "none", True)
    two = {"uid": 7, "question": "Who?", "sparql_wikidata": " q2 ", "paraphrased_question": "Which one?"}
    loaded = _load("lcquad-2", tmp_path, "test.json", [two, two | {"question": None}, two | {"question": "n/a"}])
    assert [example.gold_sparql for example in loaded.examples] == ["q2"]
    assert [(bad.number, bad.reason) for bad in loaded.skipped] == [(2, "no 'question'"), (3, "the question is 'n/a'")]


def test_dblp_quad_takes_answers_from_the_file_beside_it(tmp_path: Path) -> None:
    question = {"id": "Q1", "query_type": "COUNT", "question": {"string": "How many?"}, "query": {"sparql": "q"},
                "paraphrased_question": {"string": "The number?"}}  # fmt: skip
    bare = _one("dblp-quad", tmp_path, "test/questions.json", {"questions": [question]})
    assert (bare.answer_form, bare.category) == ("none", "COUNT")
    assert ("paraphrase", "The number?") in bare.metadata
    table = {"head": {"vars": ["n"]}, "results": {"bindings": [{"n": {"type": "literal", "value": "3"}}]}}
    (tmp_path / "test" / "answers.json").write_text(json.dumps({"answers": [{"id": "Q1", "answer": table}]}))
    assert load_benchmark(benchmark("dblp-quad"), tmp_path).examples[0].answers == (literal("3"),)


@pytest.mark.parametrize(
    ("answer", "terms", "form"),
    [
        ({"answerType": "entity", "answer": [{"name": "Q5", "label": {"en": "x"}}]}, (iri(WD + "Q5"),), "terms"),
        ({"answerType": "boolean", "answer": [True]}, (literal("true", XSD_BOOLEAN),), "terms"),
        ({"answerType": "numerical", "answer": [4]}, (literal("4", XSD + "decimal"),), "terms"),
        ({"answerType": "date", "answer": ["1944-06-06"]}, (literal("1944-06-06", XSD + "date"),), "terms"),
        ({"answerType": "entity", "answer": None, "mention": "nobody"}, (literal("nobody"),), "labels"),
    ],
    ids=["entity", "boolean", "number", "date", "mention"],
)
def test_mintaka_answers(tmp_path: Path, answer: object, terms: tuple[object, ...], form: str) -> None:
    row = {"id": "m", "question": "Who?", "translations": {"de": "Wer?"}, "answer": answer, "complexityType": "ordinal"}
    example = _one("mintaka", tmp_path, "mintaka_test.json", [row], "de")
    assert (example.question.text, example.language, example.category) == ("Wer?", "de", "ordinal")
    assert (example.answers, example.answer_form) == (terms, form)


def test_kqapro_answers_are_names_or_truth_values(tmp_path: Path) -> None:
    rows = [{"question": q, "answer": a, "sparql": "q", "program": [{"function": "Find"}]}
            for q, a in (("Who?", "Al"), ("Is it?", "no"))]  # fmt: skip
    loaded = _load("kqapro", tmp_path, "val.json", [*rows, {"question": "Open?"}])
    assert [(e.answers, e.answer_form) for e in loaded.examples] == [
        ((literal("Al"),), "labels"),
        ((literal("false", XSD_BOOLEAN),), "terms"),
    ]
    assert [bad.number for bad in loaded.skipped] == [3]


def test_kqapro_graph_keeps_types_units_and_qualifiers(tmp_path: Path) -> None:
    metre = {"type": "quantity", "value": 1.9, "unit": "metre"}
    kb = {
        "concepts": {"Q5": {"name": "human", "instanceOf": []}},
        "entities": {
            "Q1": {
                "name": "Al", "instanceOf": ["Q5"],
                "attributes": [{"key": "height", "value": metre, "qualifiers": {}}],
                "relations": [{"relation": "spouse", "direction": "backward", "object": "Q2",
                               "qualifiers": {"start time": [{"type": "year", "value": 1990}]}}],
            },
            "Q2": {"name": "Bo", "instanceOf": ["Q5"], "attributes": [], "relations": []},
        },
    }  # fmt: skip
    (tmp_path / "kb.json").write_text(json.dumps(kb))
    write_graph(benchmark("kqapro"), tmp_path, tmp_path / "kb.nt")
    lines = (tmp_path / "kb.nt").read_text().splitlines()
    entity, relation = "http://example.org/kqapro/entity/", "http://example.org/kqapro/relation/"
    assert f'<{entity}Q1> <{relation}height%20%28metre%29> "1.9"^^<{XSD}decimal> .' in lines
    assert f"<{entity}Q2> <{relation}spouse> <{entity}Q1> ." in lines
    (node,) = {line.split()[0] for line in lines if line.startswith("_:")}
    assert f"<{entity}Q2> <{relation}spouse%20statement> {node} ." in lines
    assert f'{node} <{relation}start%20time> "1990"^^<{XSD}gYear> .' in lines
    assert f"{node} <{relation}spouse> <{entity}Q1> ." in lines


def test_a_kqapro_knowledge_base_of_another_layout_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "kb.json").write_text('{"concepts": {}, "entities": {"Q1": {}}}')
    with pytest.raises(DatasetError, match="not the layout of KQA Pro: KeyError"):
        write_graph(benchmark("kqapro"), tmp_path, tmp_path / "kb.nt")


YAML = """
dataset:
  id: https://example.org/
questions:
  - id: 1
    question:
      en: In which department is Ms. Brant?
    query:
      sparql: |
        SELECT ?x
  - id: 2
    question: {es: "¿Quién?"}
    features: [SELECT, RESULT_ORDER_MATTERS]
    query: {sparql: q}
"""


def test_text2sparql_yaml(tmp_path: Path) -> None:
    loaded = _load("ck25", tmp_path, "questions.yml", YAML)
    assert [(e.question.text, e.gold_sparql, e.ordered) for e in loaded.examples] == [
        ("In which department is Ms. Brant?", "SELECT ?x", False)
    ]
    assert [(bad.number, bad.reason) for bad in loaded.skipped] == [(2, "no wording in 'en'; there is one in es")]
    assert load_benchmark(benchmark("ck25"), tmp_path, language="es").examples[0].ordered


@pytest.mark.parametrize(
    ("name", "file", "content", "text", "metadata"),
    [
        ("free917", "free917.test.examples.canonicalized.json", [{"utterance": "who", "targetFormula": "(f)"}],
         "who", ("targetFormula", "(f)")),
        ("overnight", "overnight/blocks_test.tsv", "who\tthe one\t( call f )\n", "who", ("lambda_dcs", "( call f )")),
        ("spider-dk", "Spider-DK.json", [{"question": "who", "query": "SELECT 1", "db_id": "d", "type": 1}],
         "who", ("query", "SELECT 1")),
        ("sparc", "sparc_dev.json", [{"database_id": "d", "interaction": [{"utterance": "who", "query": "Q"}]}],
         "who", ("query", "Q")),
        ("text2sql", "imdb.json", [{"sql": ["S"], "sentences": [{"text": "who is n0", "variables": {"n0": "Al"}}]}],
         "who is Al", ("sql", "S")),
        ("text2cypher", "text2cypher_claudeopus.csv", "question,cypher,type,database\nwho,M,t,d\n",
         "who", ("cypher", "M")),
        ("tree-qald", "sq_valid_normalized.json",
         [{"text": "who is al", "subject_begin": 7, "subject_end": 9, "relation": "r"}],
         "who is al", ("subject", "al")),
    ],
    ids=["free917", "overnight", "spider-dk", "sparc", "text2sql", "text2cypher", "tree-qald"],
)  # fmt: skip
def test_gold_in_another_language_is_kept(
    tmp_path: Path, name: str, file: str, content: object, text: str, metadata: tuple[str, str]
) -> None:
    example = _one(name, tmp_path, file, content)
    assert (example.question.text, example.answer_form) == (text, "none")
    assert metadata in example.metadata


@pytest.mark.parametrize(
    ("name", "file", "content", "answers"),
    [
        ("complexquestions", "compQ.test.release", 'who\t["Al", "Bo"]\n', ("Al", "Bo")),
        ("tempquestions", "TempQuestions.json", [{"Id": 1, "Question": "who", "Gold answer": ["Al"]}], ("Al",)),
        ("webquestions", "main/test.json", [{"qId": "w", "answers": ["Al"], "qText": "who"}], ("Al",)),
        ("wikitablequestions", "data/training.tsv",
         'id\tutterance\tcontext\ttargetValue\nnt-0\twho "x\tc.csv\tAl|B\\pC\n', ("Al", "B|C")),
        ("think-on-graph", "tog_qald_10-en.json", [{"question": "who", "answer": {"Q1": "Al"}, "sparql": "q"}],
         ("Al",)),
        ("vanilla", "Final_Dataset_Test.json", '{"question_id": 1, "question": "who", "answer": "Al"}\n', ("Al",)),
    ],
    ids=["complexquestions", "tempquestions", "webquestions", "wikitablequestions", "think-on-graph", "vanilla"],
)  # fmt: skip
def test_answers_by_name_are_labels(tmp_path: Path, name: str, file: str, content: object, answers: tuple[str]) -> None:
    example = _one(name, tmp_path, file, content)
    assert example.answer_form == "labels"
    assert example.answers == tuple(literal(answer) for answer in answers)


def test_parallel_lists_of_different_length_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="2 questions, but 1 queries"):
        _load("lms4text2sparql", tmp_path, "test_split_orga.json", {"question": ["a", "b"], "query": ["q"]})


def test_a_hub_dataset_is_read_as_the_official_records_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    asked: list[object] = []

    def load_dataset(name: str, *, split: str, revision: str | None) -> list[object]:
        asked.append((name, split, revision))
        return [{"id": "1", "question": "who is al", "answer": ["Bo"], "q_entity": ["Al"]}, {"id": "2"}]

    hub = ModuleType("datasets")
    monkeypatch.setattr(hub, "load_dataset", load_dataset, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", hub)
    loaded = load_hugging_face(benchmark("rog-webqsp"), "someone/RoG-webqsp", "test", revision="abc")
    assert asked == [("someone/RoG-webqsp", "test", "abc")]
    assert [example.question.text for example in loaded.examples] == ["who is al"]
    assert [(bad.file, bad.number) for bad in loaded.skipped] == [("someone/RoG-webqsp", 2)]


def test_a_set_that_is_no_record_file_has_no_hub_form() -> None:
    with pytest.raises(DatasetError, match="metaqa is read from its official files only"):
        load_hugging_face(benchmark("metaqa"), "someone/metaqa", "dev")
