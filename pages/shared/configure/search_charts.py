"""The charts of a search and of the learning-rate finder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from core.training.experiments.found import RatesFound, Try
from core.training.experiments.ranges import Range
from pages.shared.ui import charts
from pages.shared.ui.text import percent, plot_text

_MOST_LINES = 100
_LONGEST = 13
_MANY = 6  # more axes leave no room for words between them
_ROOM = 0.08


def parallel(rows: Sequence[Try], space: Mapping[str, Range], names: Mapping[str, str]) -> go.Figure:
    """A line a try through its value of each setting (parallel coordinates, Inselberg 1985), ending at its accuracy.

    `rows`: as in found.json, the best first; `names`: of the settings, short.
    """
    shown = [(row, row.val_accuracy) for row in rows if row.val_accuracy is not None][:_MOST_LINES]
    figure = charts.blank(330)
    axes = [*space, "val_accuracy"]
    reached = [share for _, share in shown] or [0.0]
    ends = (min(reached), max(reached))
    strong, quiet = charts.ink()
    shades = [quiet, strong]
    for number, (row, share) in reversed(list(enumerate(shown))):  # the best on top
        told = ", ".join(f"{names[name]} {word(row.values.get(name, ''))}" for name in space)
        best, place = number == 0, _share(share, *ends)
        figure.add_scatter(
            x=list(range(len(axes))),
            y=[*(height(row.values.get(name), space[name]) for name in space), place],
            mode="lines+markers",
            line={"color": sample_colorscale(shades, place)[0], "width": 4 if best else 1.5},
            marker={"size": 8 if best else 4},
            opacity=1.0 if best else 0.6,
            text=[plot_text(f"try {row.number + 1}: {percent(share)} right; {told}")] * len(axes),
            hovertemplate="%{text}<extra></extra>",
        )
    last = len(axes) - 1
    for x, name in enumerate(axes):
        figure.add_vline(x=x, line={"color": quiet, "width": 1}, layer="below")
        figure.add_annotation(
            x=x, y=1 + 2 * _ROOM, text=plot_text(names.get(name, "right")).replace(" ", "<br>"), showarrow=False,
            xanchor="left" if x == 0 else "right" if x == last else "center", yanchor="bottom",
            yshift=32 if len(axes) > _MANY and x % 2 else 0, font={"size": 12},
        )  # fmt: skip
        marks = _marks(space[name]) if name in space else [(0.0, percent(ends[0])), (1.0, percent(ends[1]))]
        for y, text in marks if len(axes) <= _MANY else ():
            figure.add_annotation(
                x=x, y=y, text=plot_text(_tail(text)), showarrow=False, font={"size": 11, "color": quiet},
                xanchor="right" if x == last else "left", xshift=-6 if x == last else 6,
                yshift=(20 if x == last else 8) * (1 if y > 0.5 else -1),
            )  # fmt: skip
    figure.update_xaxes(visible=False, range=[-0.02, last + 0.02])
    figure.update_yaxes(visible=False, range=[-2 * _ROOM, 1 + 2 * _ROOM])
    figure.update_layout(hovermode="closest", margin={"t": 76 if len(axes) > _MANY else 44})
    return figure


def rates(found: RatesFound) -> go.Figure:
    """The loss by the learning rate, with what is suggested."""
    figure = charts.blank(240)
    strong, quiet = charts.ink()
    x, y, suggestion = found.rates, found.losses, found.suggestion
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": quiet, "width": 2.5},
        hovertemplate="learning rate %{x:.2g}: loss %{y:.2f}<extra></extra>",
    )
    if suggestion:
        nearest = min(range(len(x)), key=lambda step: abs(math.log(x[step] / suggestion)))
        figure.add_scatter(
            x=[suggestion],
            y=[y[nearest]],
            mode="markers+text",
            marker={"color": strong, "size": 11},
            text=[f"{suggestion:g}"],
            textposition="top right",
            textfont={"color": strong, "size": 13},
            hovertemplate=f"suggested: {suggestion:g}<extra></extra>",
        )
    figure.update_xaxes(type="log", title="learning rate", dtick=1, tickformat="~g", exponentformat="none")
    # Where the steps are too large, the loss has no bound; the fall before that is what shall be seen, be it small.
    first, lowest = (y[0], min(y)) if y else (1.0, 0.0)
    fall = max(first - lowest, 0.05 * first)
    figure.update_yaxes(range=[max(0.0, lowest - 0.2 * fall), first + 0.4 * fall], title="loss", nticks=4)
    return figure


def word(value: Any) -> str:
    """A setting's value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def height(value: Any, chosen: Range) -> float:
    """Where a value lies on its axis, 0 to 1."""
    if chosen.choices:
        return chosen.choices.index(value) / max(len(chosen.choices) - 1, 1) if value in chosen.choices else 0.5
    if chosen.log:
        return _share(math.log(value), math.log(chosen.low), math.log(chosen.high))
    return _share(value, chosen.low, chosen.high)


def _marks(chosen: Range) -> list[tuple[float, str]]:
    if chosen.choices:
        return [(height(value, chosen), word(value)) for value in chosen.choices]
    return [(0.0, word(chosen.low)), (1.0, word(chosen.high))]


def _tail(text: str) -> str:
    """The end of a long word, by which names of models differ."""
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 1.0
