from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.training.vocabularies import DBO, DBP, Property, dbpedia, freebase, named, wikidata, with_raw_names

ONTOLOGY = """
@prefix : <http://dbpedia.org/ontology/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:Work a owl:Class ; rdfs:label "work"@en . :Person a owl:Class ; rdfs:label "person"@en, "Person"@de .
:director a owl:ObjectProperty ; rdfs:label "director"@en ; rdfs:domain :Work ; rdfs:range :Person ;
    owl:equivalentProperty <http://www.wikidata.org/entity/P57> .
:releaseDate a owl:DatatypeProperty ; rdfs:label "release date"@en ; rdfs:domain :Work ; rdfs:range xsd:date .
"""


@pytest.fixture
def ontology(tmp_path: Path) -> Path:
    path = tmp_path / "dbo.ttl"
    path.write_text(ONTOLOGY)
    return path


def test_dbpedia_properties_have_the_labels_of_the_ontology_and_raw_ones_their_names(ontology: Path) -> None:
    found = dbpedia(ontology)
    assert found.get(DBO + "director") == Property("director", "director", "work", "person", "entity", "work")
    assert found.get(DBO + "releaseDate") == Property("releaseDate", "release date", "work", "", "date", "work")
    assert found.class_label(DBO + "Person") == "person"
    assert found.get(DBP + "sisterStations") is None
    raw = with_raw_names(found, [DBP + "sisterStations"]).get(DBP + "sisterStations")
    assert raw is not None
    assert raw.label == "sister stations"


def test_wikidata_properties_have_the_classes_of_their_dbpedia_equivalent(ontology: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("P57\tdirector\nP421\tlocated in time zone\nP569\tdate of birth\nP345\tIMDb ID\n")
    found = wikidata(tmp_path / "labels.tsv", ontology)
    kinds = {key: (told.domain, told.range, told.kind) for key, told in found.properties.items()}
    assert kinds == {"P57": ("work", "person", "entity"), "P421": ("", "", "entity"), "P569": ("", "", "date")}
    for form in ("direct/", "", "statement/", "qualifier/"):
        told = found.get(f"http://www.wikidata.org/prop/{form}P57")
        assert told is not None
        assert told.label == "director"


def test_freebase_properties_are_read_by_their_last_part_and_mediators_are_known(tmp_path: Path) -> None:
    (tmp_path / "fb_roles").write_text(
        "people.person people.person.sibling_s people.sibling\n"
        "people.sibling people.sibling.sibling people.person\n"
        "film.film film.film.initial_release_date type.datetime\n"
        "user.x.y user.x.y.z people.person\n"
    )
    (tmp_path / "reverse_properties").write_text("people.person.sibling_s\tpeople.sibling.sibling\n")
    (tmp_path / "graphparser_all_domains_schema.txt").write_text("people.person\tmain\n\npeople.sibling\tmediator\n")
    found = freebase(tmp_path)
    first, second, third = found.properties.values()
    assert (first.label, first.domain, first.range, found.is_mediated(first)) == ("sibling", "person", "", True)
    assert (second.label, second.domain, second.range, found.is_mediated(second)) == ("sibling", "", "person", False)
    assert (third.label, third.domain, third.kind) == ("initial release date", "film", "date")
    assert found.reverses["people.sibling.sibling"] == "people.person.sibling_s"


def test_other_vocabularies_are_read_by_local_names() -> None:
    found = named("dblp", ["http://d/#authoredBy", "http://x/#p"], "http://d/#", {"authoredBy": ("paper", "person")})
    assert list(found.properties) == ["http://d/#authoredBy"]
    assert found.properties["http://d/#authoredBy"].label == "authored by"
    assert found.properties["http://d/#authoredBy"].range == "person"
