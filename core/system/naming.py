"""Names that people give: class names that are allowed, and file names that every system can keep. And how many of a thing."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Container
from pathlib import PurePosixPath

from core.system import disk
from core.system.errors import ProjectError

MAX_NAME = 100
"""Characters of a class name, and of a file name without its ending."""

_DEVICES = {f"{device}{number}" for device in ("com", "lpt") for number in "123456789¹²³"}
_RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | _DEVICES
SYSTEM_NAMES = ("__macosx", "thumbs.db", "desktop.ini", "system volume information", "$recycle.bin")
"""What Windows and Macs leave in folders, on sticks and in zips, in small letters."""
_DIGEST = re.compile("[0-9a-f]{64}")
_UNSAFE = re.compile(r'[\\/:*?"<>|]')
_JOINERS = "\u200c\u200d"  # Persian words and families of emoji are spelt with them
_EDGES = " ." + _JOINERS


def as_text(name: str) -> str:
    """A name that can be kept and shown: halves of characters, as damaged names have them, become `?`."""
    return name.encode("utf-8", "replace").decode()


def count(number: int, noun: str) -> str:
    """ "1 picture", "2 pictures", "3 classes", "4 copies"."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def percent(share: float, digits: int = 0) -> str:
    """ "91 %", with so many digits after the point; "100 %" and "0 %" only where it is exactly that."""
    least = 10.0 ** -(digits + 2)
    if 0 < share < least / 2:
        return f"under {least * 100:.{digits}f} %"
    if 1 - least / 2 <= share < 1:
        return f"over {(1 - least) * 100:.{digits}f} %"
    return f"{share * 100:.{digits}f} %"


def duration(seconds: float) -> str:
    """ "about 15 s", "about 3 min": rounded as coarsely as an estimate deserves."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    return f"about {round(seconds / 60)} min"


def is_digest(text: object) -> bool:
    """Whether a text is a SHA-256 in hex, as the ids of pictures are."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def class_key(name: str) -> str:
    """Two names with the same key are one class: `Cat` and `cat`, composed and decomposed accents. Macs take them for one
    file, too."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def class_name(text: str) -> str:
    """A name for a class, as it may be used for a folder: NFC, without spaces around it.

    Raises ProjectError for a blank name, one of more than 100 characters, one with a slash or a control character,
    one that begins with a dot or ends with one, the names that Windows keeps for devices, and on Windows one with a
    character that it keeps for itself.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise ProjectError("A class needs a name.", "Type a word for what is on the pictures.")
    if len(name) > MAX_NAME or len(as_text(name).encode()) > 250:
        raise ProjectError("This name is too long for a folder.", f"Use at most {MAX_NAME} characters.")
    shown = _shown(name, "?")
    if "/" in name or "\\" in name or shown != name:
        raise ProjectError(f"{shown} cannot be the name of a class.", "Leave out slashes and invisible characters.")
    if disk.WINDOWS and _UNSAFE.search(name):
        raise ProjectError(f"Windows keeps no folder called {name}.", 'Leave out these characters: < > : " | ? *')
    if name.startswith(".") or name.endswith("."):
        raise ProjectError(f"{name} cannot be the name of a class.", "A dot may be neither first nor last.")
    if is_reserved(name):
        raise ProjectError(f"{name} is a name that computers keep for themselves.", "Choose another one.")
    return name


def file_stem(original: str) -> str:
    """The name of a file without folders and ending, made safe for every system: letters stay, odd characters become `_`."""
    return _safe(PurePosixPath(original.replace("\\", "/").replace("\0", "")).stem, "picture")


def safe_class_name(folder: str) -> str:
    """A name that `class_name` allows, as near as can be to that of someone's folder."""
    try:
        return class_name(folder)
    except ProjectError:
        return _safe(folder, "class")


def kept_name(name: str) -> str:
    """The name of a file or folder from another computer, as this one can keep it: on Windows without what it has no room
    for; elsewhere as it is."""
    if not (disk.WINDOWS and name):
        return name
    path = PurePosixPath(_UNSAFE.sub("_", name).rstrip(" ."))
    return f"{_safe(path.stem, '_')}{path.suffix}"


def _safe(text: str, otherwise: str) -> str:
    safe = _cut(_UNSAFE.sub("_", _shown(unicodedata.normalize("NFC", as_text(text)), "_")))
    if is_reserved(safe):  # which the cut may have made it
        safe = _cut(f"_{safe}")
    return safe or otherwise


def _cut(text: str) -> str:
    """As much of the text as is short enough, without what no name may begin or end with."""
    cut = text.strip(_EDGES)
    while len(cut.encode()) > MAX_NAME:
        cut = cut[:-1].rstrip(_EDGES)
    return cut


def _shown(text: str, instead: str) -> str:
    """The text with every character that shows nothing replaced, but for the joiners inside words and emoji."""
    return "".join(
        c if c.isprintable() or (c in _JOINERS and 0 < at < len(text) - 1) else instead for at, c in enumerate(text)
    )


def is_reserved(name: str) -> bool:
    """Whether systems keep a name for themselves, whatever its ending: a device of Windows, or a folder of a Mac's zips."""
    return name.partition(".")[0].rstrip().casefold() in _RESERVED or name.casefold() in SYSTEM_NAMES


def free_name(stem: str, suffix: str, taken: Container[str]) -> str:
    """`stem` + `suffix`, with " (2)", " (3)", ... before the suffix while the name is taken; `taken` holds the keys of
    names (`class_key`). Where some numbers in between are free it may be a later one."""

    def is_free(number: int) -> bool:
        return class_key(f"{stem} ({number}){suffix}") not in taken

    if class_key(f"{stem}{suffix}") not in taken:
        return f"{stem}{suffix}"
    last = 2
    while not is_free(last):  # not one by one: thousands of pictures may be called image.jpg
        last *= 2
    number = bisect_left(range(last), True, lo=last // 2 + 1, key=is_free)
    return f"{stem} ({number}){suffix}"
