"""The part of Configure with every other setting, folded away: the plain words first, the terms beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.config.augmentation import AugmentConfig
from core.config.backbones import BACKBONES
from core.config.training import STEPPING, TrainConfig
from pages.shared.configure import models, network
from pages.shared.ui import forms

_LEARNING = "How it learns"
GROUPS: dict[str, tuple[str, ...]] = {
    _LEARNING: (
        "epochs", "optimizer", "batch_size", "momentum", "weight_decay", "learning_rate", "schedule", "loss",
        "label_smoothing", "patience", "keep_best", "seed",
    ),
    "Holding back (regularisation)": ("l2", "l2_plain", "l1", "dropout"),
    "Large and small classes (imbalance)": ("class_weights", "sampling"),
    "What the head sees (features)": (
        "multi_level",
        "deviations",
        "expanded",
        "mirrored",
        "integer_features",
        "standardise",
        "whitening",
        "draws",
    ),
    "Fine-tuning": ("fine_tune", "fine_tune_blocks", "fine_tune_epochs", "fine_tune_rate", "fine_tune_warm_up"),
}  # fmt: skip
"""Settings of TrainConfig as they lie together; those of the model, split and augmentation have parts of their own."""

_FOR_PRETRAINED = {"l2", *GROUPS["What the head sees (features)"], *GROUPS["Fine-tuning"]}
_NEEDS: dict[str, Callable[[dict[str, Any]], bool]] = {
    **dict.fromkeys(STEPPING, lambda values: not _solved(values)),
    "momentum": lambda values: values["optimizer"] == "sgd",
    "weight_decay": lambda values: values["optimizer"] == "adamw",
    "draws": lambda values: AugmentConfig.model_validate(values["augment"]).active,
    "fine_tune_blocks": lambda values: values["fine_tune"] == "last",
    "fine_tune_epochs": lambda values: values["fine_tune"] != "off",
    "fine_tune_rate": lambda values: values["fine_tune"] != "off",
    "fine_tune_warm_up": lambda values: values["fine_tune"] != "off",
    **dict.fromkeys(("deviations", "expanded"), lambda values: bool(values["multi_level"])),
}
"""Settings that mean something only beside others."""


def show(config: TrainConfig, values: dict[str, Any], key: Callable[[str], str]) -> None:
    """Asks for everything else, and fills `values`; `key` makes a widget's key from a name."""
    with st.expander("Model", icon=":material/hub:"):
        values["backbone"] = models.show(config, key)
        pretrained = not _from_scratch(values["backbone"])
        left, right = st.columns(2, gap="large")
        with left:
            values["pixels"] = forms.field(TrainConfig, "pixels", values["pixels"], key("pixels"))
        if pretrained:
            with right:
                values["minutes"] = forms.field(TrainConfig, "minutes", values["minutes"], key("minutes"))
            if values["minutes"]:
                with right:
                    values["download_megabytes"] = forms.field(
                        TrainConfig, "download_megabytes", values["download_megabytes"], key("download_megabytes")
                    )
            values["second_backbone"] = _second(config, key)
            values["network"] = None
        else:
            values["minutes"], values["network"] = 0.0, network.show(config, values["backbone"], key)
    with st.expander("More settings", icon=":material/tune:"):
        for title, names in GROUPS.items():
            shown = [name for name in names if pretrained or name not in _FOR_PRETRAINED]
            if not shown:
                continue
            st.markdown(f"**{title}**")
            told = st.empty() if title == _LEARNING else None
            places = st.columns(2, gap="large")
            number = 0
            for name in shown:
                if name in _NEEDS and not _NEEDS[name](values):
                    if name in STEPPING:  # else lbfgs could not be chosen
                        values[name] = TrainConfig.model_fields[name].default
                    continue
                with places[number % 2]:
                    values[name] = forms.field(TrainConfig, name, values[name], key(name))
                number += 1
            if told and _solved(values):
                told.caption(
                    "With adam, adamw or sgd there is more to set, for fine-tuning too: learning rate, batch size, dropout "
                    "and others."
                )


def _solved(values: dict[str, Any]) -> bool:
    return values["optimizer"] == "lbfgs" and not _from_scratch(values["backbone"])


def _from_scratch(backbone: str) -> bool:
    return backbone in BACKBONES and not BACKBONES[backbone].pretrained


def _second(config: TrainConfig, key: Callable[[str], str]) -> str:
    field = TrainConfig.model_fields["second_backbone"]
    options = ["", *(name for name, backbone in BACKBONES.items() if backbone.pretrained)]
    if config.second_backbone not in options:
        options.append(config.second_backbone)
    return st.selectbox(
        field.title or "Second model",
        options,
        index=options.index(config.second_backbone),
        format_func=lambda name: BACKBONES[name].title if name in BACKBONES else name or "none",
        help=field.description,
        key=key("second_backbone"),
        persist_state="session",
    )
