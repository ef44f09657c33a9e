"""Map the tables of a database to an RDF graph that looks like graphs in the wild.

W3C Direct Mapping in spirit: rows become entities with labels, foreign keys object properties, pure join tables direct
links. Each graph is given one of five vocabulary styles, from readable predicates without labels to opaque ids.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal
from urllib.parse import quote

from kgqa.datatypes import RDF_TYPE, RDFS, XSD, Term, iri, literal

Cell = str | int | float | None
Style = Literal["camel", "opaque", "snake", "verb", "skos"]
Role = Literal["key", "label", "link", "value", "literal", "hidden"]
ColumnId = tuple[str, str]  # (table, column), both lower case, as SQL compares names

STYLES: tuple[Style, ...] = ("camel", "opaque", "snake", "verb", "skos")
PREF_LABEL = "http://www.w3.org/2004/02/skos/core#prefLabel"
BASES: Mapping[Style, str] = {
    "camel": "http://{}.example.org/",
    "opaque": "http://kb.example.org/{}/",
    "snake": "http://example.com/{}/",
    "verb": "https://{}.example.net/",
    "skos": "http://data.example.eu/{}/",
}
KEY_WORDS = {"id", "ids", "code", "key", "no", "ref", "uid", "number", "num"}
NULLS = {"", "null", "none", "nil", "n/a"}
INTEGER = re.compile(r"-?(0|[1-9]\d{0,17}|[1-9]\d{0,2}(,\d{3})+)")
DECIMAL = re.compile(r"-?\d{1,15}\.\d+")
DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])( \d\d:\d\d:\d\d)?")
TRUTH_PAIRS = (("1", "0"), ("t", "f"), ("y", "n"), ("yes", "no"), ("true", "false"))
TRUE_WORDS = {yes for yes, _ in TRUTH_PAIRS}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as read: `rows` are cleaned by `clean_column`, so numbers are numbers and NULL is None."""

    name: str
    words: str
    columns: tuple[str, ...]
    column_words: tuple[str, ...]
    datatypes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def values(self, column: str) -> list[Cell]:
        """Return the column's cells in row order, NULLs included."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def is_unique(self, column: str) -> bool:
        """Return whether no value but NULL occurs twice; False for a column without values."""
        present = [value for value in self.values(column) if value is not None]
        return bool(present) and len(set(present)) == len(present)


@dataclass(frozen=True, slots=True)
class GraphMapping:
    """How one database reads as a graph.

    `links` go to a unique column of another table; `shared` names the class of a value column. `pure` holds the two
    ends of a join table that becomes a direct property, `merged` the column by which a table's rows are their
    target's rows, `blank` the tables whose rows are blank nodes. `rows` and `values` hold the terms.
    """

    style: Style
    base: str
    tables: Mapping[str, Table]
    roles: Mapping[ColumnId, Role]
    links: Mapping[ColumnId, ColumnId]
    shared: Mapping[ColumnId, str]
    labels: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, str]
    pure: Mapping[str, tuple[str, str]]
    merged: Mapping[str, str]
    blank: frozenset[str]
    predicates: Mapping[ColumnId, tuple[str, str, bool]] = field(default_factory=dict)  # IRI, text, is_reversed
    classes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    values: Mapping[tuple[str, Cell], Term] = field(default_factory=dict)


# Reading ---------------------------------------------------------------------------------------------------------


def split_words(name: str) -> str:
    """Return an identifier as lower-case words: `Song_releaseYear` -> `song release year`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+", " ", name)
    return " ".join(spaced.lower().split()) or "value"


def singular(words: str) -> str:
    """Return the words with a plural last word made singular by the plain rules of English."""
    if words.endswith(("series", "species", "news")):
        return words
    for plural, single in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch")):
        if words.endswith(plural):
            return words.removesuffix(plural) + single
    return words[:-1] if words.endswith("s") and not words.endswith(("ss", "us", "is")) else words


