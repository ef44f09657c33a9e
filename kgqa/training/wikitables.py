"""Read WikiTableQuestions as one small RDF graph a table, with the answers found again among its cells.

These questions come with answers and no query, so an answer counts as mapped only where it can mean one thing: the
names of rows, the cells of exactly one column, or a number of rows. The rest is dropped and counted by reason.
"""

from __future__ import annotations

import csv
import random
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kgqa.datatypes import XSD, Operator, Term, literal
from kgqa.training.tabular_graph import STYLES, GraphMapping, Table, cell_term, make_table, map_schema, row_label
from kgqa.training.tabular_sql import Gold, TableQuestion, UnmappableError

COMPUTED = re.compile(r"\b(average|total|combined|difference|sum|altogether|how (many|much) (more|less|fewer))\b")
COMPARED = re.compile(r"\b(more|less|fewer|earlier|later|better|higher|lower|longer|shorter|first|\w+er)\b.* or ")
POSITIONAL = re.compile(r"\b(next|previous|above|below|listed|before|after|consecutive|row)\b")
SUPERLATIVE = re.compile(r"\b(most|least|fewest|first|last|best|worst|\w{3,}est|top|only)\b")
EMPTY = {"", "-", "–", "—", "n/a", "?"}


def read_table(path: Path) -> Table | None:
    """Return the table of a CSV file, without rows of another width; None where no column names the rows."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file, escapechar="\\", doublequote=False))
    words = [" ".join(re.sub(r"\(s\)|[^\w ]+", " ", cell.replace("\n", " ")).lower().split()) for cell in header]
    places = [place for place, text in enumerate(words) if text and words.index(text) == place]
    cells = [[" ".join(row[place].split()) for place in places] for row in rows if len(row) == len(header)]
    cleaned = [[None if cell in EMPTY else cell for cell in row] for row in cells]
    if len(cleaned) < 3 or len(places) < 2:
        return None
    columns = [(words[place].replace(" ", "_"), words[place]) for place in places]
    table = make_table("record", "record", columns, cleaned)
    named = _name_column(table)
    if named is None:
        return None
    class_words = table.column_words[table.columns.index(named)]
    return make_table("record", class_words if class_words not in ("name", "title") else "entry", columns, cleaned)


def _name_column(table: Table) -> str | None:
    for column, datatype in zip(table.columns, table.datatypes, strict=True):
        present = [str(value) for value in table.values(column) if value is not None]
        if datatype == "text" and len(present) == len(table.rows) and len(set(present)) >= 0.9 * len(present):  # noqa: SIM102
            if sum(value[0].isalpha() for value in present) >= 0.8 * len(present):
                return column
    return None


def normalized(text: object) -> str:
    """Return what two spellings of one cell share: lower case, no thousands separators, no notes in brackets."""
    plain = re.sub(r"\s*(\[[^\]]*\]|\([^)]*\))\s*$", "", str(text).strip().lower()) or str(text).strip().lower()
    plain = plain.strip("\"'“”").replace("–", "-")
    return plain.replace(",", "").removesuffix(".0") if re.fullmatch(r"-?[\d,]+(\.\d+)?", plain) else plain


def gold_answer(mapping: GraphMapping, question: str, targets: Sequence[str]) -> Gold:
    """Return the gold of one question. Raises UnmappableError where the answer may mean several things or none."""
    text = question.lower()
    table = mapping.tables["record"]
    label = mapping.labels["record"]
    if COMPUTED.search(text):
        raise UnmappableError("arithmetic")
    if POSITIONAL.search(text):
        raise UnmappableError("order of rows")
    wanted = [normalized(target) for target in targets]
    cells = {c: [None if v is None else normalized(v) for v in table.values(c)] for c in table.columns}
    found = [c for c in table.columns if all(cells[c].count(target) >= 1 for target in wanted)]
    iris = tuple(term.value for n, term in enumerate(mapping.rows["record"])
                 if (name := normalized(row_label(mapping, table, n))) and re.search(rf"\b{re.escape(name)}\b", text)
                 and len(name) > 2)  # fmt: skip
    classes = (mapping.classes["record"][0],)
    if re.search(r"\bhow many\b|\bnumber of\b", text):
        stored = [c for c in found if table.datatypes[table.columns.index(c)] in ("integer", "decimal")]
        if len(wanted) != 1 or not wanted[0].isdigit() or stored or not 0 < int(wanted[0]) <= len(table.rows):
            raise UnmappableError("a number that may be stored or counted")
        return Gold("count", (literal(wanted[0], XSD + "integer"),), (*classes, *iris))
    operator: Operator = "compare" if COMPARED.search(text) else "superlative" if SUPERLATIVE.search(text) else "list"
    if len(found) != 1:
        raise UnmappableError("answer in several columns" if found else "answer is not a cell")
    column = found[0]
    if label == (column,):
        rows = [cells[column].index(target) for target in wanted]
        if any(cells[column].count(target) > 1 for target in wanted):
            raise UnmappableError("names are ambiguous")
        return Gold(operator, tuple(mapping.rows["record"][row] for row in rows), (*classes, *iris))
    terms: dict[Term, None] = {}
    for target in wanted:
        same = {table.values(column)[n] for n, cell in enumerate(cells[column]) if cell == target}
        term = cell_term(mapping, ("record", column), next(iter(same))) if len(same) == 1 else None
        if term is None:
            raise UnmappableError("several spellings of the answer")
        terms[term] = None
    return Gold(operator, tuple(terms), (*classes, mapping.predicates["record", column][0], *iris))


def convert_tables(
    folder: Path, *, seed: int = 0, max_tables: int = 400, max_questions: int = 6
) -> Iterator[tuple[str, GraphMapping, list[tuple[TableQuestion, Gold]], Counter[str]]]:
    """Yield name, graph, questions and drop counts of tables of WikiTableQuestions' training part.

    `split` is `dev` for tables of the data set's own first development split. The test tables are never read.
    """
    dev = {row[2] for row in _read_tsv(folder / "data" / "random-split-1-dev.tsv")}
    by_table: Mapping[str, list[Sequence[str]]] = defaultdict(list)
    for row in _read_tsv(folder / "data" / "training.tsv"):
        by_table[row[2]].append(row)
    order = sorted(by_table)
    random.Random(seed).shuffle(order)
    n_written = 0
    for context in order:
        if n_written == max_tables:
            return
        name = "wtq-" + "-".join(re.findall(r"\d+", context))
        rng = random.Random(zlib.crc32(f"{seed} {name}".encode()))
        table = read_table(folder / context)
        dropped: Counter[str] = Counter()
        if table is None:
            dropped["table has no names"] = len(by_table[context])
            yield name, map_schema(name, {}, [], rng, "camel"), [], dropped
            continue
        mapping = map_schema(name, {"record": table}, [], rng, STYLES[n_written % len(STYLES)])
        kept: list[tuple[TableQuestion, Gold]] = []
        for id_, text, _, answer in by_table[context]:
            targets = [part.replace("\\p", "|").replace("\\n", " ") for part in answer.split("|")]
            try:
                gold = gold_answer(mapping, text, targets)
            except UnmappableError as reason:
                dropped[str(reason)] += 1
                continue
            kept.append((TableQuestion(id_, text, "", "", "dev" if context in dev else "train"), gold))
        dropped["over the limit a table"] = max(0, len(kept) - max_questions)
        n_written += bool(kept)
        yield name, mapping, sorted(rng.sample(kept, min(len(kept), max_questions)), key=lambda one: one[0].id), dropped


def _read_tsv(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        yield line.split("\t")
