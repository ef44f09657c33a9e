"""Text from strangers as text of a page: escaped, and without the characters that hide or reorder what is shown."""

from __future__ import annotations

import html
import unicodedata

_JOINERS = "\u200c\u200d"  # they build letters and emoji, and hide nothing


def visible(text: str) -> str:
    """Return `text` without control and formatting characters; line ends and tabs become spaces."""
    spaced = "".join(" " if character in "\n\r\t" else character for character in text)
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def escape(text: str) -> str:
    """Return `text` as it may stand in HTML and SVG, between tags and in quoted attributes."""
    return html.escape(visible(text), quote=True)


def escape_code(text: str) -> str:
    """Return `text` as `escape` does, with its lines kept: for `<pre>`."""
    return "\n".join(escape(line) for line in text.splitlines())
