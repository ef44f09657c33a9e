"""Function words, which name nothing by themselves, in the languages questions come in."""

from __future__ import annotations

FUNCTION_WORDS = frozenset(
    """
    a an the this that these those some any all each every both either neither no not none and or but nor of in on at by
    for from to into onto with without within about between among across through during before after since until over
    under above below off out up down as than then so if is are was were be been being am do does did done doing have
    has
    had having can could will would shall should may might must who whom whose which what when where why how there here
    it its it's they them their theirs he him his she her hers we us our ours you your yours i me my mine one ones
    s t d m re ve ll also too very just only own same other others another else more most less least much many few
    such give gave show list name tell find get got let please want need know see me count number total whats who's
    whether ever still already yet again now per via vs versus etc eg ie q
    exist exists existing there's mean called named using used use uses make makes made go goes
    le la les l un une des du de d et ou est sont quel quelle quels quelles qui que quoi dans en au aux a pour par sur
    avec
    combien il elle ils elles se ce cette ces
    el los las lo uno una unos unas y o es son cual cuales que quien quienes cuantos cuantas en con por para del al se
    su
    der die das den dem des ein eine einen einem einer und oder ist sind war waren wer was welche welcher welches
    welchen
    wo wann wie viele viel von vom zu zum zur im mit fur auf aus bei nach hat haben gibt es
    """.split()
)
"""Folded words; single letters that are left over from clitics ("s", "l") are among them."""
