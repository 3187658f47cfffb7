"""Bytes of which nobody says what encoding they are in: the reading that gives words as people write them."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from core.system.errors import ProjectError

_GUESSED = (
    "utf-8",
    "cp1252",
    "cp1250",
    "cp1251",
    "cp932",
    "gb18030",
    "cp949",
    "big5",
    "mac_roman",
    "cp850",
    "cp866",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp874",
)
TABLE_ENCODINGS = (*_GUESSED, "utf-16", "utf-16-le", "utf-16-be")
"""Encodings that are offered for a table; where nothing tells one from another the first of those that fit is taken."""
NAME_ENCODINGS = ("utf-8", "cp932", "gb18030", "cp949", "big5", "cp866", "cp437", "cp850", "cp1252", "cp1251")
"""The same for the names in a zip or tar."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST = 400
"""So many different samples are looked at."""
_BROKEN = 0.02
"""Up to this share of damaged lines a text is still UTF-8."""
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = {"CJK": "HAN", "HIRAGANA": "KANA", "KATAKANA": "KANA", "HALFWIDTH": "HALF"}
_USUAL = {
    "LATIN": "éèêëàâäáãåöôóòõøüúùûíìîïñçßæœÉÈÀÂÄÅÖØÜÑÇÆ",
    "CYRILLIC": "оеаинтсрвлкмдпуяыьгзбйчхіїє",
    "HANGUL": "이다는을의에가하고지도기사자리나무개미호구비장새양오토끼원소말여우곰수인동물꽃해바라국화강아시대정",
    "HAN": (
        "的一是不了人我在有他这中大来上国个到说们猫狗花草木鱼鸟马牛羊鸡虎树叶玫瑰菊兰梅竹红黄蓝绿白黑小车日本山川犬桜鳥魚"
        "好坏正常良品合格类果苹香蕉水稻麦病健康塑料纸玻璃金属桃梨葡萄菜番茄土豆狼熊兔鼠龙蛇象狮猴猪鸭鹅蝴蝶蜂"
    ),
}
"""Characters that names of things are full of."""
_RARE = {"koi8_r": 0.15, "cp874": 0.15, "cp1255": 0.1}
_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026°«»\u00b7\u30fc\u3001\u3002\u30fb\u300c\u300d"
"""Marks that are written between letters."""


@dataclass(frozen=True)
class Text:
    """A text, the encoding that it was read in, and whether that was guessed: the bytes themselves do not tell it."""

    text: str
    encoding: str
    guessed: bool = False


def known_encoding(name: str) -> str:
    """The usual name of an encoding. Raises ProjectError for one that Python does not know, or that is none of text."""
    try:
        info = codecs.lookup(name)
        "a".encode(info.name)
    except (LookupError, ValueError, TypeError):
        raise ProjectError(
            f"There is no encoding called {name}.", f"Some that there are: {', '.join(TABLE_ENCODINGS)}."
        ) from None
    return info.name


def read_text(content: bytes, encoding: str = "") -> Text:
    """The text of a file: in the `encoding` asked for, else by its mark, else UTF-8, else the most likely of others.

    Bytes that are none in the encoding become `�`. Raises ProjectError for an encoding that nobody knows.
    """
    if encoding:
        name = known_encoding(encoding)
        marked = next((name for mark, name in _MARKS if content.startswith(mark)), "")
        same = marked.startswith(name[:6]) and name.startswith("utf")
        return Text(content.decode(marked if same else name, "replace").removeprefix("\ufeff"), name)
    for mark, name in _MARKS:
        if content.startswith(mark):
            return Text(content.decode(name, "replace"), name)
    if wide := _without_mark(content):
        return Text(content.decode(wide, "replace"), wide)
    try:
        return Text(content.decode(), "utf-8")
    except UnicodeDecodeError:
        pass
    lines = [line for line in content.splitlines() if not line.isascii()]
    broken = sum(not _decodes(line, "utf-8") for line in lines)
    best = "utf-8" if broken <= _BROKEN * len(lines) else likeliest(lines, _GUESSED[1:])
    return Text(content.decode(best, "replace"), best, guessed=True)