def clean_column(values: Sequence[Cell]) -> tuple[str, list[Cell]]:
    """Return the datatype that every value of a column fits, and the values in it; text where nothing else fits.

    The datatype is `integer`, `decimal`, `boolean`, `date`, `dateTime`, `text` or `empty`. Booleans and dates keep
    their own text, because the gold SQL compares with it.
    """
    texts = [None if value is None or str(value).strip().lower() in NULLS else str(value).strip() for value in values]
    present = [text for text in texts if text is not None]
    if not present:
        return "empty", [None] * len(texts)
    lowered = {text.lower().removesuffix(".0") for text in present}
    if len(present) >= 4 and any(lowered == set(pair) for pair in TRUTH_PAIRS):
        return "boolean", [None if text is None else text.removesuffix(".0") for text in texts]
    if all(INTEGER.fullmatch(text.removesuffix(".0")) for text in present):
        return "integer", [None if text is None else int(text.removesuffix(".0").replace(",", "")) for text in texts]
    if all(INTEGER.fullmatch(text) or DECIMAL.fullmatch(text) for text in present):
        return "decimal", [None if text is None else float(text.replace(",", "")) for text in texts]
    if all(DATE.fullmatch(text) for text in present):
        whole_days = all(len(text) == 10 or text.endswith("00:00:00") for text in present)
        return "date" if whole_days else "dateTime", list(texts)
    return "text", list(texts)


def make_table(name: str, words: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]]) -> Table:
    """Return a cleaned table; `columns` are (name, words) pairs."""
    cleaned = [clean_column([row[place] for row in rows]) for place in range(len(columns))]
    return Table(
        name.lower(), words, tuple(column.lower() for column, _ in columns), tuple(text for _, text in columns),
        tuple(datatype for datatype, _ in cleaned), tuple(zip(*(cells for _, cells in cleaned), strict=True)),
    )  # fmt: skip


def read_database(
    connection: sqlite3.Connection, names: Mapping[str, str] | None = None
) -> tuple[dict[str, Table], list[tuple[ColumnId, ColumnId]]]:
    """Return the tables by lower-case name and the declared foreign keys.

    `names` gives better words for `table` and `table.column`, lower case; without it identifiers are split.
    """
    names = names or {}
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    tables: dict[str, Table] = {}
    foreign_keys: list[tuple[ColumnId, ColumnId]] = []
    listing = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in connection.execute(listing):
        lower = name.lower()
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
        pairs = [(column, names.get(f"{lower}.{column.lower()}", split_words(column))) for column in columns]
        rows = list(dict.fromkeys(connection.execute(f'SELECT * FROM "{name}"')))
        tables[lower] = make_table(name, names.get(lower, split_words(name)), pairs, rows)
        for row in connection.execute(f'PRAGMA foreign_key_list("{name}")'):
            foreign_keys.append(((lower, row[3].lower()), (row[2].lower(), str(row[4] or row[3]).lower())))
    known = {(table.name, column) for table in tables.values() for column in table.columns}
    return tables, [pair for pair in foreign_keys if pair[0] in known and pair[1] in known]


# Schema ----------------------------------------------------------------------------------------------------------


def find_links(
    tables: Mapping[str, Table], pairs: Iterable[tuple[ColumnId, ColumnId]]
) -> tuple[dict[ColumnId, ColumnId], dict[ColumnId, str]]:
    """Return the links (column -> unique column of the rows it names) and the classes of values that columns share.

    A pair that is declared the wrong way round is turned; where neither side is unique, both columns come to hold
    the same value entities. At least half of a link's values must name a row.
    """
    links: dict[ColumnId, ColumnId] = {}
    shared: dict[ColumnId, str] = {}
    for pair in pairs:
        for (table, column), (target, target_column) in (pair, pair[::-1]):
            source = (table, column)
            if source == (target, target_column) or source in links or root(links, (target, target_column)) == source:
                continue
            present = {value for value in tables[table].values(column) if value is not None}
            known = set(tables[target].values(target_column))
            if tables[target].is_unique(target_column) and len(present & known) * 2 >= len(present) > 0:
                links[source] = (target, target_column)
                break
        else:
            if root(links, pair[0]) != root(links, pair[1]) and not (set(pair) & links.keys()):
                name = shared.get(pair[0]) or shared.get(pair[1]) or pair[1][1]
                shared |= {pair[0]: name, pair[1]: name}
    return links, {column: name for column, name in shared.items() if column not in links}


