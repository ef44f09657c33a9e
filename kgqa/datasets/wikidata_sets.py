"""Sets over Wikidata: SimpleQuestions' Wikidata form, LC-QuAD 2, Mintaka, TempQuestions; and KQA Pro with its graph."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

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
    read_json,
)
from kgqa.datasets.freebase_sets import date_or_text, mention_of
from kgqa.datasets.minted_graph import RDFS_LABEL, Minter, Triple
from kgqa.datasets.question_files import GoldLink, QAExample, kind_of_json
from kgqa.datatypes import RDF_TYPE, RDFS, XSD, XSD_BOOLEAN, Question, Term, iri, literal
from kgqa.errors import DatasetError

ENTITY = "http://www.wikidata.org/entity/"
DIRECT = "http://www.wikidata.org/prop/direct/"
KQAPRO = Minter("http://example.org/kqapro/")


def simple_questions_wikidata(columns: list[str], number: int) -> QAExample:
    """Read a line of SimpleQuestionsWikidata (Diefenbach et al., ISWC 2017): subject, property, object, question.

    `R19` is property P19 walked from its object. The one object is the gold answer, though Wikidata may hold more; the
    gold query finds all.
    """
    if len(columns) != 4:
        raise ValueError(f"expected 4 columns, found {len(columns)}")
    subject, prop, answer, text = (column.strip() for column in columns)
    if prop[:1] not in ("P", "R") or not prop[1:].isdigit() or not text:
        raise ValueError(f"{prop!r} is no property P... or R..., or the question is empty")
    start, predicate = wikidata_iri(subject), f"<{DIRECT}P{prop[1:]}>"
    pattern = f"{start.n3()} {predicate} ?x" if prop[0] == "P" else f"?x {predicate} {start.n3()}"
    return QAExample(
        Question(text, str(number)),
        (wikidata_iri(answer),),
        "1-hop",
        answer_kind="entity set",
        hops=1,
        gold_links=(GoldLink(start),),
        gold_sparql=f"SELECT DISTINCT ?x WHERE {{ {pattern} . }}",
    )


def wikidata_iri(name: str) -> Term:
    """Return the IRI of an item or property such as Q42. Raises ValueError."""
    if name[:1] not in ("Q", "P") or not name[1:].isdigit():
        raise ValueError(f"{name!r} is no Wikidata id")
    return iri(ENTITY + name)


def lcquad2(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of LC-QuAD 2 (Dubey et al., ISWC 2019): gold queries over Wikidata and DBpedia, no answers.

    Where a question was not worded (`null` or "n/a"), its template's text, in braces, would be no question: it is left
    out.
    """
    text = field(record, "question")
    if text.lower() in ("n/a", "na"):
        raise ValueError("the question is 'n/a'")
    sparql = query_of(record.get("sparql_wikidata"))
    if sparql is None:
        raise ValueError("no 'sparql_wikidata'")
    yield QAExample(
        Question(text, identifier(record, "uid")),
        (),
        answer_form="none",
        gold_sparql=sparql,
        metadata=metadata_of(record, "paraphrased_question", "NNQT_question", "template_index", "sparql_dbpedia18"),
    )


