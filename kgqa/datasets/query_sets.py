"""Sets whose gold is a query (SPARQL, SQL, Cypher, lambda-DCS) or a sentence: LC-QuAD 1, DBLP-QuAD, TEXT2SPARQL, ..."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from kgqa.datasets.documents import (
    Convert,
    Record,
    answer_kind,
    convert_all,
    field,
    identifier,
    labels_of,
    list_in,
    metadata_of,
    query_of,
    read_csv,
    read_json,
    read_yaml,
)
from kgqa.datasets.qald import qald_answers, qald_examples
from kgqa.datasets.question_files import QAExample, QuestionFile, kind_of_json
from kgqa.datatypes import Question, Term
from kgqa.errors import DatasetError

Read = Callable[[Path, str], QuestionFile[QAExample]]


def fields(
    question: str | tuple[str, ...] = "question",
    *,
    name: str = "id",
    sparql: str = "",
    labels: str = "",
    category: str = "",
    extra: tuple[str, ...] = (),
) -> Convert:
    """Return a converter of records whose fields are named as told: the question, its id, the gold query, the answers'
    names, the category; `extra` fields, such as a query in another language, are kept as metadata."""
    questions = (question,) if isinstance(question, str) else question

    def convert(record: Record, language: str) -> Iterable[QAExample]:
        query = query_of(record.get(sparql)) if sparql else None
        if sparql and query is None:
            raise ValueError(f"no {sparql!r}")
        yield QAExample(
            Question(field(record, *questions), identifier(record, name)),
            labels_of(record.get(labels)) if labels else (),
            category=str(record.get(category) or "") if category else "",
            answer_form="labels" if labels else "none",
            gold_sparql=query,
            metadata=metadata_of(record, *extra),
        )

    return convert


def table(convert: Convert, *, tabs: bool = False) -> Read:
    """Return a reader of tables with a head, one question a row."""

    def read(path: Path, language: str) -> QuestionFile[QAExample]:
        return convert_all(read_csv(path, tabs=tabs), convert, language)

    return read


lcquad1 = fields(
    "corrected_question", name="_id", sparql="sparql_query", extra=("intermediary_question", "sparql_template_id")
)
"""LC-QuAD 1 (Trivedi et al., ISWC 2017): gold queries over DBpedia 2016-04, no answers."""


def read_dblp_quad(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of DBLP-QuAD (Banerjee et al., 2023). Answers are read from the file beside it that has
    "answers" for "questions" in its name, where that is there. Raises DatasetError."""
    beside = path.with_name(path.name.replace("questions", "answers"))
    answers: dict[str, object] = {}
    if beside != path and beside.is_file():
        for row in list_in(read_json(beside), beside, "answers"):
            if isinstance(row, dict):
                answers[identifier(row, "id")] = row.get("answer")

    def convert(record: Record, language: str) -> Iterable[QAExample]:
        told, query, name = record.get("question"), record.get("query"), identifier(record, "id")
        sparql = query_of(query.get("sparql") if isinstance(query, dict) else None)
        found, form = qald_answers(answers.get(name), sparql)
        paraphrase = record.get("paraphrased_question")
        yield QAExample(
            Question(field(told if isinstance(told, dict) else {}, "string"), name),
            found,
            category=str(record.get("query_type") or ""),
            answer_form=form,
            answer_kind=answer_kind(found, sparql) if form == "terms" else None,
            gold_sparql=sparql,
            metadata=(
                *(("paraphrase", text) for _, text in metadata_of(_object(paraphrase), "string")),
                *metadata_of(record, "template_id", "held_out"),
            ),
        )

    return convert_all(list_in(read_json(path), path, "questions"), convert, language)


