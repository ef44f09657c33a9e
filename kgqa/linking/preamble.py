"""What people say before they ask: "Can you tell me", "I'd like to know", "Do you happen to know".

It says nothing about the graph, and read as a question of its own it would ask whether something is so.
"""

from __future__ import annotations

import re

_PLEASE = r"(?:please|kindly|pls)"
_SAY = r"(?:tell|show|give|find|let|help|remind|inform|say|list|name|look\s+up|point|pull\s+up|share|check|work\s+out)"
_TO_KNOW = r"(?:know|find\s+out|learn|see|hear|ask|understand|figure\s+out|work\s+out)"
_TO_ME = r"(?:\s+(?:me|us|out|up|know|to|for\s+me|with))*"
_PREAMBLE = re.compile(
    rf"""\s*(?:(?:hi|hello|hey|ok|okay|so|well|and|{_PLEASE})\b[\s,]+)*
    (?:
      (?:can|could|would|will|might)\s+(?:you|someone|anyone|somebody)\s+
      (?:\w+ly\s+|{_PLEASE}\s+|mind\s+)*{_SAY}(?:ing)?\b{_TO_ME}
    | (?:do|does|did)\s+(?:you|we|anyone|anybody|someone)\s+(?:happen\s+to\s+|by\s+any\s+chance\s+)*
      (?:know|remember|recall|have\s+any\s+idea)\b
    | any\s+(?:idea|clue|chance\s+you\s+know)\b
    | (?:i\s*['’]?\s*(?:d|would|am|m|was|ve\s+been)?\s*)(?:just\s+|really\s+)*
      (?:like|love|want|need|wish|wanted|trying|try|curious|wondering|looking|interested|keen)
      (?:\s+(?:to|in|for|about|at|as|as\s+to))*(?:\s+{_TO_KNOW})?\b
    | (?:{_PLEASE}\s+)?(?:tell|let)\s+(?:me|us)(?:\s+know)?\b
    | {_PLEASE}\b
    )[\s,:]+(?:{_PLEASE}[\s,]+)?""",
    re.IGNORECASE | re.VERBOSE,
)
_MIN_WORDS = 2


def without_preamble(text: str) -> str:
    """Return the question without what is said before it; unchanged where hardly anything would be left."""
    found = _PREAMBLE.match(text)
    if found is None:
        return text
    rest = text[found.end() :]
    return rest if len(rest.split()) >= _MIN_WORDS else text
