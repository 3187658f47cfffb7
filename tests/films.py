"""Films that tests make."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def filmed(
    file: Path,
    seconds: float = 3,
    size: tuple[int, int] = (160, 96),
    *,
    rate: int = 10,
    codec: str = "mpeg4",
    gop: int = 10,
) -> Path:
    """A film that goes from black to white, with a red mark in its upper left corner."""
    file.parent.mkdir(exist_ok=True, parents=True)
    with av.open(str(file), "w") as made:
        stream = made.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = gop
        count = round(seconds * rate)
        for number in range(count):
            picture = np.full((size[1], size[0], 3), 255 * number // max(count - 1, 1), np.uint8)
            picture[: size[1] // 3, : size[0] // 4] = (255, 0, 0)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                made.mux(packet)
        for packet in stream.encode():
            made.mux(packet)
    return file
