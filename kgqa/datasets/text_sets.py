"""Sets whose graph is a text of names: MetaQA, and PathQuestion and WorldCup2014 of the IRN repository.

Each line of a file is one question. Gold answers are names; they become the IRIs that `Minter` makes of them, which
are those of the graph that `metaqa_graph` and `irn_graph` write from the set's own triples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from kgqa.datasets.minted_graph import Minter, NamedTriple, Triple, words_of
from kgqa.datasets.question_files import GoldLink, QAExample, QuestionFile, read_lines, text_of_line
from kgqa.datatypes import Mention, Question, Term
from kgqa.errors import DatasetError

METAQA = Minter("http://example.org/metaqa/")
IRN = Minter("http://example.org/irn/")
_INVERSE = "_inverse"


# -- MetaQA (Zhang et al., "Variational Reasoning for Question Answering with Knowledge Graph", AAAI 2018)


def read_metaqa(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a file such as `2-hop/vanilla/qa_dev.txt`.

    The brackets around the topic entity are taken out of the question and become a gold link. The category is the
    question type of `2-hop/qa_dev_qtype.txt`, where that file lies there; the hops are those of the folder's name.
    Raises DatasetError where a file cannot be read or the two differ in length.
    """
    folder = path.parent.parent
    name, _, _ = folder.name.partition("-")
    hops = int(name) if name.isdigit() else None
    types_path = folder / f"{path.stem}_qtype.txt"
    types = read_lines(types_path, text_of_line).items if types_path.is_file() else ()
    prefix = f"{folder.name}-{path.stem.removeprefix('qa_')}"
    number = 0

    def convert(line: bytes) -> QAExample:
        nonlocal number
        number += 1
        if types and number > len(types):
            raise DatasetError(f"{types_path}: ends before the questions of {path} do")
        category = types[number - 1].strip() if types else ""
        return _metaqa_example(text_of_line(line), f"{prefix}-{number}", category, hops)

    found = read_lines(path, convert)
    if types and number != len(types):
        raise DatasetError(f"{types_path}: {len(types):,} types for {number:,} questions of {path}")
    return found


def _metaqa_example(line: str, identifier: str, category: str, hops: int | None) -> QAExample:
    bracketed, tab, told = line.partition("\t")
    names = [name for name in told.split("|") if name]
    if not tab or not names:
        raise ValueError("expected a question, a tab, and answers separated by |")
    start, last = bracketed.find("["), bracketed.rfind("]")
    if not 0 <= start < last - 1:
        raise ValueError("no topic entity in square brackets")
    name = bracketed[start + 1 : last]
    text = bracketed[:start] + name + bracketed[last + 1 :]
    link = GoldLink(METAQA.entity(name), name, Mention(start, start + len(name), name))
    return QAExample(
        Question(text, identifier), _entities(METAQA, names), category, answer_kind="entity set", hops=hops,
        gold_links=(link,),
    )  # fmt: skip


def metaqa_graph(kb: Path) -> Iterator[Triple]:
    """Yield the triples of `kb.txt` and the labels of what they name. Raises DatasetError."""
    return METAQA.triples(_named_triples(kb, "|"), words_of)


# -- PathQuestion and WorldCup2014 (Zhou et al., "An Interpretable Reasoning Network for Multi-Relation Question
# Answering", COLING 2018)


def read_irn(path: Path, language: str = "en") -> QuestionFile[QAExample]:
    """Return the questions of a file of PathQuestion (PQ-2H.txt, PQL-3H.txt ...) or WorldCup2014 (WC-P1.txt, WC-C.txt).

    The gold path, or in WC-C the two that meet in the answer, becomes the gold query, and its start a gold link.
    """
    number = 0

    def convert(line: bytes) -> QAExample:
        nonlocal number
        number += 1
        return _irn_example(text_of_line(line), f"{path.stem}-{number}")

    return read_lines(path, convert)


def _irn_example(line: str, identifier: str) -> QAExample:
    columns = line.split("\t")
    if len(columns) not in (3, 5, 6):
        raise ValueError(f"expected 3 columns (PathQuestion) or 5 or 6 (WorldCup2014), found {len(columns)}")
    text = columns[0].strip()
    paths = [_named_path(part) for part in columns[2].split("*")]
    if len(columns) == 3:
        one = paths[0][-1]
        if not (columns[1].startswith(one + "(") and columns[1].endswith(")")):
            raise ValueError("the answers do not begin with the end of the path")
        told = columns[1][len(one) + 1 : -1]
    else:
        told = columns[3]
    names = [name for name in told.split("/") if name]
    if not names:
        raise ValueError("no answers")
    return QAExample(
        Question(text, identifier),
        _entities(IRN, names),
        "conjunction" if len(paths) > 1 else f"{len(paths[0]) // 2}-hop",
        answer_kind="entity set",
        hops=len(paths[0]) // 2,
        gold_links=tuple(_link(text, path[0]) for path in paths),
        gold_sparql=_path_query(paths),
    )


def _named_path(text: str) -> list[str]:
    """Return start, relation, entity, ..., end of a path "a#r#b#<end>#b"; its length is odd."""
    names = text.split("#")
    if "<end>" in names:
        names = names[: names.index("<end>")]
    if len(names) < 3 or len(names) % 2 == 0 or not all(names):
        raise ValueError(f"{text!r} is not a path of entities and relations")
    return names


def _path_query(paths: Iterable[list[str]]) -> str:
    patterns = []
    for branch, names in enumerate(paths):
        relations = names[1::2]
        at = IRN.entity(names[0]).n3()
        for step, relation in enumerate(relations, start=1):
            target = "?answer" if step == len(relations) else f"?x{branch}_{step}"
            forward = relation.removesuffix(_INVERSE)
            predicate = IRN.relation(forward).n3()
            ends = (at, target) if forward == relation else (target, at)
            patterns.append(f"{ends[0]} {predicate} {ends[1]} .")
            at = target
    return f"SELECT DISTINCT ?answer WHERE {{ {' '.join(patterns)} }}"


def _link(text: str, name: str) -> GoldLink:
    start = f" {text} ".find(f" {name} ")
    mention = Mention(start, start + len(name), name) if start >= 0 else None
    return GoldLink(IRN.entity(name), name, mention)


def irn_graph(kb: Path) -> Iterator[Triple]:
    """Yield the triples of a knowledge base file and the labels of what they name; `r_inverse` is stated as `r`.

    Raises DatasetError.
    """

    def facts() -> Iterator[NamedTriple]:
        for subject, relation, object_ in _named_triples(kb, "\t"):
            forward = relation.removesuffix(_INVERSE)
            yield (subject, relation, object_) if forward == relation else (object_, forward, subject)

    return IRN.triples(facts(), words_of)


# -- both


def _named_triples(path: Path, separator: str) -> tuple[NamedTriple, ...]:
    def convert(line: bytes) -> NamedTriple:
        parts = text_of_line(line).split(separator)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"expected three names separated by {separator!r}")
        return parts[0], parts[1], parts[2]

    found = read_lines(path, convert)
    if found.bad_lines:
        raise DatasetError(f"{path}: line {found.bad_lines[0].number}: {found.bad_lines[0].reason}")
    return found.items


def _entities(minter: Minter, names: Iterable[str]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(minter.entity(name) for name in names))

