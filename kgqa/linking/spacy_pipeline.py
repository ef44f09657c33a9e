"""The entity linker as a spaCy pipeline component.

`kgqa_entity_linker` is registered as a spaCy factory (an entry point of this package), so
`spacy.blank("en").add_pipe("kgqa_entity_linker")` works wherever the package is
installed. The component sets `doc.ents` with `kb_id_` (the IRI of the best candidate, or "NIL") and keeps every
candidate in `doc._.entity_links`.
"""

from __future__ import annotations

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from kgqa.datatypes import EntityLink, Question
from kgqa.protocols import EntityLinker

NIL = "NIL"
_LABELS = {"entity": "ENTITY", "class": "CLASS", "literal": "LITERAL", "value": "VALUE"}


class EntityLinkerComponent:
    """A pipeline component that links with the linker given to `attach`; until then it leaves documents as they are."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.linker: EntityLinker | None = None

    def attach(self, linker: EntityLinker) -> None:
        """Link the documents that follow with `linker`."""
        self.linker = linker

    def __call__(self, doc: Doc) -> Doc:
        """Set `doc.ents` and `doc._.entity_links`. Where spans overlap, `doc.ents` holds the surest, then the
        longest."""
        if self.linker is None:
            return doc
        links = self.linker.link(Question(doc.text))
        spans = []
        for link in sorted(links, key=_surest_first):
            best = link.candidates[0] if link.candidates else None
            span = doc.char_span(link.mention.start, link.mention.end, alignment_mode="expand")
            if span is not None and len(span):
                label, iri = (_LABELS[best.kind], best.entity.value) if best else (NIL, NIL)
                spans.append(Span(doc, span.start, span.end, label=label, kb_id=iri))
        doc.ents = tuple(filter_spans([*doc.ents, *spans]))
        doc._.entity_links = links
        return doc


@Language.factory("kgqa_entity_linker")
def create_entity_linker(nlp: Language, name: str) -> EntityLinkerComponent:
    """Make the component; what spaCy calls for `add_pipe("kgqa_entity_linker")`."""
    if not Doc.has_extension("entity_links"):
        Doc.set_extension("entity_links", default=())
    return EntityLinkerComponent(name)


class SpacyEntityLinker:
    """Links by running a spaCy pipeline whose last component is the entity linker.

    With `base`, an installed spaCy pipeline such as `en_core_web_sm`, its components run first and their entities
    stay where the graph
    knows nothing better; without, `spacy.blank("en")` only tokenizes.
    """

    def __init__(self, linker: EntityLinker, *, base: str | None = None) -> None:
        self.nlp = spacy.load(base) if base else spacy.blank("en")
        component = self.nlp.add_pipe("kgqa_entity_linker")
        assert isinstance(component, EntityLinkerComponent)
        component.attach(linker)

    def link(self, question: Question) -> tuple[EntityLink, ...]:
        """Return the mentions in text order, each with its candidates."""
        links: tuple[EntityLink, ...] = self.nlp(question.text)._.entity_links
        return links


def _surest_first(link: EntityLink) -> tuple[float, int]:
    score = link.candidates[0].score if link.candidates else 0.0
    return -score, link.mention.start - link.mention.end
