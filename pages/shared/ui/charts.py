"""Plotly charts, all of one kind: calm, labelled where the line ends, and with fixed axes so that a live one never jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.shared.ui.text import all_short, percent, plot_text

_LONGEST_NAME = 20
_CONFIG = {"displayModeBar": False, "scrollZoom": False}


def _dark() -> bool:
    return st.context.theme.type == "dark"


def ink() -> tuple[str, str]:
    """Colours of what matters and of what stands back: both readable on the page's ground, light or dark."""
    return ("#63b878", "#aaa59b") if _dark() else ("#2c7a41", "#6f6a60")


def short_names(names: Sequence[str]) -> list[str]:
    """Names that leave room for the plot, no two the same; hovering shows them whole."""
    return [plot_text(name) for name in all_short(names, _LONGEST_NAME)]


def blank(height: int, **layout: Any) -> go.Figure:
    """An empty figure of the kind that all charts here are."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        dragmode=False,
        uirevision="same",
        **layout,
    )
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=True, fixedrange=True)
    figure.update_yaxes(showgrid=False, zeroline=False, automargin=True, fixedrange=True)
    return figure


def show(figure: go.Figure, key: str, alt: str) -> None:
    """Draws a figure in the page's own theme."""
    st.plotly_chart(figure, key=key, config=_CONFIG, alt=alt)


def answers(classes: Sequence[str], probabilities: Sequence[float], colours: Sequence[str], top: int = 5) -> go.Figure:
    """Bars of confidence, the likeliest first, each in the colour of its class."""
    best = sorted(zip(probabilities, range(len(classes)), strict=True), reverse=True)[:top]
    figure = blank(34 + 40 * len(best))
    figure.add_bar(
        x=[p for p, _ in best],
        y=list(range(len(best))),
        customdata=[plot_text(classes[i]) for _, i in best],
        orientation="h",
        marker={"color": [colours[i] for _, i in best], "cornerradius": 6},
        text=[percent(p) for p, _ in best],
        textposition="outside",
        cliponaxis=False,
        width=0.55,
        hovertemplate="%{customdata}: %{x:.1%}<extra></extra>",
    )
    figure.update_layout(margin={"t": 4, "r": 44})
    figure.update_xaxes(range=[0, 1], visible=False)
    figure.update_yaxes(
        autorange="reversed",
        tickfont={"size": 14},
        tickvals=list(range(len(best))),
        ticktext=short_names([classes[i] for _, i in best]),
    )
    return figure


_PARTS = (("#2c7a41", "#ffffff", "learn"), ("#e69f00", "#14201a", "check"), ("#0072b2", "#ffffff", "test"))


def parts(counts: Mapping[str, int]) -> go.Figure:
    """The split as one bar of three parts."""
    figure = blank(44, barmode="stack")
    for (name, number), (colour, ink, word) in zip(counts.items(), _PARTS, strict=True):
        figure.add_bar(
            x=[number],
            y=[""],
            orientation="h",
            marker={"color": colour, "cornerradius": 6},
            text=f"{number:,} {word}",
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": ink, "size": 12},
            constraintext="none",
            hovertemplate=f"{name}: {number:,}<extra></extra>",
        )
    figure.update_layout(margin={"t": 0, "b": 0, "l": 0, "r": 0}, bargap=0.1)
    figure.update_xaxes(visible=False, range=[0, sum(counts.values())])
    figure.update_yaxes(visible=False)
    return figure
