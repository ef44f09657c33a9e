"""Which language a question is written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from kgqa.linking.lexicon import LANGUAGES, TOKEN, ForeignLanguage, Language, fold, load_lexicon, read_rows

_ENGLISH = frozenset(
    """the of is are were was who whom whose what which where when why how did does doing done and by with from to that
    this these those has had have many much been being give show list find tell get me any all its it they their there
    you your than then more most less least not into about between also each every some other be will would should can
    could whats who's what's where's name names whose at for as if whether or an either same both""".split()
)


@dataclass(frozen=True, slots=True)
class _Marks:
    """The words that tell a language: question words, first words of a request, pairs of words, function words."""

    questions: frozenset[str]
    openers: frozenset[str]
    pairs: frozenset[str]
    function: frozenset[str]


def _marks(questions: str, openers: str, pairs: str, function: str) -> _Marks:
    spaced = frozenset(pair.replace("_", " ") for pair in pairs.split())
    return _Marks(frozenset(questions.split()), frozenset(openers.split()), spaced, frozenset(function.split()))


_MARKS: dict[ForeignLanguage, _Marks] = {
    "fr": _marks(
        questions="quel quelle quels quelles combien lequel laquelle lesquels lesquelles où qui quand pourquoi",
        openers="citez donnez donne nommez cite nomme liste listez existe montre montrez trouve trouvez",
        pairs="""est_ce qu'_est a_t t_il t_elle t_on y_a comment_s' sont_les donne_moi donnez_moi liste_des nombre_de
            est_il est_elle sont_ils sont_elles à_quel à_quelle dis_moi montre_moi comment_se qu'_a ont_ils
            ont_elles s'_appelle ont_été a_été ne_sont n'_est n'_a n'_ont""",
        function="""le la les l' un une des du de d' et ou est sont dans en au aux à par pour sur avec
            sans qu' ne n' pas ce
            cette ces il elle ils elles se s' dont été était étaient ont ainsi chez son sa ses leur leurs entre plus
            moins depuis t""",
    ),
    "es": _marks(
        questions="""cuál cuáles cuántos cuántas cuánto cuánta quién quiénes qué dónde cuándo cómo cual cuales cuantos
            cuantas cuanto cuanta quien quienes donde cuando adónde""",
        openers="""nombra dime dame muestra muéstrame enumera lista existe existen hay indica es son está están tiene
            tienen fue fueron""",
        pairs="""número_de de_qué en_qué en_que numero_de lista_de muéstrame_los dame_los dime_los cómo_se hay_en""",
        function="""el la los las un una unos unas de del al y e o en es son fue fueron está están ha
            han hay por para con
            sin que se su sus más menos entre desde hasta como este esta ese tiene tienen no lo le""",
    ),
    "de": _marks(
        questions="wer wem wen wessen wo wann wie wieviel wieviele welche welcher welches welchem welchen warum",
        openers="sortiere nenne nennen zeige liste gib gibt hat haben ist sind wurde wurden wird liegt finde",
        pairs="""was_ist was_sind was_war was_kostet was_heißt was_bedeutet gibt_es zeige_mir gib_mir nenne_alle
            nenne_mir anzahl_der""",
        function="""der das den dem des ein eine einen einem einer eines und oder ist sind waren wird
            werden wurde wurden
            von vom zu zum zur im mit für auf aus bei nach über hat haben gibt es nicht kein keine als sich ihre
            seine durch ohne zwischen seit vor in die war an am""",
    ),
    "it": _marks(
        questions="quale quali quanti quante quanto quanta chi qual quando dov' qual perché",
        openers="è sono ha hanno elenca dimmi dammi mostra mostrami nomina esiste esistono trova indica",
        pairs="dove_si dove_è dov'_è che_cosa cos'_è in_che di_che in_quale come_si numero_di elenca_i",
        function="""il lo la i gli le un una uno di del dello della dei degli delle dell' al allo alla
            ai alle all' nel
            nella nei nelle nell' sul sulla da dal dalla dall' e ed o è sono era ha hanno fu con per su tra fra che
            si non più meno l' d' c' ci stato stata stati state in""",
    ),
    "pt": _marks(
        questions="qual quais quantos quantas quanto quanta quem quando onde",
        openers="é tem têm há foi diga liste mostre nomeie existe existem encontre cite indique",
        pairs="o_que em_que de_que como_se número_de liste_os liste_as que_país há_em",
        function="""o a os as um uma de do da dos das no na nos nas ao à aos às em e ou é são foi foram
            está estão tem têm
            há por pelo pela para com sem que se seu sua mais menos entre desde até não""",
    ),
}


