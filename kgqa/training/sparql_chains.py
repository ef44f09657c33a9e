"""Reads from a gold SPARQL query which chains of predicates lead from its entities to its answer.

Only plain graph patterns are read: triples, sequence and inverse paths, FILTER, ORDER BY with LIMIT, COUNT, ASK. A
query with UNION, OPTIONAL, a subquery or the like is refused, and so is one whose answer no entity is joined to.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from kgqa.datatypes import RDF_TYPE

Operator = Literal["list", "count", "ask", "superlative"]
Step = tuple[str, bool]
"""A predicate's IRI, and whether it is walked from object to subject."""

_TOKEN = re.compile(
    r"""<[^<>\s]*>
      |"(?:[^"\\]|\\.)*"(?:\s*@[\w-]+|\s*\^\^\s*(?:<[^<>\s]*>|[\w-]*:\w+))?
      |'(?:[^'\\]|\\.)*'(?:\s*@[\w-]+|\s*\^\^\s*(?:<[^<>\s]*>|[\w-]*:\w+))?
      |[?$]\w+
      |[A-Za-z][\w-]*:(?:[\w.\-%,'&!]|\(\w+\))*
      |[+-]?\d+(?:\.\d+)?
      |\w+
      |[{}().;,/^*+|=!<>&-]""",
    re.VERBOSE,
)
_PREFIX = re.compile(r"\bPREFIX\s+([\w-]*):\s*<([^<>]*)>", re.IGNORECASE)
_REFUSED = frozenset("UNION OPTIONAL MINUS BIND VALUES SERVICE HAVING GROUP GRAPH CONSTRUCT DESCRIBE".split())
_HARMLESS = re.compile(r"""(?:isliteral|langmatches|lang|[=|(),!\s]|'[^']*'|"[^"]*"|[?$]\w+)*""", re.IGNORECASE)
_INSTANCE_OF = frozenset((RDF_TYPE, "http://www.wikidata.org/prop/direct/P31", "type.object.type"))
_SUBCLASS_OF = frozenset(
    ("http://www.wikidata.org/prop/direct/P279", "http://www.w3.org/2000/01/rdf-schema#subClassOf")
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query's triples, as (subject, predicate, object): variables with "?", IRIs bare, literals quoted.

    `restricted` says that a FILTER narrows the answers, so that the triples alone do not tell the whole question.
    """

    is_ask: bool
    variable: str
    counts: bool
    triples: tuple[tuple[str, str, str], ...]
    sort_variable: str
    descending: bool
    restricted: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A chain from an entity to the answer. `between[i]` is the variable between steps i and i + 1."""

    topic: str
    steps: tuple[Step, ...]
    between: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldChains:
    """What a query asks: chains that meet in the answer, the classes it must have, and the operator over it.

    `sort` leads from the answer to the value of a superlative.
    """

    branches: tuple[Branch, ...]
    classes: tuple[str, ...]
    operator: Operator
    sort: tuple[Step, ...] = ()
    descending: bool = True
    restricted: bool = False


def parse_query(sparql: str, prefixes: Mapping[str, str]) -> ParsedQuery:
    """Return a query's triples; `prefixes` are those it may use without declaring them. Raises ValueError."""
    known = {**prefixes, **dict(_PREFIX.findall(sparql))}
    tokens = list(_tokens(_PREFIX.sub(" ", sparql), known))
    upper = [token.upper() for token in tokens]
    refused = sorted(_REFUSED & set(upper))
    if refused or upper.count("SELECT") > 1:
        raise ValueError(f"uses {', '.join(refused) or 'a subquery'}")
    if "{" not in tokens:
        raise ValueError("has no pattern")
    start, end = tokens.index("{"), len(tokens) - 1 - tokens[::-1].index("}")
    head, body, tail = upper[:start], tokens[start + 1 : end], tokens[end + 1 :]
    is_ask = "ASK" in head
    variables = [token for token in tokens[:start] if token[0] in "?$"]
    counts = "COUNT" in head
    triples, restricted = _patterns(body)
    sort_variable, descending = _order(tail)
    return ParsedQuery(
        is_ask, variables[0].replace("$", "?") if variables else "", counts, tuple(triples), sort_variable, descending,
        restricted,
    )  # fmt: skip


def gold_chains(query: ParsedQuery) -> GoldChains:
    """Return the chains of a parsed query. Raises ValueError where no entity is joined to the answer."""
    classes: dict[str, list[str]] = {}
    edges: dict[str, list[tuple[str, Step]]] = {}
    entities: list[str] = []
    for subject, predicate, object_ in query.triples:
        if predicate in _INSTANCE_OF and object_[0] not in "?\"'":
            classes.setdefault(subject, []).append(object_)
            continue
        edges.setdefault(subject, []).append((object_, (predicate, False)))
        edges.setdefault(object_, []).append((subject, (predicate, True)))
        entities += [term for term in (subject, object_) if term[0] not in "?\"'"]
    if query.is_ask:
        if len(query.triples) != 1 or len(entities) != 2:
            raise ValueError("asks of more than one fact")
        (subject, predicate, object_) = query.triples[0]
        return GoldChains((Branch(subject, ((predicate, False),), ()), Branch(object_, (), ())), (), "ask")
    if not query.variable:
        raise ValueError("selects nothing")
    answer = query.variable
    found_branches = [_branch(entity, answer, edges) for entity in dict.fromkeys(entities)]
    branches = tuple(branch for branch in found_branches if branch is not None)
    sort: tuple[Step, ...] = ()
    if query.sort_variable and query.sort_variable != answer:
        found = _branch(answer, query.sort_variable, edges)
        if found is None:
            raise ValueError("sorts by what it is not joined to")
        sort = found.steps
    if not branches and not sort:
        raise ValueError("no entity is joined to the answer")
    operator: Operator = "count" if query.counts else "superlative" if sort else "list"
    return GoldChains(
        branches, tuple(classes.get(answer, ())), operator, sort, query.descending,
        query.restricted or bool(query.sort_variable and not sort),
    )  # fmt: skip


def _branch(start: str, end: str, edges: Mapping[str, list[tuple[str, Step]]]) -> Branch | None:
    """Return the shortest chain from one term to another over variables; None where there is none."""
    came: dict[str, tuple[str, Step]] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other, step in edges.get(node, ()):
            if other in came or other == start or (other[0] != "?" and other != end):
                continue
            came[other] = (node, step)
            queue.append(other)
    if end not in came:
        return None
    steps, between, node = [], [], end
    while node != start:
        node, step = came[node]
        steps.append(step)
        between.append(node)
    return Branch(start, tuple(reversed(steps)), tuple(reversed(between[:-1])))


def _tokens(text: str, prefixes: Mapping[str, str]) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] == "<" and token[-1] == ">" and len(token) > 1:
            yield token[1:-1]
        elif ":" in token and token[0] not in "\"'" and token.partition(":")[0] in prefixes:
            prefix, _, name = token.partition(":")
            kept = name.rstrip(".,")
            yield prefixes[prefix] + kept
            yield from name[len(kept) :]
        else:
            yield token


