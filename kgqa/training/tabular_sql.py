"""The gold answers of a SQL question over an RDF graph that was made from the same rows.

The query is checked against what the graph can express, rewritten to return row identities beside or instead of names,
and run. What cannot be said exactly in the graph's terms is refused with its reason. Ties at a LIMIT are all answers.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from kgqa.datatypes import XSD, Operator, Term, literal
from kgqa.training.tabular_graph import Cell, ColumnId, GraphMapping, Table, cell_term, root

MAX_ANSWERS = 200
MAX_EXTRA_TIES = 4
MAX_HOPS = 3
SQL_TIMEOUT_S = 3.0
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)
REFUSED: tuple[tuple[str, tuple[type[exp.Expr], ...]], ...] = (
    ("average or sum", (exp.Avg, exp.Sum)),
    ("text pattern", (exp.Like, exp.ILike, exp.Glob)),
    ("arithmetic", (exp.Add, exp.Sub, exp.Mul, exp.Div)),
)


class UnmappableError(ValueError):
    """A question whose answer this mapping cannot give exactly; its text is the reason, which is counted."""


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question with the SQL that answers it; `split` says whether its database may be trained on."""

    id: str
    text: str
    synonym_text: str
    sql: str
    split: str


@dataclass(frozen=True, slots=True)
class Gold:
    """What a question's SQL says in the graph's terms."""

    operator: Operator
    answers: tuple[Term, ...]
    iris: tuple[str, ...]


# Rows ------------------------------------------------------------------------------------------------------------


def open_rows(tables: Mapping[str, Table], links: Mapping[ColumnId, ColumnId]) -> sqlite3.Connection:
    """Return an in-memory database of the cleaned rows.

    The row at position n has rowid n + 1; each link column `c` has a twin `c__row`, the rowid that it names.
    """
    connection = sqlite3.connect(":memory:")
    for table in tables.values():
        linked = [column for column in table.columns if (table.name, column) in links]
        kinds = ["TEXT" if d in ("text", "date", "dateTime") else "NUMERIC" for d in table.datatypes]
        columns = [f'"{c}" {kind}' for c, kind in zip(table.columns, kinds, strict=True)]
        columns += [f'"{c}__row" INTEGER' for c in linked]
        connection.execute(f'CREATE TABLE "{table.name}" ({", ".join(columns)})')
        twins = []
        for column in linked:
            target, target_column = links[table.name, column]
            rowids = {value: row + 1 for row, value in enumerate(tables[target].values(target_column))}
            twins.append([None if v is None else rowids.get(v) for v in table.values(column)])
        marks = ", ".join("?" * (1 + len(columns)))
        names = ", ".join(["rowid", *(f'"{c}"' for c in table.columns), *(f'"{c}__row"' for c in linked)])
        rows = ((n + 1, *row, *(twin[n] for twin in twins)) for n, row in enumerate(table.rows))
        connection.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)
        for column in {c for c in table.columns if (table.name, c) in {*links, *links.values()}}:
            connection.execute(f'CREATE INDEX "{table.name} {column}" ON "{table.name}" ("{column}")')
    return connection


def run_sql(connection: sqlite3.Connection, query: exp.Expr) -> list[tuple[Cell, ...]]:
    """Return the query's rows. Raises UnmappableError when SQLite refuses it or it runs past its time."""
    deadline = time.monotonic() + SQL_TIMEOUT_S
    connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    try:
        return list(connection.execute(query.sql("sqlite")))
    except sqlite3.Error as error:
        raise UnmappableError("sql fails") from error


# Reading SQL -----------------------------------------------------------------------------------------------------


def scope(select: exp.Select) -> dict[str, str]:
    """Return the tables a SELECT reads, by alias, lower case. Raises UnmappableError for a subquery or outer join."""
    start = select.args.get("from_") or select.args.get("from")
    joins = select.args.get("joins") or []
    found: dict[str, str] = {}
    for source in [start.this if start else None, *(join.this for join in joins)]:
        if not isinstance(source, exp.Table):
            raise UnmappableError("subquery in FROM")
        found[source.alias_or_name.lower()] = source.name.lower()
    if any(join.side for join in joins):
        raise UnmappableError("outer join")
    return found


