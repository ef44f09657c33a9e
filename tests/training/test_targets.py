"""Facts about which readings count as right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kgqa.training.prepare import relation_records

GRAPH = """
@prefix e: <http://e.example/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:b1 a e:Book ; rdfs:label "Winter Ledger" ; e:author e:a1 ; e:editor e:a2 .
e:b2 a e:Book ; rdfs:label "Last Crossing" ; e:author e:a2 ; e:editor e:a2 .
e:a1 a e:Person ; rdfs:label "Ann Roe" . e:a2 a e:Person ; rdfs:label "Bo Diaz" .
"""
BY_NAME = '?b <http://www.w3.org/2000/01/rdf-schema#label> "Winter Ledger" . ?b <http://e.example/author> ?x'
BY_IRI = "<http://e.example/b1> <http://e.example/author> ?x"


@pytest.mark.parametrize("pattern", [BY_NAME, BY_IRI])
def test_a_gold_query_may_find_things_by_their_names(tmp_path: Path, pattern: str) -> None:
    row = {"id": "1", "question": "who wrote Winter Ledger", "category": "1-hop", "sparql": f"SELECT ?x {{ {pattern} }}"}
    (tmp_path / "graph.ttl").write_text(GRAPH, encoding="utf-8")
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    texts, _, records = relation_records(tmp_path, {})
    assert records[0].oracle == pytest.approx(1.0)
    assert any("author" in texts[place] for place in records[0].positives)
    assert not any("editor" in texts[place] for place in records[0].positives)
