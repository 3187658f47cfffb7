"""Words for people: other people's names shown literally, durations and counts in plain language."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Sequence
from os.path import commonprefix

from core.system.naming import count, duration, percent

__all__ = ["all_short", "count", "duration", "literal", "percent", "plot_text", "short"]

_REPLACED = re.compile(r"\\:(?=//|\w)|\bwww(?=\\\.)|@|\\[-<>~](?=\\[->]|=)", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$^&])")


def literal(text: str) -> str:
    """A name as it is, for a label or Markdown: no character of it formats, links or colours anything."""
    escaped = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    # Addresses become links, and :material_x: or -> signs, whatever is escaped in them; a word joiner, which takes no
    # space, keeps them apart.
    return _REPLACED.sub("\\g<0>\u2060", escaped)


def short(text: str, most: int = 28) -> str:
    """A name, cut in the middle where it would not fit: long names often differ at their ends."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[half + 1 - most :]}"


def all_short(names: Sequence[str], most: int = 28) -> list[str]:
    """Names as `short` cuts them, but those that would look the same around where they begin to differ, or else numbered."""
    cut = [short(name, most) for name in names]
    alike: dict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(cut):
        alike[words].append(place)
    for group in alike.values():
        if len({names[place] for place in group}) > 1:
            begin = max(0, len(commonprefix([names[place] for place in group])) - 2)  # noqa: RUF071 - of characters
            for place in group:
                cut[place] = short(f"…{names[place][begin:]}", most)
    seen: dict[str, str] = {}
    for place, name in enumerate(names):
        if seen.setdefault(cut[place], name) != name:
            number = f" ({place + 1})"
            cut[place] = f"{cut[place][: most - len(number)]}{number}"
    return cut


def plot_text(text: str) -> str:
    """A name as it is, for Plotly, which takes some tags for formatting."""
    return html.escape(" ".join(text.split()), quote=False)
