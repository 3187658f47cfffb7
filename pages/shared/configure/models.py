"""The part of Configure that chooses the network: a list to search, what is known of the chosen one, and a table of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from core.config.backbones import BACKBONES, OTHER, REFERENCE, Backbone, get_backbone
from core.config.training import TrainConfig
from core.models.weights_store import checksum_of, is_here, trust, trusted
from core.system import storage
from core.system.errors import ConfigError
from pages.shared.ui.text import literal

"""What the others are compared with."""

_ELSEWHERE = "elsewhere"


def show(config: TrainConfig, key: Callable[[str], str]) -> str:
    """Asks for the backbone and returns its name; `key` makes a widget's key from a name.

    While what was typed for a module from elsewhere is none, it says so, and the name is that of `config`.
    """
    field = TrainConfig.model_fields["backbone"]
    options = [*BACKBONES, _ELSEWHERE]
    current = config.backbone if config.backbone in BACKBONES else _ELSEWHERE
    choice = st.selectbox(
        field.title or "Model",
        options,
        index=options.index(current),
        format_func=_label,
        help="The network that looks at the pictures (backbone). Type to search.",
        key=key("model"),
        persist_state="session",
    )
    name = _elsewhere(config, key) if choice == _ELSEWHERE else choice
    if name != _ELSEWHERE:
        _facts(get_backbone(name))
    with st.expander("All models compared", icon=":material/table_rows:"):
        _table()
    return config.backbone if name == _ELSEWHERE else name


def speeds() -> dict[str, float]:
    """How long each backbone takes for a picture, compared with EfficientNet-Lite0; only those that were measured here."""
    found = storage.read_json(storage.data_home() / "speeds.json")
    measured: dict[Any, Any] = found if isinstance(found, dict) else {}
    times = {name: ms for name, ms in measured.items() if isinstance(ms, int | float) and ms > 0}
    return {name: ms / times[REFERENCE] for name, ms in times.items()} if REFERENCE in times else {}


def _label(name: str) -> str:
    if name == _ELSEWHERE:
        return "Another module of TensorFlow Hub: an address or a folder"
    return f"{BACKBONES[name].title}: {BACKBONES[name].good_for}"


def _facts(backbone: Backbone) -> None:
    facts = [f"is made for {backbone.input_pixels} x {backbone.input_pixels} pixels"]
    if backbone.parameters:
        facts.insert(0, f"{backbone.parameters / 1e6:.1f} million weights")
    slow = speeds().get(backbone.name)
    if slow and backbone.name != REFERENCE:
        facts.append(f"takes {slow:.1f} times as long as {BACKBONES[REFERENCE].title} here")
    if not is_here(backbone):
        size = f" ({backbone.megabytes:,.0f} MB)" if backbone.megabytes else ""
        facts.append(f"is downloaded once{size} when you train")
    st.caption(f"{literal(backbone.title)}: {', '.join(facts)}.")
    if backbone.weights_address:
        st.caption(literal(_origin(backbone)))


def _origin(backbone: Backbone) -> str:
    """Where the weights come from, what they may be used for, and how it is known that they are the right ones."""
    checksum, host = checksum_of(backbone), urlsplit(backbone.weights_address).hostname
    if checksum:
        kind = "MD5" if len(checksum.value) == 32 else "SHA-256"
        whose = {
            "table": "that Fieldguide knows",
            "publisher": "that their publisher told when they came",
            "here": "of what came first, computed here",
        }
        checked = f"They are checked against the {kind} {whose[checksum.source]}: {checksum.value}."
    elif is_here(backbone):
        checked = "No checksum of the file on this computer is known."
    else:
        checked = (
            "They are checked against the SHA-256 that their publisher tells; if none is told, that of what comes is kept, "
            "and checked later on."
        )
    return f"Weights from {host}, licence: {backbone.licence or 'none known'}. {checked}"


def _elsewhere(config: TrainConfig, key: Callable[[str], str]) -> str:
    """The name of a module from elsewhere, or _ELSEWHERE while there is none."""
    before = get_backbone(config.backbone) if config.backbone.startswith(OTHER) else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        handle = st.text_input(
            "Address or folder of the module",
            before.handle if before else "",
            placeholder="https://tfhub.dev/...",
            help="An address that begins with https://, or the whole path of a folder with a saved_model.pb in it.",
            key=key("module"),
            persist_state="session",
        )
        pixels = st.number_input(
            "Pixels",
            16,
            1024,
            before.input_pixels if before else 224,
            help="The side of the pictures that the module takes: its page says it.",
            width=140,
            key=key("module pixels"),
            persist_state="session",
        )
    if not handle.strip():
        st.caption("Paste the address of a module that gives feature vectors (image feature vector).")
        return _ELSEWHERE
    name = f"{OTHER}{handle.strip().partition('#')[0]}#{pixels}"
    try:
        backbone = get_backbone(name)
    except ConfigError as error:
        st.error(f"{literal(error.message)} {literal(error.hint)}", icon=":material/error:")
        return _ELSEWHERE
    if not trusted(backbone):
        st.warning(
            "A module is a program: it can do on this computer what you can do. Use it only if you know who made it.",
            icon=":material/shield_question:",
        )
        if st.button("I know who made it: allow it", key=key("trust"), icon=":material/check:"):
            trust(backbone)
            st.rerun()
    return name


def _table() -> None:
    slow = speeds()
    st.dataframe(
        pd.DataFrame(
            {
                "Model": backbone.title,
                "Weights": backbone.parameters / 1e6 or None,
                "Size": backbone.megabytes,
                "Input": backbone.input_pixels,
                "Here now": "yes" if is_here(backbone) else "download",
                "Time": slow.get(backbone.name),
                "Licence": backbone.licence,
                "Good for": backbone.good_for,
            }
            for backbone in BACKBONES.values()
        ),
        hide_index=True,
        placeholder="",
        column_config={
            "Weights": st.column_config.NumberColumn(format="%.1f M", help="Millions of numbers (parameters)."),
            "Size": st.column_config.NumberColumn(format="%.0f MB"),
            "Input": st.column_config.NumberColumn(format="%d px", help="Side of the picture that it looks at."),
            "Here now": st.column_config.TextColumn(help="Or downloaded once, when you train with it."),
            "Licence": st.column_config.TextColumn(help="Of the weights, where one is known."),
            "Time": st.column_config.NumberColumn(
                format="%.1f x",
                help=f"A picture takes this many times as long as with {BACKBONES[REFERENCE].title}, here.",
            ),
        },
    )
