"""The part of Configure about the layers of a network that learns from scratch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.config.network import MOST_BLOCKS, MOST_DENSE, NETWORKS, Block, NetworkConfig
from core.config.training import TrainConfig
from pages.shared.ui import forms

_BLOCK, _DENSE = Block(), 128
"""What a further block, and a further dense layer, begin as."""
_WIDTH = 210


def show(config: TrainConfig, backbone: str, key: Callable[[str], str]) -> dict[str, Any]:
    """Asks for the layers of the network called `backbone`, and returns them as NetworkConfig takes them."""
    before = config.architecture if config.backbone == backbone else NETWORKS[backbone]

    def own(name: str) -> str:
        return key(f"network {backbone} {name}")  # another network starts from its own layers

    st.markdown("**Layers**")
    st.caption(
        "Each block looks for patterns (convolution) and may halve the picture; the dense layers weigh what was found, and the "
        "last layer, one unit a class, answers."
    )
    left, right = st.columns(2, gap="large")
    with left:
        count = _number("Blocks", 1, MOST_BLOCKS, len(before.blocks), own("blocks"))
    with right:
        padding = forms.field(NetworkConfig, "padding", before.padding, own("padding"))
    blocks = [_block(at, before, own) for at in range(count)]
    dense = _dense(before, own)
    return {"blocks": blocks, "padding": padding, "dense": dense}


def _block(at: int, before: NetworkConfig, own: Callable[[str], str]) -> dict[str, Any]:
    start = before.blocks[at] if at < len(before.blocks) else _BLOCK
    with st.container(border=True):
        st.caption(f"Block {at + 1}")
        with st.grid(min_column_width=_WIDTH, gap="medium", vertical_alignment="center"):
            return {
                name: forms.field(Block, name, getattr(start, name), own(f"{name} {at}")) for name in Block.model_fields
            }


def _dense(before: NetworkConfig, own: Callable[[str], str]) -> list[int]:
    info = NetworkConfig.model_fields["dense"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        count = _number(str(info.title), 0, MOST_DENSE, len(before.dense), own("dense"), info.description)
        units = [*before.dense, *[_DENSE] * MOST_DENSE]
        return [_number(f"Units of layer {at + 1}", 1, 4096, units[at], own(f"dense {at}")) for at in range(count)]


def _number(label: str, low: int, high: int, value: int, key: str, help_: str | None = None) -> int:
    return st.number_input(label, low, high, value, key=key, help=help_, width=_WIDTH, persist_state="session")