def mintaka(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of Mintaka (Sen et al., COLING 2022) in one of its nine languages.

    The category is the type of complexity. An answer that was not found in Wikidata is given by its words alone.
    """
    translations, told = record.get("translations"), record.get("answer")
    wordings = {"en": record.get("question"), **(translations if isinstance(translations, dict) else {})}
    text = wordings.get(language)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"no wording in {language!r}; there is one in {', '.join(sorted(wordings))}")
    if not isinstance(told, dict):
        raise ValueError("no 'answer'")
    answers = distinct(_mintaka_answers(told))
    mention = told.get("mention")
    named = not answers and isinstance(mention, str) and bool(mention)
    yield QAExample(
        Question(" ".join(text.split()), identifier(record, "id")),
        labels_of(mention) if named else answers,
        category=str(record.get("complexityType") or ""),
        answer_form="labels" if named else "terms",
        answer_kind=None if named else answer_kind(answers),
        language=language,
        gold_links=tuple(_mintaka_links(record, text)) if language == "en" else (),
        metadata=metadata_of(record, "category"),
    )


def _mintaka_answers(told: Mapping[str, object]) -> Iterator[Term]:
    kind, values = told.get("answerType"), told.get("answer")
    for value in values if isinstance(values, list) else ():
        if kind == "entity":
            if not isinstance(value, dict) or not isinstance(value.get("name"), str):
                raise ValueError("an entity must be an object with a 'name'")
            yield wikidata_iri(value["name"])
        elif kind == "boolean":
            yield literal("true" if value else "false", XSD_BOOLEAN)
        elif kind == "numerical":
            yield literal(str(value), XSD + "decimal")
        elif kind in ("date", "string"):
            yield date_or_text(str(value))
        else:
            raise ValueError(f"unknown answerType {kind!r}")


def _mintaka_links(record: Record, text: str) -> Iterator[GoldLink]:
    entities = record.get("questionEntity")
    for entity in entities if isinstance(entities, list) else ():
        if isinstance(entity, dict) and entity.get("entityType") == "entity" and isinstance(entity.get("name"), str):
            name = wikidata_iri(entity["name"])
            yield GoldLink(name, str(entity.get("label") or ""), mention_of(str(entity.get("mention") or ""), text))


def temp_questions(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of TempQuestions (Jia et al., WWW 2018), by name, or of its second version, with Wikidata ids."""
    told = record.get("Answer")
    if told is None:
        answers, named = labels_of(record.get("Gold answer", [])), True
    else:
        rows = [row for row in told if row] if isinstance(told, list) else []
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("an answer must be an object")
        answers, named = distinct(_temp_answer(row) for row in rows), False
        if not answers:
            raise ValueError("no answers")
    yield QAExample(
        Question(field(record, "Question"), identifier(record, "Id")),
        answers,
        category=", ".join(text for _, text in metadata_of(record, "Type")),
        answer_form="labels" if named else "terms",
        answer_kind=None if named else answer_kind(answers),
        metadata=metadata_of(record, "Temporal signal", "Data source"),
    )


def _temp_answer(row: Mapping[str, object]) -> Term:
    if row.get("AnswerType") == "Entity":
        return wikidata_iri(str(row.get("WikidataQid")))
    return date_or_text(str(row.get("AnswerArgument") or ""))


# -- KQA Pro (Cao et al., "KQA Pro", ACL 2022)


def kqapro(record: Record, language: str) -> Iterable[QAExample]:
    """Read a question of KQA Pro. Answers are given by their text, which names an entity or writes out a value; a
    yes/no answer is a truth value. The gold query is over the set's own vocabulary, not over `kqapro_graph`."""
    told = record.get("answer")
    if not isinstance(told, str):
        raise ValueError("no 'answer': those of the test split are not public")
    truth = told in ("yes", "no")
    yield QAExample(
        Question(field(record, "question"), identifier(record, "id")),
        (literal("true" if told == "yes" else "false", XSD_BOOLEAN),) if truth else labels_of(told),
        answer_form="terms" if truth else "labels",
        answer_kind="boolean" if truth else None,
        gold_sparql=query_of(record.get("sparql")),
        metadata=tuple(
            ("function", str(step.get("function")))
            for step in list_or_none(record.get("program"))
            if isinstance(step, dict)
        ),
    )


def kqapro_graph(kb: Path) -> Iterator[Triple]:
    """Yield the triples of `kb.json`: entities and concepts under their ids, with labels and classes; attributes as
    typed literals; relations; and, of a fact with qualifiers, a node that holds value and qualifiers.

    A quantity with a unit has the unit in the predicate's name, so that the values of one predicate can be compared.
    Raises DatasetError.
    """
    document = read_json(kb)
    if not isinstance(document, dict) or not all(isinstance(document.get(k), dict) for k in ("concepts", "entities")):
        raise DatasetError(f"{kb}: expected an object with 'concepts' and 'entities', found {kind_of_json(document)}")
    try:
        yield from _kqapro_triples(document["concepts"], document["entities"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DatasetError(f"{kb}: not the layout of KQA Pro: {type(error).__name__}: {error}") from error


def _kqapro_triples(concepts: Mapping[str, Record], entities: Mapping[str, Record]) -> Iterator[Triple]:
    labelled: set[Term] = set()
    for name, concept in concepts.items():
        term = KQAPRO.entity(name)
        yield term, RDFS_LABEL, literal(str(concept["name"]))
        for parent in list_or_none(concept.get("instanceOf")) + list_or_none(concept.get("subclassOf")):
            yield term, iri(RDFS + "subClassOf"), KQAPRO.entity(str(parent))
    for name, entity in entities.items():
        term = KQAPRO.entity(name)
        yield term, RDFS_LABEL, literal(str(entity["name"]))
        for concept_id in list_or_none(entity.get("instanceOf")):
            yield term, iri(RDF_TYPE), KQAPRO.entity(str(concept_id))
        facts: list[tuple[Term, str, Term, object]] = []
        for attribute in list_or_none(entity.get("attributes")):
            assert isinstance(attribute, dict)
            predicate, value = _kqapro_value(str(attribute["key"]), attribute["value"])
            facts.append((term, predicate, value, attribute.get("qualifiers")))
        for relation in list_or_none(entity.get("relations")):
            assert isinstance(relation, dict)
            other = KQAPRO.entity(str(relation["object"]))
            ends = (term, other) if relation["direction"] == "forward" else (other, term)
            facts.append((ends[0], str(relation["relation"]), ends[1], relation.get("qualifiers")))
        for subject, label, value, qualifiers in facts:
            statements = [(subject, label, value)]
            if isinstance(qualifiers, dict) and qualifiers:
                key = json.dumps([subject.value, label, value.n3(), qualifiers], sort_keys=True)
                node = Term("bnode", "q" + _digest(key))
                statements += [(subject, f"{label} statement", node), (node, label, value)]
                for qualifier, values in qualifiers.items():
                    statements += [(node, *_kqapro_value(str(qualifier), told)) for told in list_or_none(values)]
            for start, words, end in statements:
                predicate_term = KQAPRO.relation(words)
                if predicate_term not in labelled:
                    labelled.add(predicate_term)
                    yield predicate_term, RDFS_LABEL, literal(words)
                yield start, predicate_term, end


def _kqapro_value(key: str, told: object) -> tuple[str, Term]:
    """Return the words of the predicate and the value of an attribute or qualifier."""
    if not isinstance(told, dict):
        raise ValueError(f"the value of {key!r} is no object")
    kind, value = told["type"], str(told["value"])
    if kind == "quantity":
        unit = str(told.get("unit") or "1")
        return (key if unit == "1" else f"{key} ({unit})"), literal(value, XSD + "decimal")
    if kind == "date":
        return key, date_or_text(value.replace("/", "-"))
    if kind == "year":
        return key, literal(value.zfill(4), XSD + "gYear")
    return key, literal(value)


def _digest(text: str) -> str:
    import hashlib

    return hashlib.blake2b(quote(text).encode(), digest_size=10).hexdigest()