def read_text2sparql(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a TEXT2SPARQL file (CK25 and DB25 of the 2025 challenge): gold queries, no answers.

    The feature RESULT_ORDER_MATTERS makes a question ordered. Raises DatasetError, also where PyYAML is not installed.
    """
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise DatasetError(f"{path}: expected an object with 'questions', found {kind_of_json(document)}")

    def convert(record: Record, language: str) -> Iterable[QAExample]:
        told, query = _object(record.get("question")), _object(record.get("query"))
        text = told.get(language)
        if not isinstance(text, str):
            there = ", ".join(map(str, told)) or "no language"
            raise ValueError(f"no wording in {language!r}; there is one in {there}")
        sparql = query_of(query.get("sparql"))
        if sparql is None:
            raise ValueError("no gold query")
        features = [value for _, value in metadata_of(record, "features")]
        yield QAExample(
            Question(" ".join(text.split()), identifier(record, "id")),
            (),
            ordered="RESULT_ORDER_MATTERS" in features,
            answer_form="none",
            language=language,
            gold_sparql=sparql,
            metadata=metadata_of(record, "features", "classes", "properties"),
        )

    return convert_all(list_in(document, path, "questions"), convert, language)


def read_parallel_lists(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a file with a list of questions and one of SPARQL queries of the same length.

    Raises DatasetError.
    """
    document = read_json(path)
    questions, queries = (list_in(_object(document).get(key), path) for key in ("question", "query"))
    if len(questions) != len(queries):
        raise DatasetError(f"{path}: {len(questions)} questions, but {len(queries)} queries")
    rows = [{"id": n, "question": q, "sparql": s} for n, (q, s) in enumerate(zip(questions, queries, strict=True), 1)]
    return convert_all(rows, fields(sparql="sparql"), language)


def query_line(record: Record, language: str) -> Iterable[QAExample]:
    """Read a line of GRASP's collection or the like: `id`, `question`, `sparql`, perhaps `paraphrases`."""
    yield from fields(sparql="sparql", extra=("paraphrases",))(record, language)


def lcquad2_regrouped(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of LC-QuAD 2 in the layout of QALD, as it was regrouped, or a line with `sparql`."""
    yield from query_line(record, language) if "sparql" in record else qald_examples(record, language)


def wikitable_question(record: Record, language: str) -> Iterable[QAExample]:
    """Read a row of WikiTableQuestions (Pasupat and Liang, ACL 2015): answers with | between, escaped inside."""
    told = field(record, "targetValue").split("|")
    yield QAExample(
        Question(field(record, "utterance"), identifier(record, "id")),
        labels_of([name.replace("\\p", "|").replace("\\n", " ").replace("\\\\", "\\") for name in told]),
        answer_form="labels",
        metadata=metadata_of(record, "context"),
    )


def overnight(columns: list[str], number: int) -> QAExample:
    """Read a line of Overnight (Wang et al., ACL 2015): paraphrase, canonical utterance, lambda-DCS."""
    if len(columns) != 3:
        raise ValueError(f"expected 3 columns, found {len(columns)}")
    text, canonical, formula = (column.strip() for column in columns)
    metadata = (("canonical", canonical), ("lambda_dcs", formula))
    return QAExample(Question(text, str(number)), (), answer_form="none", metadata=metadata)


def dialogue(record: Record, language: str) -> Iterable[QAExample]:
    """Read a dialogue of SParC or CoSQL (Yu et al., 2019): a question a turn, which may rest on those before."""
    for place, turn in enumerate(list_of(record.get("interaction")), start=1):
        database = identifier(record, "database_id")
        yield QAExample(
            Question(field(_object(turn), "utterance"), f"{database}-{place}"),
            (),
            answer_form="none",
            metadata=(("turn", str(place)), *metadata_of(_object(turn), "query"), ("db_id", database)),
        )


def template_sentences(record: Record, language: str) -> Iterable[QAExample]:
    """Read a query of the text2sql collection (Finegan-Dollak et al., ACL 2018) with its wordings, variables filled in.
    """
    sql = metadata_of(record, "sql")
    for sentence in list_of(record.get("sentences")):
        text = field(_object(sentence), "text")
        for variable, value in _object(_object(sentence).get("variables")).items():
            text = text.replace(variable, str(value))
        split = metadata_of(_object(sentence), "question-split")
        yield QAExample(Question(text), (), answer_form="none", metadata=(*sql[:1], *split))


def span_relation(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question with the words of its subject and its Freebase relation, as TREE-QALD keeps SimpleQuestions."""
    text, start, end = field(record, "text"), record.get("subject_begin"), record.get("subject_end")
    words = text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    yield QAExample(
        Question(text, identifier(record, "id")), (), "1-hop", answer_form="none", hops=1,
        metadata=(*metadata_of(record, "relation"), ("subject", words)),
    )  # fmt: skip


def list_of(value: object) -> list[object]:
    """Return a list as it is. Raises ValueError for anything else."""
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {kind_of_json(value)}")
    return value


def topic_and_answers(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question as Think-on-Graph keeps it: names of topic entities, and answers by id and name or by name."""
    told, query = record.get("answer", record.get("answers")), query_of(record.get("sparql"))
    answers: tuple[Term, ...] = labels_of(list(told.values()) if isinstance(told, dict) else told)
    yield QAExample(
        Question(field(record, "question"), identifier(record, "id", "qid")),
        answers,
        answer_form="labels",
        gold_sparql=query,
        metadata=(*(("topic", str(name)) for name in _object(record.get("topic_entity")).values()),
                  *metadata_of(record, "relation")),
    )  # fmt: skip


def _object(value: object) -> Record:
    return value if isinstance(value, dict) else {}
