from __future__ import annotations

import pytest

from core.cells import safe_cell
from pages.shared.text import count, duration, literal, percent, plot_text


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.001, "under 1 %"),
        (0.007, "1 %"),
        (0.914, "91 %"),
        (0.9951, "over 99 %"),
        (0.9999, "over 99 %"),
        (1, "100 %"),
    ],
)
def test_percent_is_exact_at_its_ends(share: float, words: str) -> None:
    assert percent(share) == words


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
