"""The charts of the studies."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from core.training.experiments.found import CurveFound, FoldsFound
from pages.shared.ui import charts
from pages.shared.ui.palette import PALETTE
from pages.shared.ui.text import percent, plot_text

_BAND = "rgba(63,143,82,0.16)"
_OUTSTANDING = PALETTE[1]


def folds(found: FoldsFound) -> go.Figure:
    """A dot for each test of a cross-validation, a line at their mean, and the interval behind it."""
    shares = [fold.accuracy for fold in found.folds]
    low, high = found.interval
    strong, quiet = charts.ink()
    figure = charts.blank(76 + 28 * found.of)
    left = math.floor(10 * min([low, *shares]) - 0.01) / 10
    figure.add_vrect(low, high, fillcolor=_BAND, line_width=0, layer="below")
    figure.add_vline(found.mean, line={"color": strong, "width": 2})
    figure.add_scatter(
        x=shares,
        y=list(range(1, len(shares) + 1)),
        mode="markers",
        marker={"color": strong, "size": 13, "line": {"color": "white", "width": 1.5}},
        customdata=[f"{fold.right} of {fold.total} right, {percent(fold.accuracy)}" for fold in found.folds],
        hovertemplate="test %{y}: %{customdata}<extra></extra>",
        cliponaxis=False,
    )
    figure.add_annotation(
        x=found.mean, y=1, yref="paper", text=f"mean {percent(found.mean)}", showarrow=False,
        yanchor="bottom", xanchor="right" if found.mean > (1 + left) / 2 else "left",
        font={"color": strong, "size": 13},
    )  # fmt: skip
    figure.update_xaxes(range=[max(0.0, left), 1.005], tickformat=".0%", nticks=6, tickfont={"color": quiet})
    figure.update_yaxes(
        range=[found.of + 0.6, 0.4],
        tickvals=list(range(1, found.of + 1)),
        ticktext=[f"test {number}" for number in range(1, found.of + 1)],
    )
    return figure


def learning(found: CurveFound, metric: str, title: str) -> go.Figure:
    """How it grows with the number of pictures. `metric`: "accuracy", with its interval and the class that stands out if
    there is one; or "log_loss"."""
    steps = found.steps
    sizes = [step.pictures for step in steps]
    share = metric == "accuracy"
    strong, quiet = charts.ink()
    figure = charts.blank(
        290, title={"text": title, "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 8}}
    )
    if share:
        for row, fill in ((0, None), (1, "tonexty")):
            figure.add_scatter(
                x=sizes, y=[step.interval[row] for step in steps], mode="lines", line={"width": 0}, fill=fill,
                fillcolor=_BAND, hoverinfo="skip",
            )  # fmt: skip
    lines = [(plot_text("all classes"), [getattr(step, metric) for step in steps], strong, "solid")]
    if share and found.class_name:
        at = found.classes.index(found.class_name)
        lines.append(
            (charts.short_names([found.class_name])[0], [step.recalls[at] for step in steps], _OUTSTANDING, "dash")
        )
    for name, values, colour, dash in lines:
        figure.add_scatter(
            x=sizes,
            y=values,
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            marker={"size": 7},
            name=name,
            hovertemplate=f"%{{x:.0f}} pictures: {name} %{{y:{'.0%' if share else '.2f'}}}<extra></extra>",
        )
    if len(lines) > 1:
        above = lines[0][1][-1] >= lines[1][1][-1]
        for (name, values, colour, _), upper in zip(lines, (above, not above), strict=True):
            figure.add_annotation(
                x=math.log10(sizes[-1]), y=values[-1], text=name, showarrow=False, xanchor="right",
                yshift=14 if upper else -14, font={"color": colour, "size": 12},
            )  # fmt: skip
    figure.update_xaxes(
        type="log", title="pictures to learn from", tickvals=sizes, ticktext=[f"{size:,.0f}" for size in sizes]
    )
    if share:
        figure.update_yaxes(range=[-0.03, 1.06], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    else:
        figure.update_yaxes(range=[0, 1.1 * max(lines[0][1])], nticks=5)
    figure.update_xaxes(tickfont={"color": quiet})
    return figure
