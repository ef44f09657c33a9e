"""Adjectives and people of places: "Finnish" and "Finns" name Finland, in graphs that do not say so themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from kgqa.index.text import fold


@cache
def places_by_demonym() -> Mapping[str, tuple[str, ...]]:
    """Return the names of the places that each demonym, folded, may stand for."""
    found: dict[str, tuple[str, ...]] = {}
    text = (files("kgqa.linking") / "lexicons" / "demonyms.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            places, demonyms = line.split("\t")
            for demonym in fold(demonyms).split():
                found[demonym] = (*found.get(demonym, ()), *places.split("|"))
    return found
