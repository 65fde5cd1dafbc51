"""Words that say nothing about what a sentence is about."""

from __future__ import annotations

from typing import Final

from proxy.core.evidence.lexicon import word_set

STOP_WORDS: Final = word_set(
    # English
    "a an the and or but of in on at to for from by with as is are was were be been being it",
    "its this that these those there which who whom whose what when where while if then than",
    "so such into about can could may might will would shall should must do does did has have",
    "had also they them their he she his her you your we our i one any some each other more",
    "most very just up out over not no nor only never",
    # French
    "le la les l un une des du de d et ou mais en dans sur au aux par pour avec sans ce cet",
    "cette ces il elle ils elles on se s sa son ses leur leurs qui que qu quoi dont est sont",
    "etait etre ete a ont avait avoir y ne n pas plus si comme aussi tout tous toute toutes",
    "nous vous c j doit peut jamais seulement",
    # German
    "der die das den dem des ein eine einen einem einer eines und oder aber von vom zu zum",
    "zur im in an am auf aus bei bis durch fur mit nach uber um unter vor ist sind war waren",
    "sein wird werden wurde wurden worden hat haben hatte es er sie ihr ihre sich nicht auch",
    "als wie wenn dass so nur kein keine keinen keiner noch kann konnen muss mussen soll",
    "sollen darf durfen man dieser diese dieses welche wer was",
    # Spanish
    "el los las lo al del y o u pero por para con sin es son era fue ser sido esta este estos",
    "estas ese esa su sus se que como mas muy ha han hay no si cuando donde cual puede debe",
    "solo nunca",
    # Italian
    "il gli i uno di da dal dalla dei delle della dello nel nella nei con su per tra fra e ed",
    "ma non che chi cui sono era essere stato stata si ci ha hanno anche piu come quando dove",
    "puo deve ogni mai",
)
