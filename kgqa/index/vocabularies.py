"""The predicates that name, class and annotate things in the vocabularies that people use."""

from __future__ import annotations

from kgqa.datatypes import RDF, RDFS

DEFAULT_LABEL_PREDICATES: tuple[str, ...] = (
    RDFS + "label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "https://schema.org/name",
    "http://schema.org/name",
    "http://xmlns.com/foaf/0.1/name",
    "http://purl.org/dc/terms/title",
    "http://purl.org/dc/elements/1.1/title",
    "http://www.w3.org/2004/02/skos/core#altLabel",
    "https://schema.org/alternateName",
    "http://schema.org/alternateName",
)
ANNOTATIONS = frozenset(
    (RDFS + "comment", RDFS + "seeAlso", RDFS + "isDefinedBy", "http://www.w3.org/2004/02/skos/core#definition",
     "http://www.w3.org/2002/07/owl#sameAs", "http://www.w3.org/2002/07/owl#versionInfo")
)  # fmt: skip
INSTANCE_OF = frozenset(("instance of", "is a", "is an", "type of thing", "rdf type"))
WIKIDATA_INSTANCE_OF = "http://www.wikidata.org/prop/direct/P31"
SUBCLASS_OF = frozenset(("subclass of", "sub class of"))
SCHEMA_NAMESPACES = (RDF, RDFS, "http://www.w3.org/2002/07/owl#", "http://wikiba.se/ontology#")
