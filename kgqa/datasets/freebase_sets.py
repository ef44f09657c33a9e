"""Sets over Freebase: SimpleQuestions, WebQSP, ComplexWebQuestions, GrailQA, RoG's with subgraphs, and answers only.

Freebase ids become IRIs below `http://rdf.freebase.com/ns/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kgqa.datasets.documents import (
    Record,
    answer_kind,
    distinct,
    field,
    identifier,
    labels_of,
    list_or_none,
    metadata_of,
    query_of,
)
from kgqa.datasets.minted_graph import Minter, NamedTriple, Triple, words_of
from kgqa.datasets.question_files import GoldLink, QAExample, read_json_lines
from kgqa.datatypes import XSD, Mention, Question, Term, iri, literal
from kgqa.errors import DatasetError

FREEBASE = "http://rdf.freebase.com/ns/"
ROG = Minter("http://example.org/rog/")


def freebase_iri(name: str) -> Term:
    """Return the IRI of `m.0abc`, `fb:m.0abc`, `/m/0abc`, `www.freebase.com/m/0abc` or `people.person.gender`.

    Raises ValueError where nothing is left of the name.
    """
    local = name.strip().removeprefix("fb:").removeprefix("www.freebase.com").strip("/").replace("/", ".")
    if not local or any(char in local for char in '<>"{}|\\^` '):
        raise ValueError(f"{name!r} is no Freebase id")
    return iri(FREEBASE + local)


def simple_questions(columns: list[str], number: int) -> QAExample:
    """Read a line of SimpleQuestions (Bordes et al., 2015, arXiv 1506.02075): subject, relation, object, question.

    The form of the BuboQA scripts, which starts with an id and has the subject's words and tags, is read too. The one
    object is the gold answer, though the graph may hold more; the gold query finds all.
    """
    mention = None
    if len(columns) == 7:
        name, subject, _, relation, answer, text, tags = (column.strip() for column in columns)
        mention = _tagged(text, tags.split())
    elif len(columns) == 4:
        name, (subject, relation, answer, text) = str(number), (column.strip() for column in columns)
    else:
        raise ValueError(f"expected 4 columns, or 7 with an id and tags, found {len(columns)}")
    if not text:
        raise ValueError("no question")
    start, predicate = freebase_iri(subject), freebase_iri(relation)
    return QAExample(
        Question(text, name),
        (freebase_iri(answer),),
        "1-hop",
        answer_kind="entity set",
        hops=1,
        gold_links=(GoldLink(start, mention.text if mention else "", mention),),
        gold_sparql=f"SELECT DISTINCT ?x WHERE {{ {start.n3()} {predicate.n3()} ?x . }}",
        metadata=(("relation", predicate.value.removeprefix(FREEBASE)),),
    )


def _tagged(text: str, tags: list[str]) -> Mention | None:
    """Return the words tagged I, as one span; None where none is, or the tags do not fit the words."""
    words, place, spans = text.split(" "), 0, []
    for word in words:
        spans.append((place, place + len(word)))
        place += len(word) + 1
    marked = [span for span, tag in zip(spans, tags, strict=False) if tag == "I"]
    if len(tags) != len(words) or not marked:
        return None
    start, end = marked[0][0], marked[-1][1]
    return Mention(start, end, text[start:end])


def webqsp(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of WebQSP (Yih et al., "The Value of Semantic Parse Labeling", ACL 2016).

    The answers are those of all its parses together, as NSM and RoG take them; the official script scores the parse
    that fits best. The gold query and link are those of the first parse with answers.
    """
    parses = record.get("Parses")
    if not isinstance(parses, list):
        raise ValueError("no list of 'Parses'")
    parses = [parse for parse in parses if isinstance(parse, dict)]
    answers = distinct(term for parse in parses for term in _webqsp_answers(parse))
    chosen = next((parse for parse in parses if parse.get("Answers")), parses[0] if parses else {})
    links = _topic_link(chosen, field(record, "RawQuestion", "ProcessedQuestion"))
    chain = chosen.get("InferentialChain")
    sparql = query_of(chosen.get("Sparql"))
    yield QAExample(
        Question(field(record, "RawQuestion", "ProcessedQuestion"), identifier(record, "QuestionId")),
        answers,
        answer_kind=answer_kind(answers, sparql),
        hops=len(chain) if isinstance(chain, list) else None,
        gold_links=links,
        gold_sparql=sparql,
        metadata=(*metadata_of(chosen, "InferentialChain"), ("parses", str(len(parses)))),
    )


