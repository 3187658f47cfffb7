from __future__ import annotations

import pytest

from core.system.csv_safety import safe_cell
from pages.shared.ui.text import all_short, count, duration, literal, plot_text, short


def test_other_peoples_names_format_nothing() -> None:
    assert literal("**a** :red[x]\n$y$ <b>") == "\\*\\*a\\*\\* \\:\u2060red\\[x\\] \\$y\\$ \\<b\\>"
    assert literal("https://a.example") == "https\\:\u2060//a\\.example"  # not an address any more
    assert safe_cell("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert safe_cell("oak = tree") == "oak = tree"
    assert plot_text("<b>&") == "&lt;b&gt;&amp;"


def test_counts_and_durations_in_words() -> None:
    assert (count(1, "picture"), count(1200, "picture"), count(2, "class")) == (
        "1 picture",
        "1,200 pictures",
        "2 classes",
    )
    assert (duration(4), duration(33), duration(200)) == ("a few seconds", "about 35 s", "about 3 min")


def test_long_names_keep_their_ends() -> None:
    assert short("oak", 14) == "oak"
    assert short("sparrowhawk, seen from the left", 14) == "sparrow…e left"
    assert len(short("x" * 40, 14)) == 14


@pytest.mark.parametrize(
    "names",
    [
        [f"a rather long name with number {n:03} in its middle and a long end" for n in range(120)],
        [f"n{n:08} something of a thousand kinds" for n in range(1000)],
        ["x" * 50, "x" * 51, "x" * 52],
        ["short", "x" * 30 + "a" + "y" * 30, "x" * 30 + "b" + "y" * 30, "x" * 30 + "a" + "y" * 31],
        ["日本の長い名前です、とても長い一", "日本の長い名前です、とても長い二", "日本"],
    ],
)
def test_names_that_are_cut_stay_apart(names: list[str]) -> None:
    for most in (14, 16, 28):
        cut = all_short(names, most)
        assert len(set(cut)) == len(names)
        assert all(len(one) <= most for one in cut)
        assert all(one == name for one, name in zip(cut, names, strict=True) if len(name) <= most)


def test_the_same_name_stays_the_same() -> None:
    assert all_short(["x" * 40, "x" * 40], 14) == [short("x" * 40, 14)] * 2
