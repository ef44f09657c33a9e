"""Every query graph worth considering for a question: anchored paths, their intersections, filters and operators.

Everything enumerated is executable, and all but yes/no readings and counts have answers. Bounds are per family, so
that no family
can crowd out another. The scheme is that of Gu et al., "Don't Generate, Discriminate" (Pangu, 2023), with a fixed
grammar in place of stepwise growth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np

from kgqa.datatypes import EntityLink, ValueRange
from kgqa.index.arrays import intersect, is_member
from kgqa.index.graph_index import Ids
from kgqa.index.schema import ENTITY, TEXT, Relation, reverse
from kgqa.index.values import BOOLEAN, DATE, NUMBER
from kgqa.reasoning.candidates import MAX_LOOKED_AT, NOTHING, SOMETHING, Anchor, Candidate, Core, Readings, core_order
from kgqa.reasoning.orderings import enumerate_comparisons, enumerate_superlatives
from kgqa.reasoning.propositions import enumerate_propositions
from kgqa.reasoning.query_graph import Constraint, QueryGraph, Result
from kgqa.reasoning.units import scale_range
from kgqa.retrieval.paths import MAX_FRONTIER, AnchoredPath, best_relations

MAX_CANDIDATES = 2500
MAX_PAIR_CORES = 60
MAX_BLANK_NODES = 400
N_IMPLICIT = 10
N_DENIED = 10
N_OF_FAMILY = 12
N_RESTRICTING = 3


class Enumerator(Readings):
    """Enumerates the candidates of one question."""

    def enumerate(self, paths: dict[Anchor, list[AnchoredPath]]) -> list[Candidate]:
        """Return the candidates, those that use more of the question first among equals."""
        anchors = list(paths)
        path_cores = self._path_cores(paths)
        class_cores = self._class_cores(anchors)
        implicit = self._implicit_class_cores(class_cores)
        pair_cores = [
            *self._intersections(path_cores, class_cores),
            *self._of_implicit_classes(path_cores, implicit[:N_RESTRICTING]),
        ]
        self._through_blank_nodes(anchors)
        bases = [*class_cores, *pair_cores, *path_cores]
        filtered = self._filters(bases, implicit)
        for core in class_cores:
            self.add(QueryGraph("list", core.constraints), core)
        for core in implicit[:6]:
            self.add(QueryGraph("list", core.constraints), core)
        for core in (*pair_cores, *filtered):
            self.add(QueryGraph("list", core.constraints), core)
            self._project(core)
        several = [core for core in path_cores if len(core.nodes) > 1]
        sortable = _first_of(class_cores, several, pair_cores, filtered)
        if self.cues.superlative or self.cues.order:
            enumerate_superlatives(self, [*sortable, *implicit, *self._things_with()])
        entities = [anchor for anchor in anchors if anchor.kind == "entity"]
        enumerate_comparisons(self, entities)
        if self.cues.ask:
            enumerate_propositions(self, anchors, paths, [*path_cores, *pair_cores, *filtered], class_cores)
        if self.cues.count:
            self._counts(implicit)
        return self._with_implied_classes(list(self.found.values())[:MAX_CANDIDATES])

    # -- cores

    def _path_cores(self, paths: dict[Anchor, list[AnchoredPath]]) -> list[Core]:
        cores = []
        for anchor, found in paths.items():
            for path in found:
                ends = path.ends
                constraint = Constraint("node", path.back, (anchor.node,))
                if not _turns_round(path):
                    self.executor.remember(constraint, ends)
                core = Core((constraint,), ends, frozenset((anchor.link,)), path.relations, anchor.score, path.score)
                place = int(ends.searchsorted(anchor.node))
                returns = _comes_back(path) or (place < len(ends) and int(ends[place]) == anchor.node)
                if not returns or not _comes_back(path):
                    self.add(QueryGraph("list", (constraint,)), core)
                if returns and self.cues.other:
                    self.add(QueryGraph("list", (constraint,), exclude=(anchor.node,)), core)
                elif len(path.relations) == 3 and path.relations[1].path == reverse(path.relations[0].path):
                    self._add_excluding_the_middle(core, path, anchor)
                if not path.ends_in_value:
                    cores.append(core)
        return cores

    def _add_excluding_the_middle(self, core: Core, path: AnchoredPath, anchor: Anchor) -> None:
        """Out and back to others of the kind of the anchor, then on: "genres of the other films by its director"."""
        middle = len(path.relations[0].path) + len(path.relations[1].path)
        out, on = path.path[:middle], path.path[middle:]
        others = self.index.follow_path(np.array([anchor.node], np.int32), out)
        others = others[others != anchor.node]
        nodes = self.index.follow_path(others, on)
        own = self.index.follow_path(np.array([anchor.node], np.int32), on)
        if len(nodes) and self.cues.other:
            minus = tuple(int(node) for node in own[:3]) if len(own) <= 3 else ()
            query = QueryGraph("list", (Constraint("node", reverse(out), (anchor.node,)),), projection=on)
            self.add(replace(query, exclude=minus), core)

    def _class_cores(self, anchors: Iterable[Anchor]) -> list[Core]:
        cores = []
        for anchor in anchors:
            if anchor.kind == "class":
                cores.append(self._class_core(anchor.node, frozenset((anchor.link,)), anchor.score))
        return cores

    def _class_core(self, klass: int, links: frozenset[int], link_score: float) -> Core:
        constraint = Constraint("class", nodes=(klass,))
        score = self.class_scores.get(klass, 0.0)
        return Core((constraint,), self.index.instances(klass), links, (), link_score, score)

    def _implicit_class_cores(self, explicit: Sequence[Core]) -> list[Core]:
        """The classes nobody named, best first: people ask for "the longest" without saying of what."""
        named = {core.constraints[0].nodes[0] for core in explicit}
        ranked = sorted(self.class_scores, key=lambda c: -self.class_scores[c])
        visible = [c for c in ranked if c not in named and not self._blank_class(c)]
        return [self._class_core(c, frozenset(), 0.8) for c in visible[:N_IMPLICIT]]

    def _of_implicit_classes(self, cores: Sequence[Core], implicit: Sequence[Core]) -> list[Core]:
        """Cores of several kinds of things, restricted to a class that the question may mean by another word."""
        made = []
        for core in sorted((core for core in cores if len(core.nodes) > 1), key=core_order)[:N_OF_FAMILY]:
            for klass in implicit:
                if (both := self._both(core, klass)) is not None:
                    made.append(both)
        return made

    def _things_with(self) -> list[Core]:
        """All that has a number or date, where things of several classes have it: "what is the most expensive"."""
        made = []
        for relation in best_relations(self.schema.relations, self.scores, frozenset((NUMBER, DATE)), N_RESTRICTING):
            constraint = Constraint("exists", relation.path)
            nodes = self.executor.run(QueryGraph("list", (constraint,))).core
            classes = {klass for node in nodes[:MAX_LOOKED_AT].tolist() for klass in self.index.classes_of(node)[:1]}
            if len(classes) > 1:
                made.append(Core((constraint,), nodes, frozenset(), (), 0.8, float(self.scores[relation.id])))
        return made

    def _blank_class(self, klass: int) -> bool:
        return bool(self.index.is_inner[self.index.instances(klass)[:8]].all())

    def _intersections(self, path_cores: Sequence[Core], class_cores: Sequence[Core]) -> list[Core]:
        by_link: dict[frozenset[int], list[Core]] = {}
        for core in path_cores:
            if len(core.relations) <= 2:
                by_link.setdefault(core.links, []).append(core)
        groups = [sorted(cores, key=lambda c: (len(c.relations), -c.score))[:40] for cores in by_link.values()]
        pairs: list[Core] = []
        for first, second in combinations(groups, 2):
            if not self.disjoint(first[0].links, second[0].links):
                continue
            made = [both for a in first for b in second if (both := self._both(a, b)) is not None]
            pairs += sorted(made, key=core_order)[:MAX_PAIR_CORES]
        pairs += self._unions(groups)
        if self.cues.both:
            pairs += self._same_anchor(groups)
        if len(groups) >= 3:
            pairs += self._triples(pairs, groups)
        with_class = []
        for klass in class_cores:
            for core in [*path_cores, *pairs]:
                if self.disjoint(klass.links, core.links) and (both := self._both(core, klass)) is not None:
                    with_class.append(both)
        return [
            *sorted(pairs, key=core_order)[: 2 * MAX_PAIR_CORES],
            *sorted(with_class, key=core_order)[: 2 * MAX_PAIR_CORES],
        ]

    def _triples(self, pairs: Sequence[Core], groups: Sequence[Sequence[Core]]) -> list[Core]:
        made = []
        singles = [core for group in groups for core in group[:12] if len(core.relations) == 1]
        for pair in sorted(pairs, key=core_order)[:24]:
            for single in singles:
                if self.disjoint(pair.links, single.links) and (core := self._both(pair, single)) is not None:
                    made.append(core)
        return sorted(made, key=core_order)[:40]

    def _same_anchor(self, groups: Sequence[Sequence[Core]]) -> list[Core]:
        """One name in two roles: "both directed and scored by X". Where one role implies the other it is left out."""
        made = []
        for group in groups:
            singles = [core for core in group if len(core.relations) == 1][:8]
            for a, b in combinations(singles, 2):
                both = self._both(a, b) if a.constraints[0].nodes == b.constraints[0].nodes else None
                if both is not None and len(both.nodes) < min(len(a.nodes), len(b.nodes)):
                    made.append(both)
        return sorted(made, key=core_order)[:12]

    def _through_blank_nodes(self, anchors: Sequence[Anchor]) -> None:
        """Two conditions on one blank node, such as a review of X in Y, and what else it holds."""
        cores = []
        for anchor in anchors:
            if anchor.kind == "class":
                continue
            here = np.array([anchor.node], np.int32)
            out, into = self.index.incident(here)
            for step in [(p, False) for p in sorted(out)] + [(p, True) for p in sorted(into)]:
                nodes = self.index.follow(here, step[0], inverse=step[1])
                nodes = nodes[self.index.is_inner[nodes]]
                if 0 < len(nodes) <= MAX_BLANK_NODES:
                    constraint = Constraint("node", ((step[0], not step[1]),), (anchor.node,))
                    cores.append(Core((constraint,), nodes, frozenset((anchor.link,)), (), anchor.score, 0.0))
        pairs = [
            core
            for a, b in combinations(cores, 2)
            if self.disjoint(a.links, b.links) and (core := self._both(a, b)) is not None
        ]
        filtered = [
            restricted
            for core in [*pairs, *cores]
            for place, span, unit in self._ranges()
            if self.disjoint(core.links, (place,))
            for restricted in self._in_range(core, span, unit, place)
        ]
        for core in [*pairs[:24], *filtered[:40]]:
            self._project(core, n=8)

    def _ranges(self) -> list[tuple[int, ValueRange, str]]:
        """The question's values: (place of the link, range, the word that follows it)."""
        return [
            (place, candidate.range, self.units.get(place, ""))
            for place, link in enumerate(self.links)
            for candidate in link.candidates
            if candidate.range is not None
        ]

    def _unions(self, groups: Sequence[Sequence[Core]]) -> list[Core]:
        """ "by A or B": the same path from two anchors."""
        made = []
        for first, second in combinations(groups, 2):
            if not self.disjoint(first[0].links, second[0].links):
                continue
            by_path = {core.constraints[0].path: core for core in second}
            for a in first:
                b = by_path.get(a.constraints[0].path)
                if b is None or a.constraints[0].nodes == b.constraints[0].nodes:
                    continue
                nodes = tuple(sorted({*a.constraints[0].nodes, *b.constraints[0].nodes}))
                union = np.union1d(a.nodes, b.nodes).astype(np.int32)
                constraint = replace(a.constraints[0], nodes=nodes)
                score = min(a.link_score, b.link_score)
                made.append(Core((constraint,), union, a.links | b.links, a.relations, score, a.score))
        return made[:24]

    def _both(self, a: Core, b: Core) -> Core | None:
        """Return the intersection, or None where it is empty or says no more than one of the two."""
        nodes = intersect(a.nodes, b.nodes)
        if len(nodes) == 0:
            return None
        if b.constraints[0].kind == "class" and len(nodes) == len(a.nodes):
            return None
        relations = a.relations + b.relations
        score = (a.score * len(a.relations) + b.score * len(b.relations)) / max(len(relations), 1)
        return Core(
            a.constraints + b.constraints, nodes, a.links | b.links, relations, min(a.link_score, b.link_score), score
        )

    def _filters(self, bases: Sequence[Core], implicit: Sequence[Core]) -> list[Core]:
        """Restrict cores by the question's values and by boolean relations."""
        made: list[Core] = []
        explicit = _first_of(
            [core for core in bases if core.constraints[0].kind == "class" and len(core.constraints) == 1],
            [core for core in bases if len(core.constraints) == 1],
            [core for core in bases if len(core.constraints) > 1],
            [],
        )
        for place, span, unit in self._ranges():
            for core in [*explicit, *implicit, *made[:20]]:
                if place not in core.links and self.disjoint(core.links, frozenset((place,))):
                    made += self._in_range(core, span, unit, place)
        for core in [*explicit[:30], *implicit[:4], *sorted(made, key=core_order)[:30]]:
            made += self._true_of(core)
        for core in [*explicit[:12], *implicit[:3]]:
            made += self._having(core)
        for core in [core for core in explicit if core.constraints[0].kind == "class"][:4]:
            made += self._some_or_none(core)
        if self.cues.negation:
            made += self._without([core for core in bases if len(core.constraints) == 1])
        return sorted(made, key=core_order)[:160]

    def _having(self, core: Core) -> list[Core]:
        """Those that have some value of a relation, or, where the question denies something, none."""
        made = []
        if len(core.nodes) < 2 or len(core.relations) > 1:
            return []
        kinds = frozenset((ENTITY, TEXT, NUMBER, DATE))
        for relation in best_relations(self.schema.leaving(core.nodes), self.scores, kinds, 3):
            for kind in ("exists", "missing") if self.cues.negation else ("exists",):
                some = self._restrict(core, Constraint(kind, relation.path), relation, None)
                if some is not None and len(some.nodes) < len(core.nodes):
                    made.append(some)
        return made

    def _some_or_none(self, core: Core) -> list[Core]:
        """Those whose number is 0 and those where it is more: "sold out" is a stock of 0."""
        made = []
        for relation in best_relations(self.schema.leaving(core.nodes), self.scores, frozenset((NUMBER,)), 3):
            for span in (NOTHING, SOMETHING):
                some = self._restrict(core, Constraint("range", relation.path, range=span), relation, None)
                if some is not None and len(some.nodes) < len(core.nodes):
                    made.append(some)
        return made

    def _without(self, cores: Sequence[Core]) -> list[Core]:
        """Differences: the things of one core that are not in another, for the best cores of each mention."""
        by_link: dict[frozenset[int], list[Core]] = {}
        for core in sorted(cores, key=lambda c: (len(c.relations), -c.score)):
            by_link.setdefault(core.links, []).append(core)
        best = [core for found in by_link.values() for core in found[:N_DENIED]]
        made = []
        for core in best:
            for other in best:
                constraint = other.constraints[0]
                if constraint.kind != "node" or len(other.relations) > 2 or not self.disjoint(core.links, other.links):
                    continue
                shared = is_member(core.nodes, other.nodes)
                if not shared.any():
                    continue
                constraints = (*core.constraints, replace(constraint, kind="not"))
                nodes = core.nodes[~shared]
                if len(nodes):
                    relations = core.relations + other.relations
                    score = (core.score * len(core.relations) + other.score * len(other.relations)) / len(relations)
                    link_score = min(core.link_score, other.link_score)
                    made.append(Core(constraints, nodes, core.links | other.links, relations, link_score, score))
        return sorted(made, key=core_order)[:60]

    def _in_range(self, core: Core, span: ValueRange, unit: str, place: int) -> list[Core]:
        leaving = self.schema.leaving(core.nodes)
        kind = NUMBER if span.kind == "number" else DATE
        made = []
        for relation in best_relations(leaving, self.scores, frozenset((kind,)), 4):
            scaled = scale_range(span, unit, relation.label)
            made.append(self._restrict(core, Constraint("range", relation.path, range=scaled), relation, place))
        if span.kind == "number" and (span.low is None or span.low <= 1000):
            many = [r for r in leaving if r.end_kind == ENTITY and r.fan_out > 1.0]
            for relation in best_relations(many, self.scores, frozenset((ENTITY,)), 3):
                made.append(self._restrict(core, Constraint("count", relation.path, range=span), relation, place))
        return [core for core in made if core is not None]

    def _true_of(self, core: Core) -> list[Core]:
        made = []
        for relation in best_relations(self.schema.leaving(core.nodes), self.scores, frozenset((BOOLEAN,)), 3):
            for truth in (True, False):  # "off limits" denies as well as "not" does
                made.append(self._restrict(core, Constraint("truth", relation.path, truth=truth), relation, None))
        return [core for core in made if core is not None]

    def _restrict(self, core: Core, constraint: Constraint, relation: Relation, place: int | None) -> Core | None:
        constraints = (*core.constraints, constraint)
        nodes = self.executor.run(QueryGraph("list", constraints)).core
        if len(nodes) == 0:
            return None
        relations = (*core.relations, relation)
        score = (core.score * len(core.relations) + float(self.scores[relation.id])) / len(relations)
        links = core.links if place is None else core.links | {place}
        return Core(constraints, nodes, links, relations, core.link_score, score)

    # -- operators

    def _project(self, core: Core, *, n: int = 5) -> None:
        if len(core.nodes) > MAX_FRONTIER:
            return
        leaving = self.schema.leaving(core.nodes)
        for relation in best_relations(leaving, self.scores, frozenset((ENTITY, TEXT, NUMBER, DATE)), n):
            if relation.path not in {reverse(c.path) for c in core.constraints if c.kind == "node"} or self.cues.other:
                self.add(QueryGraph("list", core.constraints, projection=relation.path), core, relation)

    def _counts(self, implicit: Sequence[Core]) -> None:
        for candidate in list(self.found.values()):
            nodes = candidate.result.nodes
            if candidate.query.operator == "list" and not (len(nodes) == 1 and self.index.is_literal(int(nodes[0]))):
                query = replace(candidate.query, operator="count")
                count = Result(candidate.result.nodes, candidate.result.core, count=len(candidate.result.nodes))
                self.found[query] = replace(candidate, query=query, result=count)
        for core in implicit:
            self.add(QueryGraph("count", core.constraints), core)

    def _with_implied_classes(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Let readings use the class words that they meet without a constraint: all that borders France is a country.

        A word for a class is then no word that such a reading leaves unexplained.
        """
        classes = [(p, link.candidates[0].node) for p, link in enumerate(self.links) if _names_class(link)]
        labels = {klass: self.index.label(klass) for _, klass in classes}
        inside: dict[tuple[int, int], bool] = {}

        def all_in(nodes: Ids, klass: int) -> bool:
            key = (id(nodes), klass)
            if key not in inside:
                inside[key] = len(nodes) > 0 and bool(
                    is_member(nodes[:MAX_LOOKED_AT], self.index.instances(klass)).all()
                )
            return inside[key]

        made = []
        for candidate in candidates:
            met = {label for r in candidate.relations for label in (r.start_class, r.end_class)}
            implied = {
                place
                for place, klass in classes
                if place not in candidate.links
                and self.disjoint((place,), candidate.links)
                and (
                    labels[klass] in met
                    or all_in(candidate.result.core, klass)
                    or all_in(candidate.result.nodes, klass)
                )
            }
            made.append(replace(candidate, links=candidate.links | implied) if implied else candidate)
        return made


def anchors_of(links: Sequence[EntityLink], *, n_per_link: int = 5, n_max: int = 14) -> list[Anchor]:
    """Return the nodes to start from: the best candidates of each link, the surest first."""
    found = []
    for place, link in enumerate(links):
        kept = [c for c in link.candidates if c.node >= 0][:n_per_link]
        found += [Anchor(place, c.node, c.score, c.kind) for c in kept]
    found.sort(key=lambda anchor: (-anchor.score, anchor.link))
    return found[:n_max]


def _names_class(link: EntityLink) -> bool:
    return bool(link.candidates) and link.candidates[0].kind == "class"


def _turns_round(path: AnchoredPath) -> bool:
    """Return whether the path goes back by the relation it came by; retrieval leaves its start out of the ends then."""
    return any(second.path == reverse(first.path) for first, second in pairwise(path.relations))


def _comes_back(path: AnchoredPath) -> bool:
    return len(path.relations) == 2 and path.relations[1].path == reverse(path.relations[0].path)


def _first_of(
    classes: Sequence[Core], singles: Sequence[Core], pairs: Sequence[Core], filtered: Sequence[Core]
) -> list[Core]:
    """Return a bounded choice of cores in which no family crowds out another, nor one mention the others."""
    chosen = [*classes[:6]]
    for family in (singles, pairs, filtered):
        n_of: Counter[frozenset[int]] = Counter()
        kept = []
        for core in sorted((core for core in family if core not in classes), key=core_order):
            n_of[core.links] += 1
            if n_of[core.links] <= N_OF_FAMILY // 2:
                kept.append(core)
        chosen += kept[:N_OF_FAMILY]
    return chosen

