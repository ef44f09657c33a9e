"""The interfaces between the stages. Standard library only.

Each is one or two methods; implementations are flat classes that share code by calling functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from kgqa.datatypes import EntityLink, Question, Term

Triple = tuple[Term, Term, Term]
Row = tuple[Term | None, ...]


class GraphStore(Protocol):
    """A SPARQL 1.1 store that holds one graph (all its named graphs read as one)."""

    def __len__(self) -> int:
        """Return the number of distinct triples over all named graphs."""

    def triples(self) -> Iterator[Triple]:
        """Yield every distinct triple, in no stated order."""

    def select(self, query: str) -> Sequence[Row]:
        """Return the rows of a SELECT query, in the query's order. Raises QueryError."""

    def ask(self, query: str) -> bool:
        """Return the result of an ASK query. Raises QueryError."""


class EntityLinker(Protocol):
    """Finds what the words of a question name in a graph."""

    def link(self, question: Question) -> tuple[EntityLink, ...]:
        """Return the mentions in text order, each with its candidates, best first."""
