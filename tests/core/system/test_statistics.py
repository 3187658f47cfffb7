"""Intervals against published values."""

from __future__ import annotations

import math

import pytest

from core.system.statistics import in_words, wilson


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_examples(right: int, total: int, low: float, high: float) -> None:
    assert wilson(right, total) == pytest.approx((low, high), abs=5e-5)
    assert wilson(total - right, total) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_the_ends_solve_the_equation_that_defines_them() -> None:
    share, total, z = 53 / 60, 60, 1.959963984540054
    for end in wilson(53, total):
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / total), rel=1e-9)


def test_more_pictures_and_less_confidence_are_narrower() -> None:
    def width(*arguments: float) -> float:
        low, high = wilson(*arguments)  # type: ignore[arg-type]
        return high - low

    assert width(900, 1000) < width(90, 100)
    assert width(90, 100, 0.8) < width(90, 100)


def test_nothing_counted_tells_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="Received: 5, 4"):
        wilson(5, 4)


def test_in_words() -> None:
    assert in_words(53, 60) == "between 78 % and 94 %"
    assert in_words(60, 60) == "between 94 % and 100 %"
    assert in_words(91_000, 100_000) == "about 91 %"
