"""How far a share may be off by chance, when it was counted on few pictures."""

from __future__ import annotations

import math
from statistics import NormalDist

from core.system.naming import percent

FEW = 200
"""Of fewer pictures than this a share is told with its interval."""


def wilson(right: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Between which shares (low, high), 0..1, the true share lies when `right` of `total` were counted.

    The score interval of Wilson (1927), which stays inside 0..1 and keeps its promise for few pictures and for shares
    near 0 and 1 (Newcombe 1998). (0, 1) where nothing was counted. Raises ValueError unless 0 <= right <= total.
    """
    if not 0 <= right <= total:
        raise ValueError(f"expected 0 <= right <= total. Received: {right}, {total}")
    if not total:
        return 0.0, 1.0
    square = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    share = right / total
    middle = share + square / (2 * total)
    half = math.sqrt(square * (share * (1 - share) / total + square / (4 * total**2)))
    whole = 1 + square / total
    # Where all or none are right an end is 1 or 0, which rounding would miss.
    return (middle - half) / whole if right else 0.0, (middle + half) / whole if right < total else 1.0


def in_words(right: int, total: int) -> str:
    """For instance "between 87 % and 97 %", with 95 % confidence; "about 91 %" where both round to the same."""
    low, high = map(percent, wilson(right, total))
    return f"about {low}" if low == high else f"between {low} and {high}"


def if_few(right: int, total: int) -> str:
    """What is added to a share of few pictures: how far the real one may be; "" where there are many."""
    return f" {total} pictures are few: the real number is probably {in_words(right, total)}." if total < FEW else ""


def told(right: int, total: int) -> str:
    """The accuracy for people: "93.5 %", and of few pictures with its interval: "91.4 %; on many more such pictures between
    78 % and 97 %"."""
    share = percent(right / max(total, 1), 1)
    return f"{share}; on many more such pictures {in_words(right, total)}" if total < FEW else share