def locate(column: exp.Column, tables: Mapping[str, Table]) -> tuple[str, ColumnId] | None:
    """Return the alias and column that a name means, looking outwards from its SELECT; None for a quoted string.

    SQLite reads "France" in double quotes as a string when no column has that name; so does this.
    """
    name, alias = column.name.lower(), column.table.lower()
    select = column.find_ancestor(exp.Select)
    while select is not None:
        for known, table in scope(select).items():
            if alias in ("", known) and table in tables and name in tables[table].columns:
                return known, (table, name)
        select = select.find_ancestor(exp.Select)
    if alias or not column.this.quoted:
        raise UnmappableError("unknown column")
    return None


def constant(node: exp.Expr, tables: Mapping[str, Table]) -> str | None:
    """Return the text of a constant, or None for anything else."""
    if isinstance(node, exp.Neg):
        inner = constant(node.this, tables)
        return None if inner is None else f"-{inner}"
    if isinstance(node, exp.Literal):
        return str(node.this)
    return node.name if isinstance(node, exp.Column) and locate(node, tables) is None else None


def joined_pairs(queries: Iterable[exp.Expr], tables: Mapping[str, Table]) -> Iterator[tuple[ColumnId, ColumnId]]:
    """Yield the column pairs that the queries set equal: links that the database forgot to declare."""
    for query in queries:
        for node in query.find_all(exp.EQ):
            if isinstance(node.left, exp.Column) and isinstance(node.right, exp.Column):
                try:
                    left, right = locate(node.left, tables), locate(node.right, tables)
                except UnmappableError:
                    continue
                if left and right and left[1] != right[1]:
                    yield left[1], right[1]


def same_things(mapping: GraphMapping, left: ColumnId, right: ColumnId) -> bool:
    """Return whether two columns hold the same entities or values in the graph, so that they may be joined."""
    if left == right or root(mapping.links, left) == root(mapping.links, right):
        return True
    return left in mapping.shared and mapping.shared.get(left) == mapping.shared.get(right)


def is_hidden_key(mapping: GraphMapping, place: ColumnId) -> bool:
    """Return whether the graph does not show the column's text: a number that only identifies a row with a name."""
    end = root(mapping.links, place)
    return mapping.roles[end] == "hidden" or (mapping.roles[end] == "key" and bool(mapping.labels[end[0]]))


def compared(node: exp.Expr) -> list[exp.Expr]:
    """Return what a comparison sets against its left side."""
    if isinstance(node, exp.In):
        query = node.args.get("query")
        return [query] if query is not None else list(node.expressions)
    if isinstance(node, exp.Between):
        return [node.args["low"], node.args["high"]]
    return [node.expression]


def check_comparison(mapping: GraphMapping, node: exp.Expr) -> None:
    """Raise UnmappableError unless the graph can express the comparison."""
    left = node.this
    if isinstance(left, (exp.Count, exp.Subquery)):
        return
    here = locate(left, mapping.tables) if isinstance(left, exp.Column) else None
    if here is None:
        raise UnmappableError("function in a filter")
    for side in compared(node):
        inner = side.unnest() if isinstance(side, (exp.Subquery, exp.Paren)) else side
        if isinstance(inner, exp.Query):
            inner = next(iter(inner.find_all(exp.Select))).expressions[0].unalias()
            if isinstance(inner, (exp.Max, exp.Min)):
                inner = inner.this
        if isinstance(inner, (exp.Null, exp.Boolean)):
            continue
        there = locate(inner, mapping.tables) if isinstance(inner, exp.Column) else None
        if there is not None:
            is_same = same_things(mapping, here[1], there[1])
            if not is_same or (isinstance(node, (exp.GT, exp.GTE, exp.LT, exp.LTE)) and not side.find(exp.Query)):
                raise UnmappableError("join outside the graph")
        elif constant(inner, mapping.tables) is None:
            raise UnmappableError("function in a filter")
        elif is_hidden_key(mapping, here[1]):
            raise UnmappableError("filter on a hidden key")


