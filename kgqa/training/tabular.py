"""Turn databases with SQL questions, and tables with answered questions, into RDF graphs with gold answers.

A gold answer is what the SQL returns over the very rows that went into the graph, mapped row by row, never by guessing;
a question that cannot be mapped exactly is dropped and counted by reason.

    python -m kgqa.training.tabular --spider DIR --questions FILE [--names tables.json] --out DIR
    python -m kgqa.training.tabular --wikitables DIR --out DIR
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import sqlglot
from sqlglot import exp

from kgqa.datatypes import XSD_BOOLEAN, Term
from kgqa.training.tabular_graph import (
    STYLES,
    ColumnId,
    GraphMapping,
    Style,
    Table,
    find_links,
    graph_triples,
    map_schema,
    read_database,
    split_words,
)
from kgqa.training.tabular_sql import (
    Gold,
    TableQuestion,
    UnmappableError,
    gold_answer,
    joined_pairs,
    open_rows,
    run_sql,
    scope,
)
from kgqa.training.wikitables import convert_tables

# Sampling --------------------------------------------------------------------------------------------------------


def sample_rows(
    tables: Mapping[str, Table],
    links: Mapping[ColumnId, ColumnId],
    queries: Sequence[exp.Expr],
    rng: random.Random,
    *,
    max_triples: int,
) -> dict[str, Table]:
    """Return tables that give at most about `max_triples`: rows that the queries touch first, then random ones.

    A row brings the rows it links to.
    """
    cost = {table.name: 2 + len(table.columns) for table in tables.values()}
    if sum(cost[table.name] * len(table.rows) for table in tables.values()) <= max_triples:
        return dict(tables)
    connection = open_rows(tables, links)
    touched: list[tuple[str, int]] = []
    for query in queries:
        for select in query.find_all(exp.Select):
            try:
                aliases = scope(select)
                bare = exp.select(*(exp.column("rowid", alias) for alias in aliases)).distinct()
                for part in ("from_", "from", "joins", "where"):
                    if select.args.get(part):
                        bare.set(part, select.copy().args[part])
                order = select.args.get("order")
                if order is not None and not order.find(exp.AggFunc):
                    bare.set("order", order.copy())
                rows = run_sql(connection, bare.limit(40))
            except UnmappableError:
                continue
            for found in rows:
                touched += [(t, int(cell or 1) - 1) for t, cell in zip(aliases.values(), found, strict=True)]
    rest = [(table.name, row) for table in tables.values() for row in range(len(table.rows))]
    rng.shuffle(rest)
    rng.shuffle(touched)
    index = {(t, c): {value: n for n, value in enumerate(tables[t].values(c))} for t, c in set(links.values())}
    kept: dict[str, set[int]] = {name: set() for name in tables}
    budget = max_triples
    for start in [*touched, *rest]:
        waiting = [start]
        while waiting:
            name, row = waiting.pop()
            if row in kept[name]:
                continue
            kept[name].add(row)
            budget -= cost[name]
            for column, value in zip(tables[name].columns, tables[name].rows[row], strict=True):
                target = links.get((name, column))
                if target and value in index[target]:
                    waiting.append((target[0], index[target][value]))
        if budget <= 0:
            break
    return {t.name: replace(t, rows=tuple(t.rows[n] for n in sorted(kept[t.name]))) for t in tables.values()}


# Writing ---------------------------------------------------------------------------------------------------------


def answer_record(term: Term) -> dict[str, object]:
    """Return an answer as `questions.jsonl` holds it."""
    if term.datatype == XSD_BOOLEAN:
        return {"type": "boolean", "value": term.value == "true", "datatype": term.datatype}
    record: dict[str, object] = {"type": term.kind, "value": term.value}
    return record | ({"datatype": term.datatype} if term.datatype else {})


def question_records(question: TableQuestion, gold: Gold) -> Iterator[dict[str, object]]:
    """Yield the question's line, and one with the suffix `-syn` where it has another wording."""
    wordings = {question.id: question.text}
    if question.synonym_text and question.synonym_text != question.text:
        wordings[f"{question.id}-syn"] = question.synonym_text
    for name, text in wordings.items():
        yield {
            "id": name, "question": text, "sparql": None, "sql": question.sql or None,
            "answers": [answer_record(term) for term in gold.answers], "gold_iris": list(gold.iris),
            "operator": gold.operator, "split": question.split,
        }  # fmt: skip


