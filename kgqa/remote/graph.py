"""A remote graph as the reasoner sees it: the profile's sample, and for each question a little more."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain

import numpy as np

from kgqa.analysis import GraphContext
from kgqa.datatypes import EntityCandidate, EntityLink, Term, iri
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.index.schema import Path, Relation, Schema
from kgqa.protocols import Triple
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.query_graph import Constraint, QueryGraph, Result
from kgqa.stores.remote_profile import Profile


class RemoteGraph:
    """Makes the local index of a question. Every such index has the profile's predicates under the same dense ids.

    So paths and relations mean the same in all of them; node ids do not, and are carried over by term.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.base = self._index(profile.triples)
        self.predicates: tuple[Term, ...] = tuple(self.base.term(int(node)) for node in self.base.pred_terms)
        self._known = frozenset(self.predicates)
        self.base_schema = self._counted(Schema(self.base))
        self.types: tuple[Term, ...] = tuple(self.predicates[p] for p in self.base.type_predicates)
        self.labels: tuple[Term, ...] = tuple(
            iri(name) for name in profile.label_predicates if iri(name) in self._known
        )

    @cached_property
    def sampled(self) -> frozenset[Triple]:
        """The triples that every local graph has."""
        return frozenset(self.profile.triples)

    @cached_property
    def _labelled(self) -> frozenset[Triple]:
        return frozenset(self.profile.labels)

    @cached_property
    def naming(self) -> GraphContext:
        """The sample with all labels that the profile holds: what names are looked up in."""
        index = self._index(chain(self.profile.triples, self.profile.labels))
        return GraphContext(index, self.schema_of(index), LabelIndex(index))

    def naming_with(self, triples: Sequence[Triple]) -> GraphContext:
        """Return `naming` with the triples of a look-up added."""
        new = [t for t in triples if t not in self.sampled and t not in self._labelled and t[1] in self._known]
        if not new:
            return self.naming
        index = self._index(chain(self.profile.triples, self.profile.labels, new))
        return GraphContext(index, self.schema_of(index), LabelIndex(index))

    def context_of(self, triples: Iterable[Triple]) -> GraphContext:
        """Return the local graph of a question: the sample and what was fetched."""
        index = self._index(chain(self.profile.triples, (t for t in triples if t[1] in self._known)))
        return GraphContext(index, self.schema_of(index), self.naming.labels)

    def schema_of(self, index: GraphIndex) -> Schema:
        """Return the schema of the whole graph over a local index."""
        schema = copy.copy(self.base_schema)
        schema.index = index
        return schema

    def _index(self, triples: Iterable[Triple]) -> GraphIndex:
        index = GraphIndex.from_triples(triples, label_predicates=self.profile.label_predicates)
        sizes = index.class_sizes
        for klass in sizes:  # how large a class is, the profile knows better than a sample does
            members = index.subclasses.get(klass, (klass,))
            told = max((self.profile.classes.get(index.text_of(member), 0) for member in members), default=0)
            sizes[klass] = max(sizes[klass], told)
        return index

    def _counted(self, schema: Schema) -> Schema:
        """Put the endpoint's counts in the place of those of the sample."""
        relations = tuple(self._with_counts(relation) for relation in schema.relations)
        schema.relations = relations
        schema.by_path = {relation.path: relation for relation in relations}
        schema.by_first_step = {}
        for relation in relations:
            schema.by_first_step.setdefault(relation.path[0], []).append(relation)
        return schema

    def _with_counts(self, relation: Relation) -> Relation:
        predicate, inverse = relation.path[0]
        counts = self.profile.predicates.get(self.predicates[predicate].value)
        if counts is None or not counts.n_triples:
            return relation
        starts = counts.n_objects if inverse else counts.n_subjects
        fan_out = counts.n_triples / starts if starts and len(relation.path) == 1 else relation.fan_out
        return replace(relation, n_pairs=counts.n_triples, fan_out=fan_out)

    def steps(self, path: Path) -> list[tuple[Term, bool]]:
        """Return a path's steps as (predicate, walked from object to subject)."""
        return [(self.predicates[predicate], inverse) for predicate, inverse in path]


# -- carrying over from one local index to another


class Carrier:
    """Finds in one local index the terms of another."""

    def __init__(self, source: GraphIndex, target: GraphIndex) -> None:
        self.source, self.target = source, target

    def term(self, term: Term) -> int:
        """Return the node of a term, or -1 where the target does not have it."""
        return self.target.find_term(term)

    def node(self, node: int) -> int:
        """Return the same term's node. Raises KeyError where the target does not have it."""
        found = self.term(self.source.term(node))
        if found < 0:
            raise KeyError(self.source.term(node))
        return found

    def nodes(self, nodes: Iterable[int]) -> tuple[int, ...]:
        """Return the same terms' nodes."""
        return tuple(self.node(int(node)) for node in nodes)

    def link(self, link: EntityLink) -> EntityLink:
        """Return a link with its candidates' nodes carried over; candidates that the target lacks are left out."""
        kept: list[EntityCandidate] = []
        for candidate in link.candidates:
            node = self.term(candidate.entity) if candidate.node >= 0 else -1
            if node >= 0 or candidate.node < 0:
                kept.append(replace(candidate, node=node))
        return replace(link, candidates=tuple(kept))

    def query(self, query: QueryGraph) -> QueryGraph:
        """Return the same query graph over the target."""
        return replace(
            query,
            constraints=tuple(self._constraint(constraint) for constraint in query.constraints),
            exclude=self.nodes(query.exclude),
            among=self.nodes(query.among),
        )

    def candidate(self, candidate: Candidate) -> Candidate:
        """Return the same candidate over the target."""
        result = candidate.result
        return replace(candidate, query=self.query(candidate.query), result=self.result(result))

    def result(self, result: Result) -> Result:
        """Return the same result over the target; bindings that it lacks are left out."""
        return replace(
            result, nodes=self._array(result.nodes.tolist()), core=np.sort(self._array(result.core.tolist()))
        )

    def _array(self, nodes: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        found = (self.term(self.source.term(node)) for node in nodes)
        return np.array([node for node in found if node >= 0], np.int32)

    def _constraint(self, constraint: Constraint) -> Constraint:
        return replace(constraint, nodes=self.nodes(constraint.nodes))