def named_terms(mapping: GraphMapping, query: exp.Expr) -> Iterator[str]:
    """Yield the IRIs of entities and values that equality filters of the query name."""
    found: dict[tuple[int, str, str], list[set[int]]] = defaultdict(list)
    for node in query.find_all(exp.EQ, exp.NEQ, exp.In):
        here = locate(node.this, mapping.tables) if isinstance(node.this, exp.Column) else None
        if here is None:
            continue
        alias, place = here
        end = root(mapping.links, place)
        for side in compared(node):
            text = constant(side, mapping.tables)
            if text is None:
                continue
            cells = mapping.tables[end[0]].values(end[1])
            if mapping.roles[place] == "value":
                term = next((cell_term(mapping, place, v) for v in mapping.tables[place[0]].values(place[1])
                             if v is not None and str(v) == text), None)  # fmt: skip
                if term is not None:
                    yield term.value
            elif end[1] in (*mapping.labels[end[0]], mapping.keys.get(end[0])) and mapping.rows[end[0]]:
                scope_id = id(node.find_ancestor(exp.Select))
                together = alias if len(mapping.labels[end[0]]) > 1 else f"{alias} {text}"
                found[scope_id, together, end[0]].append({n for n, v in enumerate(cells) if str(v) == text})
    for (_, _, table), row_sets in found.items():
        rows = set.intersection(*row_sets)
        if len(rows) <= 5 and len(row_sets) >= len(mapping.labels[table]):
            terms = [mapping.rows[table][row] for row in sorted(rows)]
            yield from (term.value for term in terms if term.kind == "uri")


def check_query(mapping: GraphMapping, query: exp.Expr) -> tuple[str, ...]:
    """Return the IRIs that the query uses. Raises UnmappableError for what the graph cannot express."""
    for reason, kinds in REFUSED:
        if query.find(*kinds):
            raise UnmappableError(reason)
    found: list[str] = []
    for select in query.find_all(exp.Select):
        tables = [table for table in scope(select).values() if table in mapping.tables]
        if len([table for table in tables if table not in mapping.pure]) - 1 > MAX_HOPS:
            raise UnmappableError("more than three hops")
        found += [mapping.classes[table][0] for table in tables if table in mapping.classes]
        found += [mapping.predicates[table, mapping.pure[table][1]][0] for table in tables if table in mapping.pure]
    for column in query.find_all(exp.Column):
        here = None if isinstance(column.this, exp.Star) else locate(column, mapping.tables)
        if here and here[1] in mapping.predicates:
            found.append(mapping.predicates[here[1]][0])
    for node in query.find_all(*COMPARISONS):
        check_comparison(mapping, node)
    return tuple(dict.fromkeys([*found, *named_terms(mapping, query)]))


# Answers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Projection:
    """What a SELECT returns: `sql` to run, and the table whose rowids or the column whose values come back."""

    sql: exp.Expr
    table: str | None
    place: ColumnId


