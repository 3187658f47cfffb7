"""The part of Configure about changes at random: how much, each change by itself, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.config.augmentation import MIXING, AugmentConfig
from core.config.augmentation_presets import LEVELS, level_of
from core.config.training import TrainConfig
from core.datasets.catalogue import Picture
from core.datasets.project import Project
from core.datasets.splits import Split
from core.imaging.augment import augment, generator
from core.imaging.decode import read_square
from core.imaging.flip_hints import side_word
from core.imaging.mixing import mix
from core.system.errors import PictureError
from pages.shared.session import tab
from pages.shared.ui import forms
from pages.shared.ui.text import literal, percent, short

GROUPS = {
    "Place": ("flip", "rotation", "zoom", "translation", "crop", "shear", "perspective"),
    "Light and colour": ("brightness", "contrast", "saturation", "hue"),
    "Detail": ("sharpness", "blur", "erasing"),
    "Changes drawn by chance (policies)": ("rand_augment", "aug_mix", "magnitude"),
    "Mixing two pictures": MIXING,
}
"""All settings of AugmentConfig, as they lie together on the page."""

_SENTENCES = {
    "off": "Each picture is learned from just as it is.",
    "light": "Mirrored, shifted a little, a little nearer or brighter. Right for most photos.",
    "medium": "Also turned, cropped, paler or starker. For few pictures, or photos taken in many ways.",
    "strong": "Also slanted, out of focus, partly covered. For very few pictures; learning takes longer.",
    "own": "Choose each change yourself: 0 is off.",
}
_TOGETHER, _ALONE = "All together", "One by one"
_COPIES = 9
_PAIRS = 3


def choose(config: TrainConfig, values: dict[str, Any], key: Callable[[str], str]) -> DeltaGenerator:
    """Asks how much is changed, and fills `values["augment"]`; `key` makes a widget's key from a name.

    Returns the place for the preview: above the single changes, so that one sees what a change of theirs does.
    """
    level = st.segmented_control(
        "How much is changed",
        list(_SENTENCES),
        default=level_of(config.augment),
        required=True,
        format_func=str.capitalize,
        key=key("augmentation level"),
        label_visibility="collapsed",
        persist_state="session",
    )
    st.caption(_SENTENCES[level])
    place = st.container()
    if level in LEVELS:
        values["augment"] = LEVELS[level].model_dump()
        return place
    chosen = config.augment.model_dump()
    for group, names in GROUPS.items():
        with st.expander(group, key=key(f"augmentation {group}")):
            for name in names:
                if name == "magnitude" and not (chosen["rand_augment"] or chosen["aug_mix"]):
                    continue
                chosen[name] = forms.field(AugmentConfig, name, chosen[name], key(f"augment {name}"))
    values["augment"] = chosen
    return place


def preview(project: Project, split: Split, config: TrainConfig) -> None:
    """Changed copies of one training picture, and mixed pairs where pairs are mixed, as training will see them; nothing where
    nothing is changed."""
    told = side_word(split.classes) if config.augment.flip != "off" else ""
    if told:
        st.caption(f":orange[:material/warning:] {literal(told)}")
    turn = tab.first("preview", 0)
    try:
        if config.augment.active:
            _copies(project, split.train[turn * 7 % len(split.train)], config)
        if config.augment.mixes:
            _pairs(project, split, config, turn)
    except PictureError as error:
        st.caption(literal(f"{error.message} {error.hint}"))
    if config.augment.active or config.augment.mixes:
        st.button("Another picture", icon=":material/refresh:", type="tertiary", on_click=_turn_over)


def _turn_over() -> None:
    tab.count("preview")


def _copies(project: Project, picture: Picture, config: TrainConfig) -> None:
    """Nine draws, or each change that is switched on by itself."""
    original = read_square(project.path_of(picture.path), config.input_pixels, config.input_framing)
    parts = _parts(config.augment)
    alone = len(parts) > 1 and (
        st.segmented_control(
            "Show",
            (_TOGETHER, _ALONE),
            default=_TOGETHER,
            required=True,
            key="augmentation preview",
            label_visibility="collapsed",
            persist_state="session",
        )
        == _ALONE
    )
    with st.grid(3, min_column_width=90, gap="xsmall"):
        if alone:
            for title, part in parts.items():
                _show(_telling(original, part), f"{picture.class_name}: {title}", title)
        else:
            for draw in range(1, _COPIES + 1):
                changed = augment(original, config.augment, generator(config.seed, picture.id, draw))
                _show(changed, f"{picture.class_name}, changed copy {draw}")


def _parts(config: AugmentConfig) -> dict[str, AugmentConfig]:
    """Each change of single pictures that is switched on, by its plain title, with all others off."""
    parts = {}
    for name, value in config.switched_on.items():
        if name not in (*MIXING, "magnitude"):
            title = (AugmentConfig.model_fields[name].title or name).partition(" (")[0]
            parts[title] = AugmentConfig.model_validate({name: value, "magnitude": config.magnitude})
    return parts


def _telling(original: np.ndarray, config: AugmentConfig) -> np.ndarray:
    """Of a few draws the one that differs most, so that one sees how far a change may go."""
    draws = [augment(original, config, generator("preview", number)) for number in range(4)]
    small = original[::8, ::8].astype(np.int16)
    return max(draws, key=lambda draw: int(np.abs(draw[::8, ::8] - small).sum()))


def _pairs(project: Project, split: Split, config: TrainConfig, turn: int) -> None:
    """Three pictures of a batch after mixing, with what the label then says."""
    rng = generator(config.seed, "preview pairs", turn)
    taken = [split.train[i] for i in rng.choice(len(split.train), min(2 * _PAIRS, len(split.train)), replace=False)]
    seen = (read_square(project.path_of(p.path), config.input_pixels, config.input_framing) for p in taken)
    pictures = np.stack(list(seen))
    truth = np.eye(len(split.classes), dtype=np.float32)[[split.classes.index(str(p.class_name)) for p in taken]]
    mixed, shares = mix(pictures.astype(np.float32), truth, config.augment, rng)
    most_mixed = np.argsort(shares.max(axis=1), kind="stable")[:_PAIRS]
    st.caption("Two pictures mixed, and what the answer should then be")
    with st.grid(3, min_column_width=90, gap="xsmall"):
        for row in most_mixed:
            order = [label for label in np.argsort(-shares[row], kind="stable")[:2] if shares[row, label] > 0]
            said = ", ".join(f"{percent(float(shares[row, i]))} {short(split.classes[i], 16)}" for i in order)
            _show(np.rint(mixed[row]).astype(np.uint8), f"mixed: {said}", said)


def _show(picture: np.ndarray, alt: str, caption: str = "") -> None:
    st.image(picture, caption=literal(caption) or None, width="stretch", alt=alt)