def write_graph(folder: Path, mapping: GraphMapping, records: Sequence[Mapping[str, object]]) -> int:
    """Write `graph.nt` and `questions.jsonl`; return the number of distinct triples."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = dict.fromkeys(" ".join(term.n3() for term in triple) + " .\n" for triple in graph_triples(mapping))
    (folder / "graph.nt").write_text("".join(lines), encoding="utf-8")
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "questions.jsonl").write_text(text, encoding="utf-8")
    return len(lines)


def convert_database(
    name: str,
    connection: sqlite3.Connection,
    questions: Sequence[TableQuestion],
    *,
    style: Style,
    seed: int = 0,
    names: Mapping[str, str] | None = None,
    max_triples: int = 20_000,
) -> tuple[GraphMapping, list[tuple[TableQuestion, Gold]], Counter[str]]:
    """Return the graph of one database, its questions with gold, and how many were dropped for which reason."""
    rng = random.Random(zlib.crc32(f"{seed} {name}".encode()))
    tables, foreign_keys = read_database(connection, names)
    parsed: list[tuple[TableQuestion, exp.Expr]] = []
    dropped: Counter[str] = Counter()
    for question in questions:
        try:
            parsed.append((question, sqlglot.parse_one(question.sql, read="sqlite")))
        except sqlglot.errors.SqlglotError:
            dropped["sql does not parse"] += 1
    queries = [query for _, query in parsed]
    pairs = list(dict.fromkeys([*foreign_keys, *joined_pairs(queries, tables)]))
    tables = sample_rows(tables, find_links(tables, pairs)[0], queries, rng, max_triples=max_triples)
    mapping = map_schema(name, tables, pairs, rng, style)
    rows = open_rows(mapping.tables, mapping.links)
    kept: list[tuple[TableQuestion, Gold]] = []
    for question, query in parsed:
        try:
            kept.append((question, gold_answer(mapping, rows, query)))
        except UnmappableError as reason:
            dropped[str(reason)] += 1
    return mapping, kept, dropped


def convert_spider(databases: Path, questions: Path, names: Path | None, out: Path, *, seed: int = 0) -> str:
    """Write one folder a database and return the summary: what was written, and what was dropped for which reason."""
    by_database: dict[str, list[TableQuestion]] = defaultdict(list)
    for line in questions.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        split = "dev" if row["id"].startswith("dev") else "train"
        question = TableQuestion(row["id"], row["question"], row["question_syn"], row["query"].rstrip("; "), split)
        by_database[row["db_id"]].append(question)
    words = read_names(names) if names else {}
    summary = Summary()
    order = sorted(by_database)
    random.Random(seed).shuffle(order)
    for number, name in enumerate(order):
        path = databases / name / f"{name}.sqlite"
        if not path.exists():
            summary.dropped["database is missing"] += len(by_database[name])
            continue
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        mapping, kept, dropped = convert_database(
            name, connection, by_database[name], style=STYLES[number % len(STYLES)], seed=seed, names=words.get(name)
        )
        connection.close()
        summary.add(out / name, mapping, kept, dropped)
    return summary.text()


def read_names(path: Path) -> dict[str, dict[str, str]]:
    """Return readable names of tables and columns by database, from a Spider `tables.json`."""
    found: dict[str, dict[str, str]] = {}
    for schema in json.loads(path.read_text(encoding="utf-8")):
        tables = [name.lower() for name in schema["table_names_original"]]
        words = dict(zip(tables, (split_words(name) for name in schema["table_names"]), strict=True))
        for (table, column), (_, text) in zip(schema["column_names_original"], schema["column_names"], strict=True):
            if table >= 0:
                words[f"{tables[table]}.{column.lower()}"] = split_words(text)
        found[schema["db_id"]] = words
    return found


class Summary:
    """Counts of what was written, filled while writing."""

    def __init__(self) -> None:
        self.n_graphs = self.n_triples = 0
        self.operators: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def add(
        self, folder: Path, mapping: GraphMapping, kept: Sequence[tuple[TableQuestion, Gold]], dropped: Counter[str]
    ) -> None:
        """Write the graph and count it; a graph without questions is not written."""
        self.dropped += dropped
        if not kept:
            return
        records = [record for question, gold in kept for record in question_records(question, gold)]
        self.n_graphs += 1
        self.n_triples += write_graph(folder, mapping, records)
        self.operators.update(f"{record['split']} {record['operator']}" for record in records)

    def text(self) -> str:
        """Return the summary as a table of text."""
        lines = [f"graphs {self.n_graphs}", f"triples {self.n_triples}", f"questions {self.operators.total()}"]
        lines += [f"  {name:<24}{count:>6}" for name, count in sorted(self.operators.items())]
        lines += [f"dropped {self.dropped.total()}", *(f"  {r:<36}{n:>6}" for r, n in self.dropped.most_common())]
        return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spider", type=Path, help="folder of <name>/<name>.sqlite")
    parser.add_argument("--questions", type=Path, help="lines of id, db_id, question, question_syn, query")
    parser.add_argument("--names", type=Path, help="Spider's tables.json, for readable names")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wikitables", type=Path, help="a checkout of WikiTableQuestions")
    args = parser.parse_args()
    if args.spider:
        if not args.questions:
            parser.error("--spider needs --questions")
        print(convert_spider(args.spider, args.questions, args.names, args.out, seed=args.seed))
    if args.wikitables:
        summary = Summary()
        for name, mapping, kept, dropped in convert_tables(args.wikitables, seed=args.seed):
            summary.add(args.out / name, mapping, kept, dropped)
        print(summary.text())


if __name__ == "__main__":
    main()
