"""Whatever a person types or a file is called: a name that every system can keep, or a sentence."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.system.errors import ProjectError
from core.system.naming import class_key, class_name, file_stem, free_name, percent, safe_class_name
from tests.sentences import must_tell

DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{d}{n}" for d in ("com", "lpt") for n in "123456789¹²³"
}
"""Names that Windows keeps, as Python's own list has them (ntpath.isreserved)."""
ODD = [
    "con",
    "NUL",
    "com¹",
    ".",
    " ",
    "/",
    "\\",
    "\0",
    "\n",
    ":",
    "?",
    "\u200d",
    "\u202e",
    "e\u0301",
    "\ud800",
    "👩",
    "x" * 40,
]
TEXTS = st.one_of(
    st.text(), st.text(alphabet=st.characters(), max_size=200), st.lists(st.sampled_from(ODD), max_size=60).map("".join)
)


def must_be_kept_everywhere(name: str) -> None:
    """Fails for a name of a file or folder that some system refuses or changes."""
    assert name
    assert len(name.encode()) <= 255
    assert not name.startswith((" ", ".")), "hidden"
    assert not name.endswith((" ", ".")), "Windows takes these away"
    assert name.partition(".")[0].rstrip().casefold() not in DEVICES
    assert not set(name) & set("/\\\0")
    assert all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in name)


@given(TEXTS)
def test_any_text_is_a_class_or_is_refused_with_a_sentence(text: str) -> None:
    try:
        name = class_name(text)
    except ProjectError as error:
        must_tell(error)
        return
    must_be_kept_everywhere(name)
    assert len(name) <= 100
    assert class_name(name) == name
    assert unicodedata.is_normalized("NFC", name)


@given(TEXTS)
@example("x" * 97 + "\u200dxxxxx")
@example("con" + " " * 99 + "x")
def test_any_folder_gives_a_class_that_is_allowed(text: str) -> None:
    name = safe_class_name(text)
    assert class_name(name) == name


@given(TEXTS)
@example("con" + " " * 99 + "x")
def test_the_stem_of_any_file_is_one_that_every_system_keeps(text: str) -> None:
    stem = file_stem(text)
    must_be_kept_everywhere(stem)
    assert len(stem.encode()) <= 100
    assert not set(stem) & set('<>:"|?*')
    assert file_stem(f"{stem}.png") == stem


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["", ".png", ".PNG", ".tar.gz"]))))
def test_a_free_name_is_never_taken(wanted: list[tuple[str, str]]) -> None:
    taken: set[str] = set()
    for stem, suffix in wanted:
        name = free_name(stem, suffix, taken)
        assert class_key(name) not in taken
        assert name.startswith(stem)
        assert name.endswith(suffix)
        taken.add(class_key(name))


def test_thousands_of_one_name_are_numbered_without_counting() -> None:
    class Taken(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    taken = Taken()
    for number in range(1, 2001):
        name = free_name("image", ".jpg", taken)
        assert name == ("image.jpg" if number == 1 else f"image ({number}).jpg")
        taken.add(class_key(name))
    assert taken.asked < 2000 * 30
    taken.remove("image (7).jpg")
    assert free_name("image", ".jpg", taken) == "image (2001).jpg"


@pytest.mark.parametrize("name", sorted(DEVICES))
def test_the_names_of_devices_are_refused(name: str) -> None:
    for spelt in (name, name.upper(), f"{name}.jpg", f"{name} .x"):
        with pytest.raises(ProjectError, match="keep for themselves"):
            class_name(spelt)
        assert safe_class_name(spelt) == f"_{spelt}"


def test_what_is_left_of_a_long_name_is_looked_at_again() -> None:
    """A cut left names of devices, and joiners at the end, which are refused."""
    assert safe_class_name("con" + " " * 99 + "x") == file_stem("con" + " " * 99 + "x") == "_con"
    assert safe_class_name("x" * 97 + "\u200dxxxxx") == "x" * 97


def test_a_name_that_differs_in_how_its_accents_are_written_is_taken() -> None:
    """On a Mac the two are one file, and moving one to the other would lose that."""
    assert free_name("\u00c9t\u00e9", ".png", {class_key("e\u0301te\u0301.png")}) == "\u00c9t\u00e9 (2).png"


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0, 0, "0 %"),
        (0.001, 0, "under 1 %"),
        (0.007, 0, "1 %"),
        (0.914, 0, "91 %"),
        (0.9951, 0, "over 99 %"),
        (0.9999, 0, "over 99 %"),
        (1, 0, "100 %"),
        (0, 1, "0.0 %"),
        (1 / 2500, 1, "under 0.1 %"),
        (0.9, 1, "90.0 %"),
        (1999 / 2000, 1, "over 99.9 %"),
        (1, 1, "100.0 %"),
    ],
)
def test_percent_is_exact_at_its_ends(share: float, digits: int, words: str) -> None:
    assert percent(share, digits) == words