def detect_language(text: str) -> Language:
    """Return the language of a question; "en" whenever the evidence is thin, as for names alone or keywords.

    Another language needs a question word or an opening of its own and more of its function words, or a text whose
    every word that is not capitalized is in its dictionary. Common English words outweigh both.
    """
    return detect_with_names(text, names_known=False)


def detect_with_names(text: str, *, names_known: bool) -> Language:
    """Return the language; with `names_known`, the text has "X" for every name: no other word is part of one."""
    if text.isupper():
        text = text.lower()
    written = [match[0].replace("’", "'") for match in TOKEN.finditer(text) if match[0][0].isalpha()]
    if not written:
        return "en"
    words = [word.lower() for word in written]
    plain = [word for n, word in enumerate(words) if n == 0 or written[n].islower()]
    scores = {language: _score(language, words, plain) for language in LANGUAGES}
    if "¿" in text:
        scores["es"] += 6
    best = max(LANGUAGES, key=lambda language: scores[language])
    if scores[best] >= 3:
        small = (n for n, word in enumerate(written) if word.islower() and not _in_title(written, n))
        outside = {words[0], *(words[n] for n in small)}
        if scores[best] >= 3 + 3 * len(_english_words(best, outside)):
            return best
        return "en"
    if len(words) < 2 or words[0] in _ENGLISH:
        return "en"
    return _language_of_keywords(written, words, plain, names_known=names_known)


def _score(language: ForeignLanguage, words: Sequence[str], plain: Sequence[str]) -> int:
    """Return the weight of a language's own words; 0 without a question word, an opening or a phrase of questions."""
    distinct = set(plain)
    asked = distinct & _MARKS[language].questions
    phrases = {f"{a} {b}" for a, b in pairwise(words)} & _MARKS[language].pairs
    opened = words[0] in _MARKS[language].openers
    if not asked and not phrases and not opened:
        return 0
    small = distinct & _MARKS[language].function
    content = _content_words(language, distinct - small - asked)
    late = asked and not phrases and not opened and not any(word in asked for word in words[:3])
    return 2 * len(asked) + 2 * len(phrases) + opened + len(small) + len(content) - (2 if late else 0)


def _content_words(language: ForeignLanguage, words: Iterable[str]) -> set[str]:
    """Return the words that the language's dictionary has and English writes differently."""
    lexicon = load_lexicon(language)
    found = {word: lexicon.get(word) for word in words if len(word) > 3 and word not in _ENGLISH}
    return {word for word, entry in found.items() if entry and entry.english.lower() != fold(word)}


def _in_title(written: Sequence[str], n: int) -> bool:
    """Whether one or two small words, such as "of the", stand between capitalized words other than the first."""
    before = next((k for k in range(n - 1, max(n - 3, -1), -1) if not written[k].islower()), 0)
    after = next((k for k in range(n + 1, min(n + 3, len(written))) if not written[k].islower()), 0)
    return before > 0 and after > 0 and after - before <= 3


def _english_words(language: ForeignLanguage, words: Iterable[str]) -> set[str]:
    """Return the words that are English and not of the language."""
    known = load_lexicon(language).words
    unlike = {word for word in words if word not in _MARKS[language].function and word not in known}
    common = unlike & _ENGLISH
    return common | ((unlike - _MARKS[language].questions) & _english_vocabulary())


@cache
def _english_vocabulary() -> frozenset[str]:
    """Return every English word that some dictionary gives."""
    columns = {english for language in LANGUAGES for _, _, english in read_rows(language)}
    words = {word for english in columns for word in re.findall(r"[a-z]{3,}", english)}
    return frozenset(words | {word + "s" for word in words})


def _language_of_keywords(
    written: Sequence[str], words: Sequence[str], plain: Sequence[str], *, names_known: bool
) -> Language:
    """Return the language of a text without a question word.

    "en" if a word is unknown or English, or if the whole may be a name: "la casa de papel", "Tour de France".
    """
    named = any(not word.islower() for word in written[1:])
    best: Language = "en"
    most = 2
    for language in LANGUAGES:
        function = _MARKS[language].function
        small = set(plain) & function
        if not small or (set(plain) & _ENGLISH) - function:
            continue
        lexicon = load_lexicon(language)
        own = [word for n, word in enumerate(words) if n == 0 or written[n].islower() or language == "de"]
        if not all(word in function or lexicon.get(word) for word in plain) or _english_words(language, plain):
            continue
        content = _content_words(language, set(own) - function)
        if not content - _english_vocabulary():
            continue
        if not names_known and language != "de":
            bare = not named and len(words) < (6 if words[0] in function and not words[0].endswith("s") else 4)
            title = content == {words[0]} and not written[0].islower()
            if bare or title:
                continue
        weight = 2 * len(content) + len(small)
        if weight > most:
            best, most = language, weight
    return best