def project(mapping: GraphMapping, select: exp.Select) -> Projection:
    """Return the one thing that a SELECT asks for. Raises UnmappableError when it asks for several."""
    wanted = [expression.unalias() for expression in select.expressions]
    order = select.args.get("order")
    sorted_by = {ordered.this.sql().lower() for ordered in order.expressions} if order else set()
    if len(wanted) > 1:
        wanted = [one for one in wanted if one.sql().lower() not in sorted_by or (isinstance(one, exp.Column) and
                  mapping.roles[_place(mapping, one)[1]] in ("label", "key"))] or wanted[:1]  # fmt: skip
    if len(wanted) == 1 and isinstance(wanted[0], (exp.Max, exp.Min)) and not select.args.get("group"):
        place = _place(mapping, wanted[0].this)[1]
        if mapping.roles[place] != "literal":
            raise UnmappableError("extreme of a key")
        return Projection(wanted[0], None, place)
    if any(not isinstance(one, exp.Column) or isinstance(one.this, exp.Star) for one in wanted):
        raise UnmappableError("several columns" if len(wanted) > 1 else "function or star in the answer")
    places = [_place(mapping, one) for one in wanted]
    alias, (table, column) = places[0]
    label = mapping.labels[table]
    identity = {*label, *([mapping.keys[table]] if table in mapping.keys else [])}
    if len(wanted) > 1 and ({a for a, _ in places} != {alias} or not {p[1] for _, p in places} <= identity):
        raise UnmappableError("several columns")
    is_named = bool(label) and {p[1] for _, p in places} >= set(label)
    is_entity = is_named or mapping.roles[table, column] == "key"
    if (table, column) in mapping.links:
        target = mapping.links[table, column][0]
        return Projection(exp.column(f"{column}__row", alias), target, (table, column))
    if is_entity:
        return Projection(exp.column("rowid", alias), table, (table, column))
    if len(wanted) > 1 or mapping.roles[table, column] not in ("literal", "value", "label"):
        raise UnmappableError("several columns" if len(wanted) > 1 else "hidden key in the answer")
    return Projection(exp.column(column, alias, quoted=True), None, (table, column))


def _place(mapping: GraphMapping, node: exp.Expr) -> tuple[str, ColumnId]:
    is_plain = isinstance(node, exp.Column) and not isinstance(node.this, exp.Star)
    here = locate(node, mapping.tables) if isinstance(node, exp.Column) and is_plain else None
    if here is None:
        raise UnmappableError("function or star in the answer")
    return here


def to_terms(mapping: GraphMapping, projection: Projection, values: Iterable[Cell]) -> tuple[Term, ...]:
    """Return the distinct terms of rowids or cells, in order. Raises UnmappableError for what has no IRI or value."""
    found: dict[Term, None] = {}
    for value in values:
        if value is None:
            continue
        if projection.table is None:
            term = cell_term(mapping, projection.place, value)
        else:
            rows = mapping.rows[projection.table]
            term = rows[int(value) - 1] if rows else None
        if term is None or term.kind == "bnode":
            raise UnmappableError("answer has no IRI")
        found[term] = None
    return tuple(found)


def count_answer(mapping: GraphMapping, connection: sqlite3.Connection, select: exp.Select) -> int:
    """Return a COUNT, having checked that it counts distinct rows of one table, or distinct values of one column."""
    counted = select.expressions[0].unalias()
    inner = counted.this
    if isinstance(inner, exp.Distinct):
        projection = project(mapping, select.copy().select(inner.expressions[0], append=False))
        check: list[exp.Expr] = [projection.sql]
    else:
        aliases = scope(select)
        check = [exp.column("rowid", alias) for alias in aliases]
    counts = [exp.Count(this=exp.Distinct(expressions=[one])) for one in check]
    row = run_sql(connection, select.copy().select(counted.copy(), *counts, append=False))[0]
    if row[0] not in row[1:]:
        raise UnmappableError("count of repeated rows")
    return int(row[0] or 0)


def select_answers(mapping: GraphMapping, connection: sqlite3.Connection, select: exp.Select) -> tuple[Term, ...]:
    """Return the answers of one SELECT, in its order, with every tie at its LIMIT.

    Rows without the value that they are ranked by are left out, as SPARQL leaves them out.
    """
    projection = project(mapping, select)
    query = select.copy()
    order, limit = query.args.get("order"), query.args.get("limit")
    keys = [ordered.this.copy() for ordered in order.expressions] if order else []
    check = exp.Count(this=exp.Distinct(expressions=[projection.sql.copy()])) if query.args.get("group") else None
    columns = [projection.sql, *keys, *([check] if check is not None else [])]
    query = query.select(*columns, append=False)
    if limit is not None and not isinstance(projection.sql, (exp.Max, exp.Min)):
        query.set("limit", None)
    rows = run_sql(connection, query)
    if check is not None and any(int(row[-1] or 0) > 1 for row in rows):
        raise UnmappableError("group has several answers")
    if limit is None or not keys:
        if limit is not None and len(rows) > int(limit.expression.name):
            raise UnmappableError("limit without order")
        return to_terms(mapping, projection, (row[0] for row in rows))
    n_wanted = int(limit.expression.name)
    ranked = [(row[0], row[1 : 1 + len(keys)]) for row in rows if row[0] is not None and row[1] is not None]
    kept: dict[Cell, tuple[Cell, ...]] = {}
    for value, rank in ranked:
        if len(kept) >= n_wanted and rank != next(reversed(kept.values())):
            break
        kept.setdefault(value, rank)
    if len(kept) > n_wanted + MAX_EXTRA_TIES:
        raise UnmappableError("too many ties")
    return to_terms(mapping, projection, kept)


