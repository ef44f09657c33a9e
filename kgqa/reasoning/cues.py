"""What the wording of a question hints about its operator.

Hints only open readings and feed the ranker as features; none decides. English, with the commonest French, Spanish
and German forms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kgqa.index.text import singular

_COUNT = re.compile(
    r"\b(how many|how much|number of|count|total|how often|amount of|combien|cu[aá]nt[oa]s?|wie ?viele?|anzahl|nombre de|n[uú]mero de|tally|how large is the number|head ?count|size of|how (?:big|large) is the (?:membership|fleet|team|staff|crew|cast|family|workforce|group|audience|collection))\b",
    re.I,
)
_ASK = re.compile(
    r"^\W*(?:(?:so|and|hey|please|ok|tell me)\W+)*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|isn't|aren't|didn't|doesn't|est-ce|es|est|son|sont|hat|haben|ist|sind|gibt|kann|wird|any|a-t-|existe|hay|tiene|il y a)\b"
    r"|^\W*if\b|\b(is it true|whether|true that|is there|are there|true or false|y a-t-il|a-t-(?:il|elle)|right\s*\?|correct\s*\?|yes or no)\b|^(?!.*\b(?:which|what|who|how)\b).*-t-(?:il|elle|on)\b",
    re.I,
)
_OTHER = re.compile(
    r"\b(others?|else|also|remaining|rest of|same|besides|apart from|except|exclud\w*|excepting|aside from|share[sd]?|sharing|fellow|siblings?|brothers?|sisters?|colleagues?|co-\w+|co-?(?:authors?|workers?|stars?|founders?|writers?)|autres?|otr[oa]s?|andere[nrs]?|peers?|alongside|together with|likewise|as well as|mates?|\w+mates?|neighbou?rs?|itself|not counting)\b",
    re.I,
)
_NEGATION = re.compile(
    r"\b(not|no|nobody|none|nothing|nowhere|never|without|isn't|aren't|don't|doesn't|didn't|hasn't|haven't|neither|nor|non|un(?!der|til|i[cflqstvx]|ion|cle|less|to\b|os?\b|as?\b|es?\b|d\b)\w+|lack\w*|sans|sin|ohne|kein\w*|pas|except)\b",
    re.I,
)
_BOTH = re.compile(r"\b(both|and|also|as well|too|well as|et|y|e|und|anche|también|aussi|auch|également)\b|&", re.I)
_COMPARE = re.compile(
    r"\b(or|vs\.?|versus|than|between|compared|compare|ou|o|oder|que|lequel|laquelle|cu[aá]l)\b", re.I
)
_ORDER = re.compile(
    r"\b(order(?:ed)?|rank(?:ed|ing)?|sort(?:ed)?|chronological\w*|alphabetical\w*|from \w+ to \w+|(?:\w+est|most|least)(?: \w+){0,2} first|par ordre|ordena\w*|ascending|descending|sequence|in order|starting with)\b",
    re.I,
)
_HIGH = re.compile(
    r"\b(most|more|highest|higher|largest|larger|biggest|bigger|longest|longer|heaviest|heavier|tallest|taller|greatest|greater|best|better|maximum|max|top|richest|strongest|deepest|widest|fastest|hottest|priciest|costliest|greatest|utmost|majority|plus|le plus|la plus|m[aá]s|mayor(?:es)?|mejor|gr[oö](?:ss|ß)t\w*|h[oö]chst\w*|l[aä]ngst\w*|meist\w*|record|peak|leading|ahead|oldest age|(?:north|east|northeast|upper|top|outer)(?:ern)?most|exceeds?|champion|grand\w*)\b",
    re.I,
)
_LOW = re.compile(
    r"\b(least|fewest|fewer|less|lowest|lower|smallest|smaller|shortest|shorter|lightest|lighter|minimum|min|worst|worse|cheapest|cheaper|poorest|weakest|tiniest|slowest|coldest|thinnest|narrowest|bottom|moins|menos|menor(?:es)?|peor|petite?|kleinst\w*|niedrigst\w*|k[uü]rzest\w*|wenigst\w*|nearest|closest|minor|(?:south|west|southwest|lower|inner)(?:ern)?most)\b",
    re.I,
)
_EARLY = re.compile(
    r"\b(first|earliest|earlier|oldest|older|longest[- ](?:serving|standing|running)|original|eldest|before|premi[eè]re?s?|primer[oa]?s?|ancien\w*|viejo|[aä]lteste\w*|erste\w*|senior|sooner|soonest|initial|debut|ancient|antigu[oa])\b",
    re.I,
)
_LATE = re.compile(
    r"\b(last|latest|later|newest|newer|youngest|younger|most recent|more recent|recent\w*|final|after|derni[eè]re?s?|[uú]ltim[oa]s?|j[uü]ngst\w*|neuest\w*|letzte\w*|joven|r[eé]cent\w*|nouveau|newcomer)\b",
    re.I,
)
_EST = re.compile(
    r"\b(?!(?:west|east|northwest|southwest|northeast|southeast|forest|interest|test|guest|request|budapest|best|honest|rest|harvest|contest|quest|protest|invest|everest|suggest|latest|earliest|midwest|priest|chest|nest|manifest|digest)\b)[a-z]{2,}est\b",
    re.I,
)
_ORDINALS = {
    word: rank
    for rank, words in enumerate(
        (
            "second 2nd deuxième segundo segunda zweite zweitgrößte zweithöchste runner-up next-to-top",
            "third 3rd troisième tercer tercera tercero dritte",
            "fourth 4th quatrième cuarto vierte",
            "fifth 5th cinquième quinto fünfte",
            "sixth 6th",
            "seventh 7th",
        ),
        start=2,
    )
    for word in words.split()
}
_NEXT = re.compile(r"\b(?:[Nn]ext|[Rr]unner.?up|but one|after (?:the )?(?:[A-Z]|\w+est\b|most\b))")
_NUMBER_WORDS = {word: n for n, word in enumerate("two three four five six seven eight nine ten".split(), start=2)}
_NUMBER_WORDS |= {"deux": 2, "trois": 3, "dos": 2, "tres": 3, "cinq": 5, "cinco": 5, "drei": 3, "zwei": 2}
_COUNT_WORD = "|".join(_NUMBER_WORDS)
_TOP = re.compile(
    rf"\b(?:top|first|last|bottom|best|worst|latest|newest|oldest|trois|tres)[- ]+(?P<after>\d{{1,2}}|{_COUNT_WORD})\b"
    rf"|\b(?P<before>\d{{1,2}}|{_COUNT_WORD})\s+(?:\w+\s+)?(?:\w+est|most|least|top|best|worst|plus|m[aá]s|[a-zé]+(?:est|ste|sten))\b"
    rf"|\b(?P<having>\d{{1,2}}|{_COUNT_WORD})\s+(?:\w+\s+){{1,2}}(?:have|has|had|with|hold|got)\s+(?:the\s+)?"
    rf"(?:\w+est|most|least|highest)\b"
    rf"|\b(?:los|las|les|the|die)\s+(?P<romance>{_COUNT_WORD}|\d{{1,2}})\s+\w+\s+(?:más|mas|les plus|plus|with the)\b",
    re.I,
)
_WH = (
    ("who", re.compile(r"\b(who|whom|whose|qui|qui[eé]n(?:es)?|wer|wem|wen)\b", re.I)),
    (
        "when",
        re.compile(
            r"\b(when|what (?:year|date|day|month)|which (?:year|date|day)|date|since when|quand|cu[aá]ndo|wann|in welchem jahr)\b",
            re.I,
        ),
    ),
    ("where", re.compile(r"\b(where|o[uù]\b|d[oó]nde|wo\b|in (?:what|which) (?:place|city|country))", re.I)),
    (
        "how_much",
        re.compile(
            r"\b(how (?:much|many|long|tall|big|large|far|old|heavy|high|deep|wide|fast|often|hot|strong|expensive|big)|combien|cu[aá]nt\w+|wie ?(?:viel|lang|hoch|gro(?:ss|ß)|alt|schwer))\b",
            re.I,
        ),
    ),
    ("which", re.compile(r"\b(which|what|quels?|quelles?|cu[aá]l(?:es)?|qu[eé]|welche\w?|was)\b", re.I)),
)


@dataclass(frozen=True, slots=True)
class Cues:
    """The hints in one question.

    `both` says that two things may be said of one, `denied_from` where the word that denies ends (-1 without one);
    `rank` is 1 unless an ordinal is present; `n_best` is the k of "top k".
    """

    count: bool
    ask: bool
    other: bool
    both: bool
    negation: bool
    denied_from: int
    compare: bool
    order: bool
    high: bool
    low: bool
    early: bool
    late: bool
    superlative: bool
    rank: int
    n_best: int | None
    wh: frozenset[str]


def _says_twice(lowered: str) -> bool:
    """Return whether two words have a stem in common, as in "directed by the director of": out and back again."""
    words = {singular(word) for word in re.findall(r"[a-zà-ÿ]{5,}", lowered)}
    return len({word[:4] for word in words}) < len(words)


def read_cues(text: str) -> Cues:
    """Return the hints in a question."""
    high, low = bool(_HIGH.search(text)), bool(_LOW.search(text))
    early, late = bool(_EARLY.search(text)), bool(_LATE.search(text))
    est = bool(_EST.search(text))
    lowered = text.lower()
    rank = next((r for word, r in _ORDINALS.items() if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", lowered)), 1)
    if rank == 1 and _NEXT.search(text) and (est or high or low or early or late):
        rank = 2
    denied = _NEGATION.search(text)
    top = _TOP.search(text)
    n_best = None
    if top:
        raw = next(group for group in top.groups() if group)
        n_best = _NUMBER_WORDS.get(raw.lower()) or (int(raw) if raw.isdigit() else None)
    return Cues(
        count=bool(_COUNT.search(text)),
        ask=bool(_ASK.search(text)),
        other=bool(_OTHER.search(text)) or _says_twice(lowered),
        both=bool(_BOTH.search(text)),
        negation=denied is not None,
        denied_from=-1 if denied is None else denied.end(),
        compare=bool(_COMPARE.search(text)),
        order=bool(_ORDER.search(text)),
        high=high or (est and not low and not early and not late),
        low=low,
        early=early,
        late=late,
        superlative=high or low or early or late or est or rank > 1 or n_best is not None,
        rank=rank,
        n_best=n_best,
        wh=frozenset(name for name, pattern in _WH if pattern.search(text)),
    )