def _patterns(tokens: list[str]) -> tuple[list[tuple[str, str, str]], bool]:
    """Return the triples of a group, paths as triples over fresh variables, and whether a filter restricts them."""
    triples: list[tuple[str, str, str]] = []
    restricted, place, fresh = False, 0, 0
    subject = ""
    path: list[Step] = []
    while place < len(tokens):
        token = tokens[place]
        if token.upper() == "FILTER":
            place, text = _skip_filter(tokens, place + 1)
            restricted |= not _is_harmless(text)
            subject = ""
        elif token in ".{}":
            subject, place = "", place + 1
        elif token == ";":
            path, place = [], place + 1
        elif token == ",":
            place += 1
            triples, fresh = _add(triples, subject, path, tokens[place], fresh)
            place += 1
        elif not subject:
            subject, path, place = token, [], place + 1
        else:
            path, place = _path(tokens, place)
            if place >= len(tokens):
                raise ValueError("ends within a triple")
            triples, fresh = _add(triples, subject, path, tokens[place], fresh)
            place += 1
    return triples, restricted


def _path(tokens: list[str], place: int) -> tuple[list[Step], int]:
    path: list[Step] = []
    while True:
        inverse = tokens[place] == "^"
        place += inverse
        name = tokens[place]
        if name in ("(", "|", "!") or name[0] == "?":
            raise ValueError("has a variable or alternative for a predicate")
        place += 1
        repeated = place < len(tokens) and tokens[place] in ("*", "+")
        place += repeated
        if repeated and name not in _SUBCLASS_OF | _INSTANCE_OF:
            raise ValueError("repeats a predicate")
        if not (repeated and name in _SUBCLASS_OF and path):
            path.append((RDF_TYPE if name == "a" else name, inverse))
        if place >= len(tokens) or tokens[place] != "/":
            return path, place
        place += 1


def _add(
    triples: list[tuple[str, str, str]], subject: str, path: list[Step], object_: str, fresh: int
) -> tuple[list[tuple[str, str, str]], int]:
    at = subject.replace("$", "?")
    for number, (predicate, inverse) in enumerate(path):
        last = number == len(path) - 1
        end = object_.replace("$", "?") if last else f"?_{fresh}"
        fresh += not last
        triples.append((end, predicate, at) if inverse else (at, predicate, end))
        at = end
    return triples, fresh


def _skip_filter(tokens: list[str], place: int) -> tuple[int, str]:
    start = place
    while place < len(tokens) and tokens[place] not in "({":
        place += 1
    depth = 0
    while place < len(tokens):
        depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(tokens[place], 0)
        place += 1
        if depth == 0:
            break
    return place, " ".join(tokens[start:place])


def _is_harmless(text: str) -> bool:
    """Whether a filter only keeps the topic itself out or asks for a language."""
    return bool(re.fullmatch(r"\( \?\w+ ! = \S+ \)", text)) or bool(_HARMLESS.fullmatch(text))


def _order(tail: list[str]) -> tuple[str, bool]:
    """Return the variable of ORDER BY with LIMIT 1 and whether the highest comes first; "" where there is none."""
    upper = [token.upper() for token in tail]
    if "ORDER" not in upper:
        return "", True
    variables = [token for token in tail[upper.index("ORDER") :] if token[0] in "?$"]
    return (variables[0].replace("$", "?") if variables else ""), "DESC" in upper
