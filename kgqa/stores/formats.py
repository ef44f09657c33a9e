"""Which RDF syntax a file is in: by flag, by name, else by content. Standard library only."""

from __future__ import annotations

import difflib
import re
from typing import Literal, get_args

from kgqa.errors import GraphLoadError

RdfSyntax = Literal["turtle", "ntriples", "nquads", "trig", "rdfxml", "jsonld"]
SYNTAXES: tuple[RdfSyntax, ...] = get_args(RdfSyntax)

_FLAGS: dict[str, RdfSyntax] = {
    "turtle": "turtle", "ttl": "turtle", "n3": "turtle", "text/turtle": "turtle",
    "ntriples": "ntriples", "nt": "ntriples", "n-triples": "ntriples", "application/n-triples": "ntriples",
    "nquads": "nquads", "nq": "nquads", "n-quads": "nquads", "application/n-quads": "nquads",
    "trig": "trig", "application/trig": "trig",
    "rdfxml": "rdfxml", "rdf/xml": "rdfxml", "rdf": "rdfxml", "xml": "rdfxml", "owl": "rdfxml",
    "application/rdf+xml": "rdfxml",
    "jsonld": "jsonld", "json-ld": "jsonld", "json": "jsonld", "application/ld+json": "jsonld",
}  # fmt: skip
_SUFFIXES: dict[str, RdfSyntax] = {
    ".ttl": "turtle", ".turtle": "turtle", ".nt": "ntriples", ".ntriples": "ntriples", ".nq": "nquads",
    ".nquads": "nquads", ".trig": "trig", ".rdf": "rdfxml", ".jsonld": "jsonld",
}  # fmt: skip
# Suffixes that people put on more than one syntax: believed only where the content says nothing.
_LOOSE_SUFFIXES: dict[str, RdfSyntax] = {".owl": "rdfxml", ".xml": "rdfxml", ".json": "jsonld", ".n3": "turtle"}

_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL)
_XML = re.compile(rb"\s*<(?:\?xml[\s?]|!--|!DOCTYPE\s|[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?\s[^<>]*\bxmlns\b)")
_JSON = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{"])')
_LINE_TERM = rb'(?:<[^<>"{}|^`\\\s]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:\^\^<[^<>\s]*>|@[A-Za-z0-9-]+)?)'
_LINE = re.compile(rb"(?:%s\s*){3}(?P<graph>%s\s*)?\.\s*(?:#.*)?" % (_LINE_TERM, _LINE_TERM))
_TURTLE_QUOTED = re.compile(rb'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|<[^<>\s]*>|#[^\n]*', re.DOTALL)


def syntax_from_flag(flag: str) -> RdfSyntax:
    """Return the syntax a user named: its name, usual suffix or media type. Raises ValueError for an unknown one."""
    found = _FLAGS.get(flag.strip().lower().lstrip("."))
    if found is None:
        near = difflib.get_close_matches(flag, SYNTAXES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"unknown RDF format {flag!r}; expected one of: {', '.join(SYNTAXES)}{hint}")
    return found


def syntax_from_name(name: str, *, loose: bool = False) -> RdfSyntax | None:
    """Return the syntax that a file name promises, a final `.gz` ignored; None where the name says nothing.

    With `loose`, suffixes that are used for several syntaxes (.owl, .xml, .json, .n3) count too.
    """
    lowered = name.lower().removesuffix(".gz")
    known = _SUFFIXES | _LOOSE_SUFFIXES if loose else _SUFFIXES
    return next((syntax for suffix, syntax in known.items() if lowered.endswith(suffix)), None)


def stem(name: str) -> str:
    """Return a file name without `.gz` and without its RDF suffix: `films.ttl.gz` -> `films`."""
    name = name[:-3] if name.lower().endswith(".gz") else name
    for suffix in (*_SUFFIXES, *_LOOSE_SUFFIXES):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def sniff_syntax(head: bytes, *, name: str = "") -> RdfSyntax | None:
    """Return the syntax that the first bytes of a file look like; None where they look like none.

    Turtle is the answer for any text with statements that is not one of the others. Raises GraphLoadError for HTML.
    """
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML.match(head):
        raise GraphLoadError("this is an HTML page, not an RDF file; download the data itself", path=name)
    if _XML.match(head):
        return "rdfxml"
    if _JSON.match(head):
        return "jsonld"
    lines = [line.strip() for line in head.split(b"\n")]
    if len(lines) > 1 and len(head) > 1000:
        lines.pop()  # cut short by the end of the head
    matches = [_LINE.fullmatch(line) for line in lines if line and not line.startswith(b"#")]
    if not matches:
        return None
    if all(matches):
        return "nquads" if any(match and match["graph"] for match in matches) else "ntriples"
    bare = _TURTLE_QUOTED.sub(b"", head)
    if b"{" in bare:
        return "trig"
    return "turtle" if re.search(rb"@prefix|@base|[.;]\s", bare + b"\n", re.IGNORECASE) else None


def choose_syntax(name: str, sniffed: RdfSyntax | None, *, flag: str | None = None) -> RdfSyntax:
    """Return the syntax to read a file with: the flag's, else the name's, else `sniffed` from its content.

    Raises GraphLoadError where nothing tells, and ValueError for an unknown flag.
    """
    if flag is not None:
        return syntax_from_flag(flag)
    found = syntax_from_name(name) or sniffed or syntax_from_name(name, loose=True)
    if found is None:
        raise GraphLoadError(f"cannot tell the RDF format; name one of: {', '.join(SYNTAXES)}", path=name)
    return found