def root(links: Mapping[ColumnId, ColumnId], column: ColumnId) -> ColumnId:
    """Return the column that a chain of links ends at; columns with one root join the same entities."""
    while column in links:
        column = links[column]
    return column


def choose_label(table: Table, key: str | None, links: Mapping[ColumnId, ColumnId]) -> tuple[str, ...]:
    """Return the columns that name a row: one, or first and last name, or none where rows have no name."""
    texts = {
        column: words
        for column, words, datatype in zip(table.columns, table.column_words, table.datatypes, strict=True)
        if datatype == "text" and (table.name, column) not in links
    }

    def distinct(column: str) -> float:
        return len(set(table.values(column)) - {None}) / max(1, len(table.rows))

    def size(column: str) -> float:
        return sum(len(str(value)) for value in table.values(column)) / max(1, len(table.rows))

    first = next((c for c, words in texts.items() if words in ("first name", "fname", "firstname")), None)
    last = next((c for c, words in texts.items() if words in ("last name", "lname", "lastname", "surname")), None)
    own = singular(table.words)
    exact = ("name", "title", "full name", f"{own} name", f"{table.words} name", f"{own} title", own)
    named = [c for c, words in texts.items() if words in exact and distinct(c) >= 0.5]
    if named:
        return (min(named, key=lambda c: exact.index(texts[c])),)
    if first and last:
        return (first, last)
    named = [c for c, words in texts.items() if set(words.split()) & {"name", "title"} and distinct(c) >= 0.6]
    if named:
        return (named[0],)
    if key in texts and distinct(key) == 1.0:
        return (key,)

    def worded(column: str) -> bool:
        present = [str(value) for value in table.values(column) if value is not None]
        return sum(value[0].isalpha() for value in present) >= 0.8 * len(present)

    wide = [c for c in texts if distinct(c) >= 0.9 and 3 <= size(c) <= 60 and worded(c)]
    return (max(wide, key=distinct),) if wide else ()


def _resolves(tables: Mapping[str, Table], values: Iterable[Cell], target: ColumnId) -> bool:
    return set(values) <= set(tables[target[0]].values(target[1]))