def _without_mark(content: bytes) -> str:
    """UTF-16 that does not say so: every other byte of plain letters, digits and commas is zero."""
    start = content[:2000]
    half = len(start) // 2
    if half < 4 or len(content) % 2:
        return ""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > 0.3 * half and not even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 * half and not odd else ""


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def likeliest(samples: Iterable[bytes], encodings: Sequence[str]) -> str:
    """The encoding in which all samples, which are not plain ASCII, read as words; the first one where nothing tells."""
    different = list(dict.fromkeys(samples))
    different = different[:: max(1, len(different) // _MOST)][:_MOST]
    scores = {encoding: _score(different, encoding) for encoding in encodings}
    return max(encodings, key=lambda encoding: scores[encoding])


def _score(samples: Sequence[bytes], encoding: str) -> float:
    """The mean of what `_character` says of each character that is not ASCII, and of how words are composed."""
    try:
        text = "\n".join(sample.decode(encoding) for sample in samples)
    except UnicodeDecodeError:
        return -100.0
    counts = Counter(c for c in text if not c.isascii())
    total = sum(counts.values())
    if not total:
        return -50.0
    score = sum(number * _character(c, encoding) for c, number in counts.items())
    words = Counter(word for word in _WORD.findall(text) if not word.isascii())
    score -= sum(number * _oddness(word) for word, number in words.items())
    return score / total - _RARE.get(encoding, 0.0)


@lru_cache(maxsize=20_000)
def _script(c: str) -> str:
    first = unicodedata.name(c, "").partition(" ")[0].partition("-")[0]
    return _SCRIPTS.get(first, first)


@lru_cache(maxsize=50_000)
def _character(c: str, encoding: str) -> float:
    """How usual a character is, -10 to 1.6."""
    category = unicodedata.category(c)
    if category[0] == "C":
        return -10.0
    if c in _TYPOGRAPHIC:
        return -0.3
    if category[0] not in "LM":
        return -3.0
    script = _script(c)
    usual = c.casefold() in _USUAL.get(script, "") or c in _USUAL.get(script, "")
    if script == "LATIN":
        return 1.0 if usual else 0.3
    if script == "CYRILLIC":
        return 1.0 if usual else 0.6 if c.casefold() in "жшюцщэфъёґ" else 0.1
    if script == "KANA":
        return 1.4
    if script == "HALF":
        return -1.0
    if script in ("HAN", "HANGUL"):
        return (1.6 if usual else 1.0) if _taught(c, script, encoding) else -1.0
    if script in ("HEBREW", "ARABIC") and category == "Mn":  # points, which are hardly ever written
        return -1.0
    return 0.8 if script in ("GREEK", "HEBREW", "ARABIC", "THAI") else -1.0


def _taught(c: str, script: str, encoding: str) -> bool:
    """Whether a character is one of the few thousand that standards have in their first part."""
    standard, first, last = {
        "cp932": ("cp932", 0x88, 0x97),
        "gb18030": ("gb2312", 0xB0, 0xD7),
        "cp949": ("euc_kr", 0xB0, 0xC8),
        "big5": ("big5", 0xA4, 0xC6),
    }.get(encoding, ("", 0, 0))
    if not standard:
        return True
    if encoding == "cp949" and script == "HAN":  # Koreans hardly write them
        return False
    try:
        return first <= c.encode(standard)[0] <= last
    except UnicodeEncodeError:
        return False


def _oddness(word: str) -> float:
    """What speaks against a word: letters of several scripts, capitals after small letters, more accents than letters."""
    scripts = {_script(c) for c in word if unicodedata.category(c)[0] == "L"}
    mixed = len(scripts - {"KANA", "HAN"}) + bool(scripts & {"KANA", "HAN"}) - 1
    turns = sum(a.islower() and b.isupper() for a, b in pairwise(word))
    shouted = 0.3 * sum(not c.isascii() for c in word) if len(word) > 1 and word.isupper() else 0.0
    accents = sum(not c.isascii() for c in word) if scripts == {"LATIN"} else 0
    crowded = 0.8 * accents if accents > 2 and 2 * accents > len(word) else 0.0
    return 2.0 * max(0, mixed) + 1.5 * turns + shouted + crowded
