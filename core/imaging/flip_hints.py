"""Whether a mirrored picture may belong to another class, as far as the classes' names tell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_ARROWS = re.compile("[\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11]|<-|->")
_ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC")


def _plain(text: str) -> str:
    """Small letters without accents; letters of other scripts keep what makes them letters."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def _words(text: str) -> frozenset[str]:
    return frozenset(_plain(text).split())


_SIDES = _words("""
left right leftward rightward lefthand righthand clockwise anticlockwise counterclockwise
links rechts linke linker linkes rechte rechter rechtes linksherum rechtsherum
gauche droite izquierda derecha izquierdo derecho sinistra destra sinistro destro esquerda direita esquerdo direito
vänster höger venstre højre høyre vasen oikea lewo prawo lewy lewa prawy prawa levý pravý vlevo vpravo stânga dreapta
налево направо левый правый лево право вліво вправо αριστερά δεξιά 左 右 왼쪽 오른쪽 يسار يمين שמאל ימין
""")
_NUMBERS = _words("""
zero one two three four five six seven eight nine ten null eins zwei drei vier fünf sechs sieben acht neun zehn
un deux trois quatre cinq sept huit neuf dix uno dos tres cuatro cinco seis siete ocho nueve diez
due tre quattro cinque sei sette otto nove dieci
""")
_SIGNS = _words("""
arrow arrows pfeil pfeile flèche flèches flecha flechas freccia frecce
letter letters digit digits number numbers numeral numerals alphabet
buchstabe buchstaben ziffer ziffern zahl zahlen lettre lettres chiffre chiffres letra letras dígito dígitos lettera lettere
cifra cifre
""")


def side_word(class_names: Iterable[str]) -> str:
    """A sentence if class names speak of left and right, letters, numbers or arrows; "" where none does.

    Only the names are looked at: for what the pictures tell, see core.training.experiments.flip_test.
    """
    for name in class_names:
        reason = _reason(name)
        if reason:
            return (
                f"The class {name} {reason}. Seen in a mirror it may be another one, or none: Mirror (flip) may harm."
            )
    return ""


def _reason(name: str) -> str:
    if _ARROWS.search(name):
        return "has an arrow in its name"
    words = re.findall(r"\d+|[^\W\d_]+", _plain(_CAMEL.sub(" ", unicodedata.normalize("NFC", name))))
    if _SIDES.intersection(words):
        return "speaks of left or right"
    if _SIGNS.intersection(words):
        return "speaks of something that is read"
    if len(words) != 1:
        return ""
    word = words[0]
    if word.isdecimal() or word in _NUMBERS:
        return "is a number"
    return "is a single letter" if len(word) == 1 and unicodedata.name(word, "").startswith(_ALPHABETS) else ""