def _webqsp_answers(parse: Mapping[str, object]) -> Iterator[Term]:
    answers = parse.get("Answers")
    for answer in answers if isinstance(answers, list) else ():
        if not isinstance(answer, dict):
            raise ValueError("an answer must be an object")
        argument = str(answer.get("AnswerArgument") or "")
        yield freebase_iri(argument) if answer.get("AnswerType") == "Entity" else literal(argument)


def _topic_link(parse: Mapping[str, object], text: str) -> tuple[GoldLink, ...]:
    mid, name, words = (parse.get(key) for key in ("TopicEntityMid", "TopicEntityName", "PotentialTopicEntityMention"))
    if not isinstance(mid, str) or not mid:
        return ()
    return (GoldLink(freebase_iri(mid), str(name or ""), mention_of(str(words or ""), text)),)


def mention_of(words: str, text: str) -> Mention | None:
    """Return where `words` first stand in `text`, in any case; None where they do not."""
    start = text.casefold().find(words.casefold()) if words and len(text.casefold()) == len(text) else -1
    end = start + len(words)
    return Mention(start, end, text[start:end]) if start >= 0 else None


def complex_web_questions(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of ComplexWebQuestions (Talmor and Berant, NAACL 2018).

    The official test file has no answers, only the gold query. The copy that Think-on-Graph ships has one answer's
    name and the topic entities.
    """
    sparql, told = query_of(record.get("sparql")), record.get("answers", record.get("answer"))
    named = isinstance(told, str | int)
    answers = labels_of(told) if named else distinct(_cwq_answer(answer) for answer in list_or_none(told))
    topics = record.get("topic_entity")
    topics = topics if isinstance(topics, dict) else {}
    text = field(record, "question")
    yield QAExample(
        Question(text, identifier(record, "ID")),
        answers,
        category=str(record.get("compositionality_type") or ""),
        answer_form="labels" if named else "terms" if answers else "none",
        answer_kind=answer_kind(answers, sparql) if answers and not named else None,
        gold_links=tuple(
            GoldLink(freebase_iri(mid), str(name), mention_of(str(name), text)) for mid, name in topics.items()
        ),
        gold_sparql=sparql,
        metadata=metadata_of(record, "webqsp_ID", "machine_question"),
    )  # fmt: skip


def _cwq_answer(answer: object) -> Term:
    if not isinstance(answer, dict):
        raise ValueError("an answer must be an object")
    found = answer.get("answer_id") or answer.get("answer")
    if not isinstance(found, str):
        raise ValueError("an answer without an id or name")
    return freebase_iri(found) if found.startswith(("m.", "g.")) else literal(found)


def grailqa(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of GrailQA (Gu et al., "Beyond I.I.D.", WWW 2021); the category is its generalization level."""
    sparql = query_of(record.get("sparql_query"))
    told = record.get("answer")
    answers = distinct(_grail_answer(answer) for answer in list_or_none(told))
    if told is None and sparql is None:
        raise ValueError("neither 'answer' nor 'sparql_query': the answers of the test split are not public")
    text, edges = field(record, "question"), record.get("num_edge")
    yield QAExample(
        Question(text, identifier(record, "qid")),
        answers,
        category=str(record.get("level") or ""),
        answer_form="terms" if told is not None else "none",
        answer_kind=answer_kind(answers, sparql) if told is not None else None,
        hops=edges if isinstance(edges, int) else None,
        gold_links=tuple(_grail_links(record, text)),
        gold_sparql=sparql,
        metadata=metadata_of(record, "function", "s_expression", "domains"),
    )


def _grail_answer(answer: object) -> Term:
    if not isinstance(answer, dict) or not isinstance(answer.get("answer_argument"), str | int | float):
        raise ValueError("an answer must be an object with 'answer_argument'")
    argument = str(answer["answer_argument"])
    if answer.get("answer_type") == "Entity":
        return freebase_iri(argument)
    value, _, datatype = argument.partition("^^")
    return literal(value, datatype.strip("<>") or None)


def _grail_links(record: Record, text: str) -> Iterator[GoldLink]:
    graph = record.get("graph_query")
    for node in list_or_none(graph.get("nodes") if isinstance(graph, dict) else None):
        if isinstance(node, dict) and node.get("node_type") == "entity":
            name = str(node.get("friendly_name") or "")
            yield GoldLink(freebase_iri(str(node.get("id"))), name, mention_of(name, text))


def rog(record: Record, language: str) -> Iterable[QAExample]:
    """Read a line of RoG's WebQSP or CWQ (Luo et al., ICLR 2024): a question, and triples of names around it.

    Names become the IRIs of the graph that `rog_graph` makes of all lines together.
    """
    text = field(record, "question")
    names = [str(name) for name in list_or_none(record.get("answer")) if str(name)]
    yield QAExample(
        Question(text, identifier(record, "id")),
        distinct(ROG.entity(name) for name in names),
        answer_kind="entity set" if names else "unanswerable",
        gold_links=tuple(
            GoldLink(ROG.entity(name), name, mention_of(name, text))
            for name in map(str, list_or_none(record.get("q_entity"))) if name
        ),
    )  # fmt: skip


def rog_graph(path: Path) -> Iterator[Triple]:
    """Yield the triples of all lines of a RoG file, and the labels of what they name. Raises DatasetError."""

    def triples(record: Record) -> tuple[NamedTriple, ...]:
        found = []
        for fact in list_or_none(record.get("graph")):
            if not isinstance(fact, list) or len(fact) != 3 or not all(isinstance(n, str) and n for n in fact):
                raise ValueError("a fact of the graph is not three names")
            found.append((fact[0], fact[1], fact[2]))
        return tuple(found)

    lines = read_json_lines(path, triples)
    if lines.bad_lines:
        raise DatasetError(f"{path}: line {lines.bad_lines[0].number}: {lines.bad_lines[0].reason}")
    return ROG.triples((fact for facts in lines.items for fact in facts), words_of)


def web_questions(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of WebQuestions (Berant et al., EMNLP 2013) in the layout of the YodaQA project: answers by name.
    """
    yield QAExample(
        Question(field(record, "qText", "question"), identifier(record, "qId")),
        labels_of(record.get("answers", [])),
        answer_form="labels",
    )


def webqsp_links(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of WebQSP with the entities that Sorokin and Gurevych (COLING 2018) linked; no answers."""
    text, span = field(record, "utterance"), record.get("main_entity_pos")
    mention = None
    if isinstance(span, list) and len(span) == 2 and all(isinstance(place, int) for place in span):
        start, end = span
        mention = Mention(start, end, text[start:end]) if 0 <= start < end <= len(text) else None
    main, label = record.get("main_entity"), str(record.get("main_entity_text") or "")
    links = [GoldLink(iri("http://www.wikidata.org/entity/" + main), label, mention)] if isinstance(main, str) else []
    links += [
        GoldLink(iri("http://www.wikidata.org/entity/" + str(other)))
        for other in list_or_none(record.get("entities"))
        if other and other != main
    ]
    yield QAExample(
        Question(text, identifier(record, "question_id")), (), answer_form="none", gold_links=tuple(links),
        metadata=metadata_of(record, "entities_fb"),
    )  # fmt: skip


def complex_questions(columns: list[str], number: int) -> QAExample:
    """Read a line of ComplexQuestions (Bao et al., COLING 2016): a question, a tab, a JSON list of names."""
    if len(columns) != 2:
        raise ValueError(f"expected a question and its answers, found {len(columns)} columns")
    try:
        told = json.loads(columns[1])
    except (ValueError, RecursionError) as error:
        raise ValueError("the answers are no JSON list") from error
    return QAExample(Question(columns[0].strip(), str(number)), labels_of(told), answer_form="labels")


def date_or_text(value: str) -> Term:
    """Return a literal: xsd:date for a text such as 1944-06-06, plain for any other."""
    parts = value.split("-")
    whole = len(parts) == 3 and all(part.isdigit() for part in parts) and [len(part) for part in parts] == [4, 2, 2]
    return literal(value, XSD + "date" if whole else None)
