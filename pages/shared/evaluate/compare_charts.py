"""The charts of the Compare view. Each training has a letter, a colour and a symbol, the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from core.evaluation.comparison import Pair, Side
from pages.shared.ui import charts
from pages.shared.ui.text import count, percent, plot_text, short

_LIGHT = ("#0072b2", "#d55e00", "#009e73")
_DARK = ("#56b4e9", "#e69f00", "#009e73")
_SYMBOLS = ("circle", "square", "diamond")
_MOST_CLASSES = 20
_APART = 0.07  # labels of lines that end nearer to each other, as shares of the axis, would cover each other


def _colours() -> tuple[str, ...]:
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def _title(text: str) -> dict[str, object]:
    return {"text": text, "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 8}}


def accuracies(sides: Sequence[Side], names: Mapping[str, str]) -> go.Figure:
    """A dot for each test accuracy, with its 95 % interval; what the training is called stands above it."""
    _, quiet = charts.ink()
    figure = charts.blank(96 + 58 * len(sides), title=_title("Right on its test pictures, and what is chance"))
    for row, side in enumerate(sides):
        low, high = side.interval
        colour = _colours()[row]
        figure.add_scatter(
            x=[low, high], y=[row, row], mode="lines", line={"color": colour, "width": 5}, opacity=0.45,
            hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=[side.test.accuracy],
            y=[row],
            mode="markers",
            marker={"color": colour, "size": 14, "symbol": _SYMBOLS[row]},
            hovertemplate=f"{side.test.in_words}; on many more such pictures {percent(low)} to {percent(high)}"
            "<extra></extra>",
        )
        name = plot_text(short(names[side.title], 34))
        figure.add_annotation(
            x=0, xref="paper", y=row, yshift=20, xanchor="left", showarrow=False, font={"color": colour, "size": 13},
            text=f"<b>{side.title}</b>  {name}: {percent(side.test.accuracy)}",
        )  # fmt: skip
    left = min(side.interval[0] for side in sides)
    figure.update_xaxes(
        range=[max(0.0, left - 0.08), 1.01], tickformat=".0%", nticks=6, tickfont={"color": quiet}, showgrid=True,
        gridcolor="rgba(128,128,128,0.18)",
    )  # fmt: skip
    figure.update_yaxes(range=[len(sides) - 0.6, -0.75], visible=False)
    return figure


def curves(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> go.Figure | None:
    """Validation accuracy by epoch, one line a training with its letter at the end; None if no training has epochs."""
    figure = charts.blank(290, title=_title("While it learned: right when checked (validation)"))
    ends: list[tuple[float, float, str, str]] = []
    for row, (letter, history) in enumerate(histories.items()):
        points = [(e["epoch"], e["val_accuracy"]) for e in history if "epoch" in e and "val_accuracy" in e]
        if not points:
            continue
        x, y = zip(*points, strict=True)
        colour = _colours()[row]
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"symbol": _SYMBOLS[row], "size": 7 if len(x) < 40 else 4},
            hovertemplate=f"{letter}, round %{{x}}: %{{y:.0%}}<extra></extra>",
        )
        ends.append((y[-1], x[-1], letter, colour))
    if not ends:
        return None
    below = 2.0
    for value, x_end, letter, colour in sorted(ends, reverse=True):
        place = min(value, below - _APART)
        below = place
        figure.add_annotation(
            x=x_end, y=place, text=f"<b>{letter}</b>", showarrow=False, xanchor="left", xshift=8,
            font={"color": colour, "size": 14},
        )  # fmt: skip
    right = max(x for _, x, _, _ in ends)
    figure.update_xaxes(range=[0.5, max(right, 2) * 1.08 + 0.5], title="round (epoch)", tickformat="d", nticks=7)
    figure.update_yaxes(range=[-0.03, 1.06], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure


def deltas(pair: Pair) -> go.Figure:
    """By class, how much more of its shared test pictures the second has right than the first; the largest changes."""
    first, second = pair.first.title, pair.second.title
    recalls = sorted(pair.recalls, key=lambda recall: -abs(recall.delta))[:_MOST_CLASSES]
    recalls.sort(key=lambda recall: -recall.delta)
    colours = dict(zip(("A", "B", "C"), _colours(), strict=True))
    figure = charts.blank(
        92 + 28 * len(recalls),
        title=_title("Class by class (recall)"),
    )
    figure.add_bar(
        x=[recall.delta for recall in recalls],
        y=list(range(len(recalls))),
        orientation="h",
        marker={"color": [colours[second if recall.delta > 0 else first] for recall in recalls], "cornerradius": 4},
        text=[f"{100 * recall.delta:+.0f}" if recall.delta else "same" for recall in recalls],
        textposition="outside",
        cliponaxis=False,
        width=0.55,
        customdata=[
            f"{plot_text(recall.name)}, {count(recall.total, 'picture')}: {first} {percent(recall.first)}, "
            f"{second} {percent(recall.second)}"
            for recall in recalls
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_vline(0, line={"color": charts.ink()[1], "width": 1})
    for letter, side, to in ((first, "right", -6), (second, "left", 6)):
        figure.add_annotation(
            x=0, y=1, yref="paper", yanchor="bottom", xanchor=side, xshift=to, showarrow=False,
            text=f"{letter} better", font={"color": colours[letter], "size": 12},
        )  # fmt: skip
    most = max(0.2, *(abs(recall.delta) for recall in recalls))
    figure.update_xaxes(
        range=[-1.25 * most, 1.25 * most], tickformat=".0%", nticks=5, tickfont={"color": charts.ink()[1]}
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(recalls))),
        ticktext=charts.short_names([recall.name for recall in recalls]),
    )
    return figure
