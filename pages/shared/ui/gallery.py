"""Pictures on a page: thumbnails in a grid, and several in one image."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from core.config.framing import Framing
from core.datasets.catalogue import Picture
from core.datasets.project import Project
from core.imaging.decode import thumbnail
from core.system.errors import PictureError
from pages.shared.ui.text import literal

TILE = 128
GAP = 4


@st.cache_data(max_entries=64, show_spinner=False)
def mosaic(paths: tuple[str, ...], stamp: str, columns: int) -> bytes:  # noqa: ARG001 - the stamp is part of the key
    """JPEG bytes of pictures side by side, the centre square of each; `stamp` tells versions of the same paths apart."""
    tiles = []
    for path in paths:
        try:
            tiles.append(Image.open(io.BytesIO(thumbnail(Path(path), Framing(), TILE))))
        except PictureError:
            continue
    rows = -(-len(tiles) // columns)
    size = (columns * (TILE + GAP) - GAP, max(rows, 1) * (TILE + GAP) - GAP)
    sheet = Image.new("RGB", size, "#f1ede3")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns * (TILE + GAP), number // columns * (TILE + GAP)))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=88)
    return out.getvalue()


def jpeg(pixels: np.ndarray) -> bytes:
    """A picture uint8 (H, W, 3) as a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


def grid(
    project: Project,
    pictures: Sequence[Picture],
    framing: Framing,
    captions: Sequence[str] | None = None,
    width: int = 132,
) -> None:
    """Square thumbnails that fill the width, as a model with this framing sees them; a file that went bad since the last look
    is named instead of shown."""
    with st.grid("auto", min_column_width=width, gap="xsmall"):
        for number, picture in enumerate(pictures):
            try:
                content = project.thumbnail(picture.id, framing)
            except PictureError as error:
                st.caption(f"{literal(Path(picture.path).name)}: {literal(error.message)}")
                continue
            caption = literal(captions[number]) if captions else None
            st.image(
                content, caption=caption, width="stretch", alt=f"{picture.class_name or 'unlabelled'}: {picture.path}"
            )