def set_answers(mapping: GraphMapping, connection: sqlite3.Connection, query: exp.Expr) -> tuple[Term, ...]:
    """Return the answers of INTERSECT, EXCEPT or UNION over entities, when their names say the same as the SQL."""
    rewritten, projections = query.copy(), []
    for original, branch in zip(branches(query), branches(rewritten), strict=True):
        projections.append(project(mapping, original))
        branch.set("expressions", [projections[-1].sql])
    first = projections[0]
    kinds = {(p.table, None if p.table else p.place) for p in projections}
    if len({table for table, _ in kinds}) > 1:
        raise UnmappableError("branches of different kinds")
    if first.table is None and not all(same_things(mapping, first.place, p.place) for p in projections):
        raise UnmappableError("branches of different kinds")
    rows = run_sql(connection, rewritten)
    terms = to_terms(mapping, first, (row[0] for row in rows))
    texts = {row[0] for row in run_sql(connection, query) if row[0] is not None}
    if first.table is None:
        is_same = len(texts) == len(terms)
    else:
        table = mapping.tables[first.table]
        column = first.place[1] if first.place[0] == first.table else mapping.links[first.place][1]
        is_same = texts == {table.values(column)[int(row[0]) - 1] for row in rows if row[0] is not None}
    if not is_same:
        raise UnmappableError("names are ambiguous")
    return terms


def branches(query: exp.Expr) -> list[exp.Select]:
    """Return the outermost SELECTs of a query: itself, or those that a set operation combines."""
    if isinstance(query, exp.SetOperation):
        return [*branches(query.left), *branches(query.right)]
    inner = query.unnest() if isinstance(query, exp.Subquery) else query
    if not isinstance(inner, exp.Select):
        raise UnmappableError("not a query")
    return [inner]


def gold_answer(mapping: GraphMapping, connection: sqlite3.Connection, query: exp.Expr) -> Gold:
    """Return what the query answers over `connection`, made by `open_rows` from the mapping's own tables.

    Raises UnmappableError with the reason when that cannot be said exactly in the graph's terms.
    """
    iris = check_query(mapping, query)
    if isinstance(query, exp.SetOperation):
        operator: Operator = "list"
        answers = set_answers(mapping, connection, query)
    else:
        select = branches(query)[0]
        answered = [expression.unalias() for expression in select.expressions]
        if len(answered) == 1 and isinstance(answered[0], exp.Count) and not select.args.get("group"):
            number = count_answer(mapping, connection, select)
            operator = "count"
            answers = (literal(str(number), XSD + "integer"),) if number else ()
        else:
            operator = _operator(mapping, select)
            answers = select_answers(mapping, connection, select)
    if not answers:
        raise UnmappableError("no answer")
    if len(answers) > MAX_ANSWERS:
        raise UnmappableError("too many answers")
    return Gold(operator, answers, iris)


def _operator(mapping: GraphMapping, select: exp.Select) -> Operator:
    extreme = any(node.find_ancestor(exp.Select) is not None for node in select.find_all(exp.Max, exp.Min))
    if not extreme and select.args.get("limit") is None:
        return "order" if select.args.get("order") is not None else "list"
    where = select.args.get("where")
    chosen = where.find(exp.Or, exp.In) if where is not None else None
    if chosen is not None and chosen.find(exp.Query) is None and len(list(named_terms(mapping, select))) == 2:
        return "compare"
    return "superlative"
