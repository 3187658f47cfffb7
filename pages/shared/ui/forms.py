"""Widgets made from a settings class: which it is, its bounds, title and help come from there and stand nowhere else."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.system.settings import Slider

_LEAST = 1e-6
"""The least that can be typed where a value must be above 0."""


def bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    """The lowest and highest value a field allows; None where there is no bound."""
    low = next(
        (m.ge if hasattr(m, "ge") else m.gt for m in info.metadata if hasattr(m, "ge") or hasattr(m, "gt")), None
    )
    high = next((m.le for m in info.metadata if hasattr(m, "le")), None)
    return low, high


def field(settings: type[BaseModel], name: str, value: Any, key: str) -> Any:
    """One widget for one setting; returns what the person chose."""
    info = settings.model_fields[name]
    label, help_ = info.title or name, info.description
    low, high = bounds(info)
    if get_origin(info.annotation) is Literal:
        return st.segmented_control(
            label, get_args(info.annotation), default=value, required=True, key=key, help=help_, persist_state="session"
        )
    if info.annotation is bool:
        return st.toggle(label, value, key=key, help=help_, persist_state="session")
    if info.annotation is str:
        return st.text_input(label, value, key=key, help=help_, persist_state="session")
    if info.annotation in (int, int | None):
        return st.number_input(
            label, int(low or 0), int(high or 2**31 - 1), value, key=key, help=help_, persist_state="session"
        )
    slider = next((m for m in info.metadata if isinstance(m, Slider)), None)
    if slider:
        return st.slider(
            label, float(low or 0), float(high or 1), float(value), slider.step, format="percent", key=key, help=help_,
            persist_state="session",
        )  # fmt: skip
    above = any(hasattr(bound, "gt") for bound in info.metadata)
    return st.number_input(
        label,
        float(low or 0) + (min(_LEAST, value / 2) if above else 0),
        None if high is None else float(high),
        float(value),
        step=10.0 ** math.floor(math.log10(value or 1)) / 10,  # so that one click down never reaches 0
        format="%g",
        key=key,
        help=help_,
        persist_state="session",
    )
