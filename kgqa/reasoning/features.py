"""Cheap features of a candidate: what the pruner sees before any line is encoded.

All are computed from labels, links, cues and cached vectors; none reads a fact's text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import EntityLink
from kgqa.index.arrays import is_member
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import ENTITY, Relation
from kgqa.index.text import normalize, singular, tokenize
from kgqa.index.values import BOOLEAN, DATE, NUMBER
from kgqa.linking.words import FUNCTION_WORDS
from kgqa.reasoning.candidates import MAX_LOOKED_AT, Candidate
from kgqa.reasoning.cues import Cues

_OPERATORS = ("list", "count", "ask", "superlative", "order", "compare")
_CUES = ("count", "ask", "other", "negation", "compare", "order", "superlative")
_WH = ("who", "when", "where", "how_much", "which")
_ANSWERS = ("entity", "number", "date", "text", "truth")

FEATURES: tuple[str, ...] = (
    "score_mean", "score_min", "score_max", "score_gap_mean", "score_gap_min",
    "n_relations", "one_relation", "two_relations", "three_relations", "more_relations", "no_relation",
    "inverse_share", "lexical_mean", "lexical_min", "explained_by_relations", "explained_by_classes", "unexplained",
    "n_links_used", "entities_unused", "values_unused", "classes_unused", "literals_unused", "link_score", "covered",
    "uses_fuzzy", "uses_literal", "uses_class_mention", "rarity_min", "link_score_min",
    "log_n_answers", "single_answer", "n_constraints", "has_projection", "has_union", "has_exclude",
    "class_constraint", "range_constraint", "truth_constraint", "count_constraint", "exists_constraint",
    "not_constraint", "missing_constraint", "negation_agrees",
    "class_score", "class_score_gap", "answers_are_linked", "sort_by_count", "polarity_agrees", "polarity_conflicts",
    "rank_used", "n_best_used", "n_best_ignored", "shared", "ask_compare", "negated_truth",
    "stored_number_for_count", "sort_score_gap", "repeats_relation",
    "class_partly", "implicit_class", "implicit_beside_named", "negation_in_scope", "negation_out_of_scope",
    "anchor_class_said", "anchor_class_conflict",
    *(f"op_{name}" for name in _OPERATORS),
    *(f"op_{name}_cue_{cue}" for name in _OPERATORS for cue in _CUES),
    *(f"answer_{name}" for name in _ANSWERS),
    *(f"answer_{name}_wh_{wh}" for name in _ANSWERS for wh in _WH),
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(FEATURES)}


class FeatureExtractor:
    """Computes the features of the candidates of one question."""

    def __init__(
        self,
        index: GraphIndex,
        text: str,
        links: Sequence[EntityLink],
        cues: Cues,
        scores: NDArray[np.float32],
        class_scores: dict[int, float],
        *,
        relation_words: Sequence[Sequence[frozenset[str]]] = (),
    ) -> None:
        self.relation_words = relation_words
        self.index, self.links, self.cues, self.scores, self.class_scores = index, links, cues, scores, class_scores
        self.best_score = float(scores.max()) if len(scores) else 0.0
        self.best_class = max(class_scores.values(), default=0.0)
        tokens = tokenize(text)
        self.words = [singular(word) for _, _, word in tokens]
        self.content = [
            (start, end, word)
            for (start, end, raw), word in zip(tokens, self.words, strict=True)
            if raw not in FUNCTION_WORDS
        ]
        self.content_words = frozenset(word for _, _, word in self.content)
        self._label_words: dict[str, frozenset[str]] = {}
        self._strong = self._strong_links()
        self._named_classes = frozenset(
            c.node for place, kind in self._strong.items() if kind == "class" for c in links[place].candidates
            if c.kind == "class" and c.score >= 0.75
        )  # fmt: skip
        self._starts = {c.node: link.mention.start for link in reversed(links) for c in link.candidates if c.node >= 0}
        self._class_said = self._ambiguous_names()
        self._partly: dict[int, float] = {}
        self._said_by: dict[int, frozenset[str]] = {}
        # Candidates share their parts: what depends on these alone is worked out once.
        self._of_relations: dict[tuple[int, ...], dict[str, float]] = {}
        self._of_links: dict[tuple[object, ...], dict[str, float]] = {}

    def matrix(self, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
        """Return the features of each candidate. Shape: (len(candidates), len(FEATURES))."""
        table = np.zeros((len(candidates), len(FEATURES)), np.float32)
        for row, candidate in enumerate(candidates):
            for name, value in self._features(candidate).items():
                table[row, _PLACE[name]] = value
        return table

    def question_features(self) -> NDArray[np.float32]:
        """Return what tells an unanswerable question, whatever the candidates. Shape: (4,)."""
        nil = [link for link in self.links if link.is_nil]
        named = any(c.kind in ("entity", "literal") for link in self.links for c in link.candidates)
        return np.array([len(nil) > 0, len(nil), not named, self.best_score], np.float32)

    def _features(self, candidate: Candidate) -> dict[str, float]:
        query = candidate.query
        relations = tuple(relation.id for relation in candidate.relations)
        if relations not in self._of_relations:
            self._of_relations[relations] = self._relation_features(candidate.relations)
        classes = tuple(c.nodes[0] for c in query.constraints if c.kind == "class")
        key = (candidate.links, query.among, relations, classes, candidate.link_score)
        if key not in self._of_links:
            self._of_links[key] = self._link_features(candidate)
        f = self._of_relations[relations] | self._of_links[key]
        constraints = query.constraints
        n = candidate.result.count if candidate.result.count is not None else len(candidate.result.nodes)
        f["log_n_answers"] = math.log1p(n) / 5
        f["single_answer"] = float(n == 1)
        f["n_constraints"] = len(constraints) / 3
        f["has_projection"] = float(bool(query.projection))
        f["has_union"] = float(any(len(c.nodes) > 1 for c in constraints))
        f["has_exclude"] = float(bool(query.exclude))
        for constraint in constraints:
            if constraint.kind != "node":
                f[f"{constraint.kind}_constraint"] = 1.0
            if constraint.kind == "truth" and not constraint.truth:
                f["negated_truth"] = 1.0
        negated = any(c.kind in ("not", "missing") or (c.kind == "truth" and not c.truth) for c in constraints)
        f["negation_agrees"] = float(negated == self.cues.negation)
        f["shared"] = float(bool(query.shared))
        f["ask_compare"] = float(query.operator == "ask" and bool(query.sort))
        f["rank_used"] = float(query.rank > 1)
        f["n_best_used"] = float(query.n_best is not None)
        f["n_best_ignored"] = float(self.cues.n_best is not None and query.n_best is None)
        if query.sort:
            f |= self._sort_features(candidate)
        f[f"op_{query.operator}"] = 1.0
        for cue in _CUES:
            if getattr(self.cues, cue):
                f[f"op_{query.operator}_cue_{cue}"] = 1.0
        kind = self._answer_kind(candidate)
        f[f"answer_{kind}"] = 1.0
        for wh in self.cues.wh:
            f[f"answer_{kind}_wh_{wh}"] = 1.0
        f["stored_number_for_count"] = float(
            self.cues.count and query.operator == "list" and kind == "number" and len(candidate.result.nodes) == 1
        )
        f |= self._class_features(candidate)
        f |= self._anchor_features(candidate)
        if negated and self.cues.denied_from >= 0:
            f |= self._scope_features(candidate)
        return f

    def _relation_features(self, relations: Sequence[Relation]) -> dict[str, float]:
        if not relations:
            return {"no_relation": 1.0}
        scores = [float(self.scores[r.id]) for r in relations]
        lexical = [self._overlap(r) for r in relations]
        name = {1: "one_relation", 2: "two_relations", 3: "three_relations"}.get(len(relations), "more_relations")
        explained = frozenset().union(*(self._said(r) for r in relations)) & self.content_words
        return {
            "score_mean": sum(scores) / len(scores),
            "score_min": min(scores),
            "score_max": max(scores),
            "score_gap_mean": self.best_score - sum(scores) / len(scores),
            "score_gap_min": self.best_score - max(scores),
            "n_relations": len(relations) / 3,
            "repeats_relation": float(len({r.label for r in relations}) < len(relations)),
            name: 1.0,
            "inverse_share": sum(r.inverse for r in relations) / len(relations),
            "lexical_mean": sum(lexical) / len(lexical),
            "lexical_min": min(lexical),
            "explained_by_relations": len(explained) / max(len(self.content_words), 1),
        }

    def _link_features(self, candidate: Candidate) -> dict[str, float]:
        used = candidate.links
        spans = [self.links[i].mention for i in used]
        for node in candidate.query.among:
            spans += [
                self.links[i].mention
                for i, link in enumerate(self.links)
                if any(c.node == node for c in link.candidates)
            ]
        covered = {word for start, end, word in self.content if any(m.start <= start and end <= m.end for m in spans)}
        classes = self._class_words(candidate)
        by_relation = (
            frozenset().union(*(self._said(r) for r in candidate.relations)) if candidate.relations else frozenset()
        )
        left = [w for w in self.content_words if w not in covered and w not in classes and w not in by_relation]
        f = {
            "n_links_used": len(used) / 3,
            "link_score": candidate.link_score,
            "covered": len(covered) / max(len(self.content_words), 1),
            "explained_by_classes": len(classes & self.content_words) / max(len(self.content_words), 1),
            "unexplained": len(left) / max(len(self.content_words), 1),
        }
        spans_used = [(m.start, m.end) for m in spans]
        for place, kind in self._strong.items():
            mention = self.links[place].mention
            if place in used or any(a < mention.end and mention.start < b for a, b in spans_used):
                continue
            if kind == "class" and set(self._words_of(mention.text)) & classes:
                continue
            f[f"{_PLURAL[kind]}_unused"] = f.get(f"{_PLURAL[kind]}_unused", 0.0) + 0.5
        f["rarity_min"] = min((self.links[place].rarity for place in used), default=1.0)
        f["link_score_min"] = min((self.links[place].candidates[0].score for place in used), default=1.0)
        for place in used:
            best = self.links[place].candidates[0]
            if best.match in ("fuzzy", "partial"):
                f["uses_fuzzy"] = 1.0
            if best.kind == "literal":
                f["uses_literal"] = 1.0
            if best.kind == "class":
                f["uses_class_mention"] = 1.0
        return f

    def _sort_features(self, candidate: Candidate) -> dict[str, float]:
        query, cues = candidate.query, self.cues
        relation = next((r for r in reversed(candidate.relations) if r.path == query.sort), None)
        f = {"sort_by_count": float(query.sort_by_count)}
        if relation is None:
            return f
        f["sort_score_gap"] = self.best_score - float(self.scores[relation.id])
        if relation.end_kind == DATE and not query.sort_by_count:
            up, down = cues.late or (cues.high and not cues.early), cues.early or (cues.low and not cues.late)
        else:
            up, down = cues.high or (cues.early and not cues.low), cues.low or (cues.late and not cues.high)
        if up != down:
            f["polarity_agrees"] = float(up == query.descending)
            f["polarity_conflicts"] = float(up != query.descending)
        return f

    def _class_features(self, candidate: Candidate) -> dict[str, float]:
        nodes = candidate.result.nodes
        f = self._named_class_features(candidate)
        if len(nodes) and self.index.is_entity(int(nodes[0])):
            score = max((self.class_scores.get(c, 0.0) for c in self.index.classes_of(int(nodes[0]))), default=0.0)
            f["class_score"] = score
            f["class_score_gap"] = self.best_class - score
        linked = {c.node for i in candidate.links for c in self.links[i].candidates}
        if len(nodes) <= 3 and candidate.query.operator in ("list", "superlative"):
            f["answers_are_linked"] = float(any(int(node) in linked for node in nodes))
        return f

    def _named_class_features(self, candidate: Candidate) -> dict[str, float]:
        """Tell readings whose core holds some instances of a class that the question names, and others too, and those
        that are restricted to a class it does not name."""
        restricted = [c.nodes[0] for c in candidate.query.constraints if c.kind == "class"]
        if restricted:
            implicit = float(not self._named_classes.issuperset(restricted))
            return {"implicit_class": implicit, "implicit_beside_named": implicit * bool(self._named_classes)}
        nodes = candidate.result.core
        if not self._named_classes or len(nodes) < 2:
            return {}
        key = id(nodes)
        if key not in self._partly:
            inside = [is_member(nodes[:MAX_LOOKED_AT], self.index.instances(c)) for c in self._named_classes]
            self._partly[key] = float(any(found.any() and not found.all() for found in inside))
        return {"class_partly": self._partly[key]}

    def _anchor_features(self, candidate: Candidate) -> dict[str, float]:
        """Tell whether the question says what an ambiguous name is: "Georgia the country"."""
        f = {}
        for constraint in candidate.query.constraints:
            if constraint.kind not in ("node", "not"):
                continue
            for node in constraint.nodes:
                said = self._class_said.get(node)
                if said is not None:
                    f["anchor_class_said" if said else "anchor_class_conflict"] = 1.0
        return f

    def _ambiguous_names(self) -> dict[int, bool]:
        """Return, for the candidates of names whose class tells them apart, whether the question has a word of it."""
        told: dict[int, bool] = {}
        for link in self.links:
            sure = [c.node for c in link.candidates if c.kind == "entity" and c.score >= 0.75][:5]
            if len(sure) < 2:
                continue
            inside = set(self._words_of(link.mention.text))
            said = {
                node: any(
                    self._words_of(self.index.label(k)) & self.content_words - inside for k in self._classes(node)
                )
                for node in sure
            }
            if len(set(said.values())) == 2:
                told |= said
        return told

    def _classes(self, node: int) -> Sequence[int]:
        return self.index.classes_of(node)[:4]

    def _scope_features(self, candidate: Candidate) -> dict[str, float]:
        """Tell whether the word that denies stands before what a reading denies, and after what it does not."""
        denied = [self._starts[n] for c in candidate.query.constraints if c.kind == "not" for n in c.nodes
                  if n in self._starts]  # fmt: skip
        stated = [self._starts[n] for c in candidate.query.constraints if c.kind == "node" for n in c.nodes
                  if n in self._starts]  # fmt: skip
        word = self.cues.denied_from
        return {
            "negation_in_scope": float(any(start >= word for start in denied)),
            "negation_out_of_scope": float(any(start < word for start in denied) or _nearer(word, stated, denied)),
        }

    def _class_words(self, candidate: Candidate) -> frozenset[str]:
        """The words of every class the candidate passes through or restricts to."""
        words: frozenset[str] = frozenset()
        for relation in candidate.relations:
            words |= self._words_of(relation.start_class) | self._words_of(relation.end_class)
        for constraint in candidate.query.constraints:
            if constraint.kind == "class":
                words |= self._words_of(self.index.label(constraint.nodes[0]))
        return words

    def _answer_kind(self, candidate: Candidate) -> str:
        if candidate.result.truth is not None:
            return "truth"
        if candidate.result.count is not None:
            return "number"
        first = int(candidate.result.nodes[0])
        if not self.index.is_literal(first):
            return "entity"
        return {NUMBER: "number", DATE: "date", BOOLEAN: "truth"}.get(int(self.index.value_kind[first]), "text")

    def _strong_links(self) -> dict[int, str]:
        """Links sure enough that a reading which leaves them out needs a reason."""
        strong: dict[int, str] = {}
        for place, link in enumerate(self.links):
            if link.candidates and link.candidates[0].score >= 0.75:
                strong[place] = link.candidates[0].kind
        return strong

    def _words_of(self, label: str) -> frozenset[str]:
        if label not in self._label_words:
            self._label_words[label] = frozenset(normalize(label).split())
        return self._label_words[label]

    def _said(self, relation: Relation) -> frozenset[str]:
        """The words of all labels of a relation."""
        if relation.id not in self._said_by:
            self._said_by[relation.id] = frozenset().union(*self._labels(relation))
        return self._said_by[relation.id]

    def _labels(self, relation: Relation) -> Sequence[frozenset[str]]:
        return self.relation_words[relation.id] if self.relation_words else (self._words_of(relation.label),)

    def _overlap(self, relation: Relation) -> float:
        labels = [words - FUNCTION_WORDS for words in self._labels(relation)]
        return max((len(words & self.content_words) / len(words) for words in labels if words), default=0.0)


def _nearer(word: int, stated: Sequence[int], denied: Sequence[int]) -> bool:
    """Return whether a stated name follows the word that denies more closely than all denied ones."""
    after = [start for start in stated if start >= word]
    return bool(after) and min(after) < min((start for start in denied if start >= word), default=1 << 30)


_PLURAL = {"entity": "entities", "class": "classes", "literal": "literals", "value": "values"}

__all__ = ["ENTITY", "FEATURES", "FeatureExtractor"]
