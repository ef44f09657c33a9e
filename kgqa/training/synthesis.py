"""Questions made from a graph's own facts, in the words of its wordings, with exact answers.

A question is a walk over the graph said phrase by phrase: "who directed" + "the films written by" + "Clara Moreau".
Each walk is executed, so that every question has its answer set and the IRIs of its reading. Operators (counts,
superlatives, comparisons, yes/no, filters, intersections, differences) are put on top.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from kgqa.datatypes import ValueRange
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import ENTITY, TEXT, Path, Relation, Schema, reverse
from kgqa.index.text import is_opaque
from kgqa.index.values import BOOLEAN, DATE, NUMBER
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph
from kgqa.training.speaking import MAX_NAME, MadeQuestion, Said, Speaker
from kgqa.training.wordings import RelationWording, Wordings

MAX_ANSWERS = 60
MAX_QUESTION = 180


class Synthesizer:
    """Makes questions over one graph.

    `classes_of` gives the classes of an entity's IRI where the graph itself does not state them.
    """

    def __init__(
        self,
        index: GraphIndex,
        schema: Schema,
        wordings: Wordings,
        rng: np.random.Generator,
        *,
        classes_of: Mapping[str, str] | None = None,
    ) -> None:
        self.index, self.schema, self.rng = index, schema, rng
        self.words = Speaker(index, wordings, rng, classes_of or {})
        self.executor = Executor(index)
        self.relations = [r for r in schema.relations if not r.inverse and self.words.iri(r.path) in wordings.relations]
        linked = [r for r in self.relations if r.end_kind == ENTITY]
        self.entities = self._entities()
        self._linked = {r.path for r in linked}

    def make(self, n: int) -> list[MadeQuestion]:
        """Return up to `n` different questions; fewer where the graph does not yield them."""
        kinds: list[tuple[Callable[[], MadeQuestion | None], float]] = [
            (lambda: self._walk(1), 0.12), (lambda: self._walk(2), 0.22), (lambda: self._walk(3), 0.16),
            (self._others, 0.08), (self._count, 0.07), (self._superlative, 0.09), (self._compare, 0.05),
            (self._whether, 0.10), (self._filtered, 0.06), (self._both, 0.09), (self._but_not, 0.02),
            (self._of_class, 0.02),
        ]  # fmt: skip
        found: dict[str, MadeQuestion] = {}
        if not self.relations or not len(self.entities):
            return []
        for make, share in kinds:
            wanted = len(found) + round(n * share)
            for _ in range(round(n * share) * 30):
                if len(found) >= wanted:
                    break
                question = make()
                if question is not None and len(question.text) <= MAX_QUESTION:
                    found.setdefault(question.text, question)
        return list(found.values())

    # -- walks

    def _walk(self, n_hops: int) -> MadeQuestion | None:
        said = self._start()
        for _ in range(n_hops - 1):
            longer = self._extend(said)
            if longer is None:
                return None
            said = longer
        return self._ask(said, {1: "1-hop", 2: "2-hop", 3: "3-hop"}[n_hops])

    def _start(self) -> Said:
        node = int(self.rng.choice(self.entities))
        return self._named(node, self.words.name(node))

    def _named(self, node: int, name: str) -> Said:
        return Said(name, np.array([node], np.int32), frozenset((self.index.text_of(node),)))

    def _extend(self, said: Said) -> Said | None:
        """Return the phrase one hop further, or None where the dice lead nowhere."""
        options = self._hops(said.nodes)
        if not options:
            return None
        relation, backwards = options[int(self.rng.integers(len(options)))]
        path = reverse(relation.path) if backwards else relation.path
        ends = self._ends(said.nodes, path)
        wording = self.words.wording(relation)
        text = (
            self._inverse_phrase(wording, said, ends) if backwards else self._forward_phrase(wording, said.text, ends)
        )
        return None if text is None else Said(text, ends, said.iris | self.words.iris(relation.path))

    def _hops(self, nodes: Ids) -> list[tuple[Relation, bool]]:
        """Return the worded relations to entities that leave or enter all of a small set, or some of a larger one."""
        found = []
        for relation in self.relations:
            if relation.path not in self._linked:
                continue
            for backwards in (False, True):
                ends = self._ends(nodes, reverse(relation.path) if backwards else relation.path)
                if 0 < len(ends) <= MAX_ANSWERS and (len(ends) > 1 or int(ends[0]) not in nodes):
                    found.append((relation, backwards))
        return found

    def _ends(self, nodes: Ids, path: Path) -> Ids:
        ends = self.index.follow_path(nodes, path)
        return np.asarray(ends[~self.index.is_inner[ends]], np.int32)

    def _forward_phrase(self, wording: RelationWording, start: str, ends: Ids) -> str | None:
        nouns = wording.of("nouns") if len(ends) > 1 and wording.of("nouns") else wording.of("noun")
        options = [f"the {noun} of {start}" for noun in nouns]
        noun = self.words.classes(ends)
        options += [f"the {noun} {self.words.fill(text, X=start)}" for text in wording.of("by_subject")]
        return self.words.pick(options)

    def _inverse_phrase(self, wording: RelationWording, start: Said, ends: Ids) -> str | None:
        if self.rng.random() < 0.15 and self._tells_apart(start, ends):
            return f"the {start.text} {self.words.classes(ends)}"
        noun, texts = self.words.classes(ends), wording.of("by_object")
        return self.words.pick([f"the {noun} {self.words.fill(text, Y=start.text)}" for text in texts])

    def _tells_apart(self, start: Said, ends: Ids) -> bool:
        """Return whether a name beside a class word, "Hitchcock thrillers", means `ends` and no others."""
        classes = self.index.classes_of(int(ends[0]))
        if len(start.iris) > 1 or not classes:
            return False
        relations = (r.path for r in self.relations if r.path in self._linked)
        around = [self._ends(start.nodes, way) for path in relations for way in (path, reverse(path))]
        return np.array_equal(np.intersect1d(np.concatenate(around), self.index.instances(classes[0])), ends)

    def _ask(self, said: Said, category: str) -> MadeQuestion | None:
        """Return a question one hop on from the phrase, to anything that is worded."""
        options: list[tuple[Relation, bool]] = list(self._hops(said.nodes))
        for relation in self.relations:
            if relation.end_kind not in (ENTITY, BOOLEAN) and 0 < len(self._ends(said.nodes, relation.path)) <= 20:
                options.append((relation, False))
        if not options:
            return None
        relation, backwards = options[int(self.rng.integers(len(options)))]
        wording = self.words.wording(relation)
        ends = self._ends(said.nodes, reverse(relation.path) if backwards else relation.path)
        if backwards:
            texts = [self.words.fill(text, Y=said.text) for text in wording.of("ask_subject")]
            phrase = self._inverse_phrase(wording, said, ends)
        else:
            texts = [self.words.fill(text, X=said.text) for text in wording.of("ask_object")]
            phrase = self._forward_phrase(wording, said.text, ends)
        asked = self._asked(texts, phrase, ends)
        return self.words.made(asked, category, ends, said.iris | self.words.iris(relation.path))

    def _asked(self, texts: Sequence[str], phrase: str | None, ends: Ids) -> str | None:
        options = list(texts) * 2
        if phrase is not None:
            bare = phrase.removeprefix("the ")
            are = "are" if len(ends) > 1 else "is"
            options += [f"what {are} {phrase}?", f"list {phrase}", f"which {are} {phrase}?", bare, f"tell me {phrase}"]
        return self.words.pick(options)

    # -- operators

    def _others(self) -> MadeQuestion | None:
        """Others that share something, and perhaps one hop on."""
        said = self._start()
        options = []
        for relation in self.relations:
            wording = self.words.wording(relation)
            if wording.of("share"):
                middle = self.index.follow_path(said.nodes, relation.path)
                others = self._ends(middle, reverse(relation.path))
                others = others[others != said.nodes[0]]
                if 0 < len(others) <= MAX_ANSWERS:
                    options.append((relation, others, wording))
        if not options:
            return None
        relation, others, wording = options[int(self.rng.integers(len(options)))]
        text = f"the {self.words.pick(['other ', '', '']) or ''}{self.words.classes(others)} " + self.words.fill(
            self.words.pick(wording.of("share")) or "", X=said.text
        )
        shared = Said(text, others, said.iris | self.words.iris(relation.path))
        if self.rng.random() < 0.5:
            return self._ask(shared, "3-hop")
        asked = self.words.pick([f"which {text.removeprefix('the ')}?", f"list {text}", text.removeprefix("the ")])
        return self.words.made(asked, "2-hop", others, shared.iris)

    def _count(self) -> MadeQuestion | None:
        made = self._walk(int(self.rng.integers(1, 3)))
        if made is None or not isinstance(made.answers, np.ndarray) or self.index.is_literal(int(made.answers[0])):
            return None
        said = self._start() if self.rng.random() < 0.7 else self._extend(self._start())
        options = self._hops(said.nodes) if said else []
        if said is None or not options:
            return None
        relation, backwards = options[int(self.rng.integers(len(options)))]
        wording = self.words.wording(relation)
        ends = self._ends(said.nodes, reverse(relation.path) if backwards else relation.path)
        if backwards:
            phrase = self._inverse_phrase(wording, said, ends)
        else:
            noun = self.words.pick(wording.of("nouns"))
            phrase = f"the {noun} of {said.text}" if noun else None
        if phrase is None:
            return None
        bare = phrase.removeprefix("the ")
        asked = self.words.pick(
            [f"how many {bare}?", f"how many {bare} are there?", f"number of {bare}", f"count {phrase}"]
        )
        return self.words.made(asked, "count", len(ends), said.iris | self.words.iris(relation.path))

    def _superlative(self) -> MadeQuestion | None:
        base = self._group()
        if base is None:
            return None
        noun, query, iris = base
        values = [r for r in self.relations if r.end_kind in (NUMBER, DATE) and self.words.wording(r).extremes]
        nodes = self.executor.core(query)
        values = [r for r in values if len(np.unique(self.index.edges(nodes, r.path)[0])) >= 3]
        if not values:
            return None
        relation = values[int(self.rng.integers(len(values)))]
        descending = bool(self.rng.random() < 0.6)
        told = self.words.wording(relation).extremes.get("high" if descending else "low")
        if not told:
            return None
        text, after = told[int(self.rng.integers(len(told)))]
        ordinal = int(self.rng.choice([1, 1, 1, 1, 2, 3]))
        rank = {1: "", 2: "second ", 3: "third "}[ordinal]
        if rank and after:
            return None
        head, _, rest = noun.partition("|")
        phrase = f"{head} {rest} {text}" if after else f"{rank}{text} {head} {rest}"
        found = QueryGraph("superlative", query.constraints, sort=relation.path, descending=descending, rank=ordinal)
        phrase = " ".join(phrase.split())
        if ordinal == 1 and self.rng.random() < 0.15:
            n = int(self.rng.integers(2, 6))
            words = {2: "two", 3: "three", 4: "four", 5: "five"}
            if after:
                return None
            found = QueryGraph("order", query.constraints, sort=relation.path, descending=descending, n_best=n)
            phrase = f"{words[n]} {phrase}"
        answers = self.executor.run(found).nodes
        if not 0 < len(answers) <= 6:
            return None
        asked = self.words.pick(
            [f"which is the {phrase}?", f"the {phrase}", f"what is the {phrase}?", f"name the {phrase}"]
        )
        return self.words.made(asked, "superlative", answers, iris | self.words.iris(relation.path))

    def _group(self) -> tuple[str, QueryGraph, frozenset[str]] | None:
        """Return a noun (with "|" before what follows it), the query of its members and its IRIs."""
        if self.rng.random() < 0.6 and self.index.class_sizes:
            options = [c for c, size in self.index.class_sizes.items() if size >= 4]
            if not options:
                return None
            klass = options[int(self.rng.integers(len(options)))]
            noun = self.words.class_noun(klass, many=False)
            query = QueryGraph("list", (Constraint("class", nodes=(klass,)),))
            return f"{noun}|", query, frozenset((self.index.text_of(klass),))
        said = self._start()
        options_ = [(r, b) for r, b in self._hops(said.nodes) if b]
        if not options_:
            return None
        relation, _ = options_[int(self.rng.integers(len(options_)))]
        ends = self._ends(said.nodes, reverse(relation.path))
        text = self.words.pick(self.words.wording(relation).of("by_object"))
        if text is None or len(ends) < 3:
            return None
        query = QueryGraph("list", (Constraint("node", relation.path, (int(said.nodes[0]),)),))
        noun = self.words.classes(ends, many=False)
        return f"{noun}|{self.words.fill(text, Y=said.text)}", query, said.iris | self.words.iris(relation.path)

    def _compare(self) -> MadeQuestion | None:
        values = [r for r in self.relations if r.end_kind in (NUMBER, DATE)]
        values = [r for r in values if self.words.wording(r).of("compare_high")]
        if not values:
            return None
        relation = values[int(self.rng.integers(len(values)))]
        starts = np.unique(self.index.edges(self.entities, relation.path)[0])
        if len(starts) < 2:
            return None
        first, second = (int(node) for node in self.rng.choice(starts, 2, replace=False))
        a, b = (
            self.executor.sort_values(np.array([node], np.int32), relation.path, by_count=False)[1]
            for node in (first, second)
        )
        if not len(a) or not len(b) or a.max() == b.max():
            return None
        higher = first if a.max() > b.max() else second
        wording = self.words.wording(relation)
        names = {"A": self.words.name(first), "B": self.words.name(second)}
        iris = self.words.iris(relation.path) | {self.index.text_of(first), self.index.text_of(second)}
        if self.rng.random() < 0.4 and wording.of("compare_ask"):
            asked = self.words.fill(self.words.pick(wording.of("compare_ask")) or "", **names)
            return self.words.made(asked, "yes-no", higher == first, iris)
        high = bool(self.rng.random() < 0.6) or not wording.of("compare_low")
        asked = self.words.fill(self.words.pick(wording.of("compare_high" if high else "compare_low")) or "", **names)
        winner = higher if high else (second if higher == first else first)
        return self.words.made(asked, "comparison", np.array([winner], np.int32), iris)

    def _whether(self) -> MadeQuestion | None:
        said = self._start()
        node = int(said.nodes[0])
        truths = [r for r in self.relations if r.end_kind == BOOLEAN and self.words.wording(r).of("ask_true")]
        truths = [r for r in truths if len(self.index.follow_path(said.nodes, r.path))]
        if truths and self.rng.random() < 0.5:
            relation = truths[int(self.rng.integers(len(truths)))]
            told = bool(self.index.value[self.index.follow_path(said.nodes, relation.path)].max() == 1.0)
            asked = self.words.fill(self.words.pick(self.words.wording(relation).of("ask_true")) or "", X=said.text)
            return self.words.made(asked, "yes-no", told, said.iris | self.words.iris(relation.path))
        usable = [r for r in self.relations if r.end_kind in (ENTITY, TEXT) and self.words.wording(r).of("whether")]
        usable = [r for r in usable if len(self._ends(said.nodes, r.path))]
        if not usable:
            return None
        relation = usable[int(self.rng.integers(len(usable)))]
        ends = self._ends(said.nodes, relation.path)
        others = np.setdiff1d(self._ends(self.entities, relation.path), ends)
        truth = bool(self.rng.random() < 0.5) or not len(others)
        other = int(self.rng.choice(ends if truth else others))
        name = self.words.name(other)
        if not name or len(name) > MAX_NAME:
            return None
        asked = self.words.fill(self.words.pick(self.words.wording(relation).of("whether")) or "", X=said.text, Y=name)
        iris = self.words.iris(relation.path) | {self.index.text_of(node)}
        if self.index.is_entity(other):
            iris |= {self.index.text_of(other)}
        return self.words.made(asked, "yes-no", truth, iris)

    def _filtered(self) -> MadeQuestion | None:
        base = self._group()
        if base is None:
            return None
        noun, query, iris = base
        nodes = self.executor.core(query)
        choices = []
        for relation in self.relations:
            wording = self.words.wording(relation)
            sizable = relation.end_kind in (NUMBER, DATE) and wording.of("more") and len(nodes) > 3
            if sizable or (relation.end_kind == BOOLEAN and wording.extremes):
                choices.append(relation)
        choices = [r for r in choices if len(self.index.edges(nodes, r.path)[0])]
        if not choices:
            return None
        relation = choices[int(self.rng.integers(len(choices)))]
        wording = self.words.wording(relation)
        rest = noun.partition("|")[2]
        plural = self.words.classes(nodes)
        if relation.end_kind == BOOLEAN:
            truth = bool(self.rng.random() < 0.6)
            told = wording.extremes.get("true" if truth else "false")
            if not told:
                return None
            text, after = told[int(self.rng.integers(len(told)))]
            constraint = Constraint("truth", relation.path, truth=truth)
            phrase = f"{plural} {rest} {text}" if after else f"{text} {plural} {rest}"
        else:
            values = np.unique(self.executor.sort_values(nodes, relation.path, by_count=False)[1])
            if len(values) < 3:
                return None
            value = float(values[int(self.rng.integers(1, len(values) - 1))])
            more = bool(self.rng.random() < 0.5)
            shown, bound = self._shown(value, relation.end_kind, more=more)
            compared = self.words.pick(wording.of("more" if more else "less"))
            if compared is None or shown is None:
                return None
            dated = relation.end_kind == DATE
            kind: Literal["number", "date"] = "date" if dated else "number"
            low, high = (bound, None) if more else (None, bound)
            span = ValueRange(kind, low=low, high=high, low_inclusive=dated, high_inclusive=False)
            constraint = Constraint("range", relation.path, range=span)
            phrase = f"{plural} {rest} {self.words.fill(compared, V=shown)}"
        answers = self.executor.core(QueryGraph("list", (*query.constraints, constraint)))
        answers = answers[~self.index.is_inner[answers]]
        if not 0 < len(answers) <= MAX_ANSWERS or len(answers) == len(nodes):
            return None
        phrase = " ".join(phrase.split())
        iris |= self.words.iris(relation.path)
        if self.rng.random() < 0.25:
            return self.words.made(f"how many {phrase}?", "count", len(answers), iris)
        asked = self.words.pick([f"which {phrase}?", f"list {phrase}", phrase, f"show me the {phrase}"])
        return self.words.made(asked, "filter", answers, iris)

    def _shown(self, value: float, kind: int, *, more: bool) -> tuple[str | None, float]:
        if kind == DATE:
            from datetime import date

            day = int(value) + 719163
            if not 1 <= day <= 3652059:
                return None, value
            year = date.fromordinal(day).year
            bound = float(date(year + 1 if more else year, 1, 1).toordinal() - 719163) if year < 9998 else value
            return str(year), bound
        return (str(int(value)) if value == int(value) else f"{value:g}"), float(f"{value:g}")

    def _both(self) -> MadeQuestion | None:
        """Two conditions on one thing."""
        node = int(self.rng.choice(self.entities))
        here = np.array([node], np.int32)
        conditions = []
        for relation in self.relations:
            if relation.end_kind not in (ENTITY, TEXT) or not self.words.wording(relation).of("by_object"):
                continue
            for end in self._ends(here, relation.path)[:4].tolist():
                name = self.words.name(end)
                if name and len(name) <= MAX_NAME:
                    conditions.append((relation, end, name))
        if len(conditions) < 2:
            return None
        i, j = self.rng.choice(len(conditions), 2, replace=False)
        (r, a, a_name), (q, b, b_name) = conditions[int(i)], conditions[int(j)]
        query = QueryGraph("list", (Constraint("node", r.path, (a,)), Constraint("node", q.path, (b,))))
        answers = self.executor.core(query)
        one = self.executor.core(QueryGraph("list", query.constraints[:1]))
        if not 0 < len(answers) <= MAX_ANSWERS or len(one) == len(answers):
            return None
        first = self.words.fill(self.words.pick(self.words.wording(r).of("by_object")) or "", Y=a_name)
        second = self.words.fill(self.words.pick(self.words.wording(q).of("by_object")) or "", Y=b_name)
        noun = self.words.classes(answers)
        named = self._named(a, a_name)
        if self.rng.random() < 0.25 and self._tells_apart(named, self._ends(named.nodes, reverse(r.path))):
            phrase = f"{a_name} {noun} {second}"
        else:
            phrase = f"{noun} {first} {self.words.pick(['and', '', 'and'])} {second}"
        phrase = " ".join(phrase.split())
        iris = self.words.iris(r.path) | self.words.iris(q.path)
        iris |= {self.index.text_of(end) for end in (a, b) if self.index.is_entity(end)}
        if self.rng.random() < 0.2:
            return self.words.made(f"how many {phrase}?", "count", len(answers), iris)
        if self.rng.random() < 0.25:
            return self._ask(Said(f"the {phrase}", answers, iris), "intersection")
        asked = self.words.pick([f"which {phrase}?", f"list {phrase}", phrase])
        return self.words.made(asked, "intersection", answers, iris)

    def _but_not(self) -> MadeQuestion | None:
        said, other = self._start(), self._start()
        backwards = [r for r, b in self._hops(said.nodes) if b and self.words.wording(r).of("by_object")]
        if not backwards:
            return None
        relation = backwards[int(self.rng.integers(len(backwards)))]
        mine = self._ends(said.nodes, reverse(relation.path))
        rivals = [
            (q, self._ends(other.nodes, reverse(q.path)))
            for q, b in self._hops(other.nodes)
            if b and self.words.wording(q).of("by_object")
        ]
        rivals = [(q, ends) for q, ends in rivals if len(np.intersect1d(mine, ends))]
        if not rivals:
            return None
        second, ends = rivals[int(self.rng.integers(len(rivals)))]
        answers = np.setdiff1d(mine, ends)
        if not len(answers):
            return None
        yes = self.words.fill(self.words.pick(self.words.wording(relation).of("by_object")) or "", Y=said.text)
        no = self.words.fill(self.words.pick(self.words.wording(second).of("by_object")) or "", Y=other.text)
        phrase = f"{self.words.classes(answers)} {yes} {self.words.pick(['but not', 'and not', 'except those'])} {no}"
        iris = said.iris | other.iris | self.words.iris(relation.path) | self.words.iris(second.path)
        return self.words.made(self.words.pick([f"which {phrase}?", phrase]) or "", "difference", answers, iris)

    def _of_class(self) -> MadeQuestion | None:
        options = [c for c, size in self.index.class_sizes.items() if size > 1]
        if not options:
            return None
        klass = options[int(self.rng.integers(len(options)))]
        nodes = self.index.instances(klass)
        nodes = nodes[~self.index.is_inner[nodes]]
        noun, iris = self.words.class_noun(klass, many=True), frozenset((self.index.text_of(klass),))
        if len(nodes) > MAX_ANSWERS or self.rng.random() < 0.4:
            asked = self.words.pick([f"how many {noun} are there?", f"number of {noun}", f"count the {noun}"])
            return self.words.made(asked, "count", len(nodes), iris)
        asked = self.words.pick(
            [
                f"list all {noun}", f"which {noun} are there?", f"all the {noun}", f"show me the {noun}",
                f"which {noun} do we have?", f"what {noun} do you know of?", f"{noun} in the data",
                f"every one of the {noun}", f"which {noun} are on record here?",
            ]
        )  # fmt: skip
        return self.words.made(asked, "class-list", nodes, iris)

    def _entities(self) -> Ids:
        named = np.flatnonzero(self.index.kind == 0).astype(np.int32)
        pairs = [np.concatenate(self.index.edges(named, relation.path)) for relation in self.relations]
        nodes = np.unique(np.concatenate(pairs)) if pairs else np.empty(0, np.int32)
        kept = [
            node
            for node in nodes.tolist()
            if self.index.kind[node] == 0
            and not self.index.is_inner[node]
            and (self.index.labels(node) or not is_opaque(self.index.text_of(node)))
            and 1 < len(self.index.label(node)) <= MAX_NAME
        ]
        return np.array(kept, np.int32)