def map_schema(
    name: str,
    tables: Mapping[str, Table],
    pairs: Iterable[tuple[ColumnId, ColumnId]],
    rng: random.Random,
    style: Style,
) -> GraphMapping:
    """Return how the database reads as a graph in `style`, with every IRI chosen; the same `rng` gives the same."""
    links, shared = find_links(tables, pairs)
    targets = set(links.values())
    keys: dict[str, str] = {}
    labels: dict[str, tuple[str, ...]] = {}
    roles: dict[ColumnId, Role] = {}
    pure: dict[str, tuple[str, str]] = {}
    merged: dict[str, str] = {}
    blank: set[str] = set()
    for table in tables.values():
        unique = [c for c in table.columns if table.is_unique(c) and None not in table.values(c)]
        referenced = [c for c in unique if (table.name, c) in targets]
        first = [c for c in unique[:1] if c == table.columns[0] and set(table.column_words[0].split()) & KEY_WORDS]
        key = next(iter(referenced or first), None)
        if key:
            keys[table.name] = key
        labels[table.name] = choose_label(table, key, links)
        linked = [c for c in table.columns if (table.name, c) in links]
        others = [c for c in table.columns if c not in linked and (c != key or c in labels[table.name])]
        single = [c for c in linked if c in unique and _resolves(tables, table.values(c), links[table.name, c])]
        if len(linked) == 2 and not others and not referenced:
            pure[table.name] = (linked[0], linked[1])
        elif len(linked) == 1 and single and links[table.name, single[0]][0] != table.name and not labels[table.name]:
            if single[0] == key or (not referenced and rng.random() < 0.6):
                merged[table.name] = single[0]
        elif len(linked) >= 2 and not labels[table.name] and not referenced and rng.random() < 0.4:
            blank.add(table.name)
        for column, datatype in zip(table.columns, table.datatypes, strict=True):
            place = (table.name, column)
            is_code = datatype == "integer" and (place in targets or column in first)
            roles[place] = (
                "link" if place in links
                else "key" if is_code and column == key
                else "label" if labels[table.name] == (column,)
                else "hidden" if datatype == "empty"
                else "value" if place in shared
                else "literal"
            )  # fmt: skip
            if roles[place] == "literal" and datatype == "text" and rng.random() < 0.4:
                values = [str(value) for value in table.values(column) if value is not None]
                if len(set(values)) <= min(200, max(2, len(values) // 2)) and sum(map(len, values)) <= 40 * len(values):
                    roles[place] = "value"
                    shared[place] = column
    base = BASES[style].format(quote(name.lower().replace("_", "-")))
    bare = GraphMapping(style, base, tables, roles, links, shared, labels, keys, pure, merged, frozenset(blank))
    return _name_everything(bare, rng)


# Vocabulary ------------------------------------------------------------------------------------------------------


def _local_name(words: str, style: Style, *, is_class: bool) -> str:
    parts = re.sub(r"[^a-z0-9 ]", "", words.lower()).split() or ["item"]
    if style == "snake":
        return "_".join(parts).capitalize() if is_class else "_".join(parts)
    joined = "".join(part.capitalize() for part in parts)
    return joined if is_class else joined[0].lower() + joined[1:]


def _link_words(mapping: GraphMapping, table: Table, column: str, rng: random.Random) -> str:
    target, target_column = mapping.links[table.name, column]
    target_words = singular(mapping.tables[target].words)
    if table.name in mapping.pure:
        return table.words if rng.random() < 0.5 else target_words
    words = table.column_words[table.columns.index(column)]
    key_words = mapping.tables[target].column_words[mapping.tables[target].columns.index(target_column)]
    kept = " ".join(word for word in words.split() if word not in KEY_WORDS)
    siblings = [c for c in table.columns if mapping.links.get((table.name, c), ("", ""))[0] == target]
    return target_words if not kept or (words == key_words and len(siblings) == 1) else kept


def _name_everything(mapping: GraphMapping, rng: random.Random) -> GraphMapping:
    """Return the mapping with IRIs for predicates, classes, rows and values, none used twice."""
    style, used = mapping.style, set[str]()

    def fresh(text: str) -> str:
        number, candidate = 1, text
        while candidate in used:
            number += 1
            candidate = f"{text}_{number}"
        used.add(candidate)
        return candidate

    def opaque_iri(letter: str) -> str:
        candidate = f"{mapping.base}{letter}{rng.randrange(1, 2_000_000)}"
        return opaque_iri(letter) if candidate in used else fresh(candidate)

    def schema_iri(words: str, owner: str = "", *, is_class: bool = False) -> str:
        if style == "opaque":
            return opaque_iri("Q" if is_class else "P")
        folder = {"camel": "ontology/", "snake": "schema#", "verb": "vocab/", "skos": "def#"}[style]
        plain = mapping.base + folder + _local_name(words, style, is_class=is_class)
        if owner and plain in used:
            plain = mapping.base + folder + _local_name(f"{owner} {words}", style, is_class=is_class)
        return fresh(plain)

    def entity_iri(table: str, key: str, label: str) -> str:
        if style == "opaque":
            return opaque_iri("Q")
        slug = quote(re.sub(r"[^\w.-]+", "_", label or key).strip("_")[:60] or "item", safe="")
        class_slug = _local_name(table, "snake", is_class=False)
        tail = {
            "camel": f"resource/{slug}",
            "snake": f"id/{class_slug}/{quote(key, safe='')}",
            "verb": f"{class_slug}/{slug.lower().replace('_', '-')}",
            "skos": f"{class_slug}-{slug}",
        }[style]
        return fresh(mapping.base + tail)

    class_words = {t.name: singular(t.words) for t in mapping.tables.values() if t.name not in mapping.pure}
    classes = {name: (schema_iri(words, is_class=True), words) for name, words in class_words.items()}
    predicates: dict[ColumnId, tuple[str, str, bool]] = {}
    by_words: dict[tuple[str, str], tuple[str, str, bool]] = {}
    share_names = rng.random() < 0.7
    for table in mapping.tables.values():
        ends = mapping.pure.get(table.name)
        for column, column_words in zip(table.columns, table.column_words, strict=True):
            place = (table.name, column)
            role = mapping.roles[place]
            if role in ("hidden", "key", "label") or mapping.merged.get(table.name) == column:
                continue
            if ends and column == ends[0]:
                continue  # the direct property is named by its second end, below
            words = _link_words(mapping, table, column, rng) if role == "link" else column_words
            is_reversed = style == "verb" and role == "link" and rng.random() < 0.3
            if style == "verb" and (role == "link" or rng.random() < 0.5) and not words.startswith(("has ", "is ")):
                own = singular(table.words)
                is_only = sum((table.name, other) in mapping.links for other in table.columns) == 1
                words = f"is {own if is_only else own + ' with ' + words} of" if is_reversed else f"has {words}"
            same = (words, f"{role}{is_reversed}{'' if share_names else table.name}")
            if same not in by_words:
                by_words[same] = (schema_iri(words, singular(table.words)), words, is_reversed)
            predicates[place] = by_words[same]
            if ends:
                predicates[table.name, ends[0]] = predicates[place]
    rows: dict[str, tuple[Term, ...]] = {}

    def rows_of(table: Table) -> tuple[Term, ...]:
        if table.name not in rows:
            found: list[Term] = []
            column = mapping.merged.get(table.name)
            if column:
                target, target_column = mapping.links[table.name, column]
                target_table = mapping.tables[target]
                index = dict(zip(target_table.values(target_column), rows_of(target_table), strict=True))
                found = [index[value] for value in table.values(column)]
            elif table.name in mapping.blank:
                stem = _local_name(table.name, "camel", is_class=False)
                found = [Term("bnode", f"{stem}{n}") for n in range(len(table.rows))]
            elif table.name not in mapping.pure:
                found = [iri(entity_iri(table.words, row_key(mapping, table, n), row_label(mapping, table, n)))
                         for n in range(len(table.rows))]  # fmt: skip
            rows[table.name] = tuple(found)
        return rows[table.name]

    for table in mapping.tables.values():
        rows_of(table)
    values: dict[tuple[str, Cell], Term] = {}
    for (table_name, column), name in mapping.shared.items():
        if mapping.roles[table_name, column] != "value":
            continue
        table = mapping.tables[table_name]
        words = table.column_words[table.columns.index(column)]
        classes.setdefault(f"value {name}", (schema_iri(singular(words), is_class=True), singular(words)))
        for value in dict.fromkeys(table.values(column)):
            if value is not None and (name, value) not in values:
                values[name, value] = iri(entity_iri(words, str(value), str(value)))
    return replace(mapping, predicates=predicates, classes=classes, rows=rows, values=values)


def row_key(mapping: GraphMapping, table: Table, row: int) -> str:
    """Return the text of the row's key, or its number counted from 1 where the table has no key."""
    key = mapping.keys.get(table.name)
    return str(table.rows[row][table.columns.index(key)]) if key else str(row + 1)


def row_label(mapping: GraphMapping, table: Table, row: int) -> str:
    """Return the row's name; empty where its table has no name-like column or the name is NULL."""
    parts = [table.rows[row][table.columns.index(column)] for column in mapping.labels[table.name]]
    return " ".join(str(part) for part in parts if part is not None)


def cell_term(mapping: GraphMapping, place: ColumnId, value: Cell) -> Term | None:
    """Return what a non-NULL cell of a value or literal column is in the graph; None for a value with no entity."""
    if mapping.roles[place] == "value":
        return mapping.values.get((mapping.shared[place], value))
    table = mapping.tables[place[0]]
    datatype = table.datatypes[table.columns.index(place[1])]
    if datatype == "boolean":
        return literal("true" if str(value).lower() in TRUE_WORDS else "false", XSD + "boolean")
    if datatype == "decimal":
        text = format(Decimal(repr(value)), "f")
        return literal(text.removesuffix(".0"), XSD + "decimal")
    text = str(value)
    if datatype in ("date", "dateTime"):
        text = text[:10] if datatype == "date" else text.replace(" ", "T") if len(text) > 10 else text + "T00:00:00"
    return literal(text, None if datatype == "text" else XSD + datatype)


def graph_triples(mapping: GraphMapping) -> Iterator[tuple[Term, Term, Term]]:
    """Yield the graph: types, labels, links and values, then labels for the vocabulary where the style has them."""
    type_, label_predicate = iri(RDF_TYPE), iri(PREF_LABEL if mapping.style == "skos" else RDFS + "label")
    lang = "en" if mapping.style == "skos" else None
    for table in mapping.tables.values():
        index: dict[str, dict[Cell, int]] = {}
        for column in table.columns:
            if (table.name, column) in mapping.links:
                end, end_column = mapping.links[table.name, column]
                index[column] = {value: row for row, value in enumerate(mapping.tables[end].values(end_column))}
        for number, row in enumerate(table.rows):
            cells = dict(zip(table.columns, row, strict=True))
            if table.name in mapping.pure:
                ends = [mapping.rows[mapping.links[table.name, c][0]][index[c][cells[c]]]
                        for c in mapping.pure[table.name] if cells[c] is not None and cells[c] in index[c]]  # fmt: skip
                if len(ends) == 2:
                    name, _, is_reversed = mapping.predicates[table.name, mapping.pure[table.name][1]]
                    yield ends[is_reversed], iri(name), ends[not is_reversed]
                continue
            subject = mapping.rows[table.name][number]
            yield subject, type_, iri(mapping.classes[table.name][0])
            label = row_label(mapping, table, number) or row_key(mapping, table, number)
            if subject.kind == "uri" and table.name not in mapping.merged:
                yield subject, label_predicate, literal(label, None, lang)
            for column, value in cells.items():
                place = (table.name, column)
                if value is None or place not in mapping.predicates:
                    continue
                name, _, is_reversed = mapping.predicates[place]
                if place in mapping.links:
                    at = index[column].get(value)  # a dangling key names no row
                    target = None if at is None else mapping.rows[mapping.links[place][0]][at]
                else:
                    target = cell_term(mapping, place, value)
                if target is not None:
                    yield (target, iri(name), subject) if is_reversed else (subject, iri(name), target)
    for (name, value), term in mapping.values.items():
        yield term, type_, iri(mapping.classes[f"value {name}"][0])
        yield term, label_predicate, literal(str(value), None, lang)
    named = set(mapping.classes.values()) if mapping.style != "camel" else set()
    if mapping.style not in ("camel", "snake"):
        named |= {(name, words) for name, words, _ in mapping.predicates.values()}
    for name, words in sorted(named):
        yield iri(name), label_predicate, literal(words, None, lang)
