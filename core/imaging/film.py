"""Pictures out of a film (video file): upright, at most so many, those that show something new.

PyAV brings FFmpeg's decoders. They are told to open one file of a few kinds and nothing that it names, and are meant to run in
a process of their own: `python -m core.imaging.film FILE FOLDER` writes the pictures into a folder, and a line of JSON for
each step: {"done": seconds, "of": seconds}, at the end {"pictures": number, "seconds": length} or {"error": sentence}.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from core.system import disk
from core.system.errors import PictureError

MOST = 300
"""Pictures of one film."""
FEWEST = 30
"""So many are kept of a film in which nothing moves, if it has them."""
LARGEST_SIDE = 1280
"""Pixels of the longer side; larger frames are made smaller."""
NO_FILM = "not a film that can be read (MP4, MOV, WebM, MKV or AVI)"

_KINDS = "mov,matroska,webm,avi"
_EVERY = 0.1  # seconds; closer frames are hardly different
_LOOKED_AT = 2 * MOST
_COST = 3_000_000_000  # pixels that may be decoded to see every frame; some 10 seconds on two cores
_ENOUGH = 60  # key frames
_LOOKED_INTO = 600  # packets
_NEW = 3.0  # mean difference of two pictures of 16 x 16 pixels, 0 to 255
_MOST_PIXELS = 8192 * 8192
_MOST_MEMORY = 4_000_000_000  # bytes of address space


def look(file: Path) -> Iterator[tuple[float, float, Image.Image]]:
    """(second, length in seconds, upright RGB picture) of frames in even steps. Of a short film every frame is decoded; of a
    long one those that stand for themselves (key frames), which phones write once a second.

    Raises PictureError for what is no film, or one of which nothing can be read.
    """
    try:
        options = {"format_whitelist": _KINDS, "protocol_whitelist": "file"}
        with av.open(str(file), options=options, timeout=30) as film:
            yield from _looked_at(film)
    except (av.FFmpegError, ValueError, OverflowError, IndexError, EOFError, MemoryError) as error:
        raise PictureError(NO_FILM) from error


def _looked_at(film: Any) -> Iterator[tuple[float, float, Image.Image]]:
    stream = next((one for one in film.streams.video if one.codec_context and one.width), None)
    if stream is None or stream.width * stream.height > _MOST_PIXELS:
        raise PictureError(NO_FILM)
    stream.thread_type = "AUTO"
    unit = float(stream.time_base)
    length = (film.duration or 0) / av.time_base or float(stream.duration or 0) * unit
    rate = float(stream.average_rate or 30)
    step = max(_EVERY, length / _LOOKED_AT)
    long = length * rate * stream.width * stream.height > _COST
    if long and length > _ENOUGH * _apart(film, stream, unit):
        frames = _key_frames(film, stream, length, unit)
    else:
        frames = _all_frames(film, stream)
    first = None
    wanted, early = 0.0, 0.5 / rate  # times are rounded: half a frame is no matter
    for frame in frames:
        at = frame.pts * unit if frame.pts is not None else wanted
        first = at if first is None else first
        if at - first >= wanted - early:
            wanted = max(wanted + step, at - first)
            yield at - first, length, _upright(frame, stream)


def _apart(film: Any, stream: Any, unit: float) -> float:
    """Seconds between two key frames at the beginning, at least."""
    found = [
        packet.pts
        for packet in islice(film.demux(stream), _LOOKED_INTO)
        if packet.is_keyframe and packet.pts is not None
    ]
    film.seek(stream.start_time or 0, stream=stream)
    return (found[-1] - found[0]) * unit / (len(found) - 1) if len(found) > 1 else math.inf


def _all_frames(film: Any, stream: Any) -> Iterator[Any]:
    """What can be decoded; of a film that is damaged or cut off, as much as there is."""
    for packet in film.demux(stream):
        with suppress(av.FFmpegError):
            yield from packet.decode()


def _key_frames(film: Any, stream: Any, length: float, unit: float) -> Iterator[Any]:
    stream.codec_context.skip_frame = "NONKEY"
    begin, last = stream.start_time or 0, None
    for number in range(MOST):
        try:
            film.seek(begin + round(number * length / MOST / unit), stream=stream)
            frame = next(film.decode(stream))
        except (av.FFmpegError, StopIteration):
            continue
        if frame.pts != last:
            last = frame.pts
            yield frame


def _upright(frame: Any, stream: Any) -> Image.Image:
    wide = float(stream.sample_aspect_ratio or 1)
    width, height = frame.width * max(wide, 1), frame.height / min(wide, 1)
    smaller = min(1, LARGEST_SIDE / max(width, height))
    size = max(1, round(width * smaller)), max(1, round(height * smaller))
    image: Image.Image = frame.to_image(width=size[0], height=size[1])
    turn = frame.rotation % 360
    return image.rotate(turn, Image.Resampling.BICUBIC, expand=True) if turn else image


def chosen(small: np.ndarray, most: int = MOST, fewest: int = FEWEST) -> list[int]:
    """Which of a film's pictures to keep, in order: those that differ from the one kept before; if these are too few, others
    between them, in even steps. `small`: float32 (N, D), the pictures made very small, 0 to 255."""
    kept: list[int] = []
    for number, picture in enumerate(small):
        if not kept or np.abs(picture - small[kept[-1]]).mean() > _NEW:
            kept.append(number)
    if len(kept) < fewest:
        others = [number for number in range(len(small)) if number not in set(kept)]
        kept = sorted([*kept, *evenly(others, fewest - len(kept))])
    return evenly(kept, most)


def evenly(numbers: list[int], most: int) -> list[int]:
    """At most so many of them, in even steps."""
    if len(numbers) <= most:
        return numbers
    return [numbers[round(place)] for place in np.linspace(0, len(numbers) - 1, most)]


def write(file: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Writes the pictures of a film as `SSSSSS.jpg`, by tenths of a second; tells of each step. Raises PictureError."""
    small, written, length = [], [], 0.0
    for at, length, image in look(file):
        small.append(np.asarray(image.resize((16, 16), Image.Resampling.BOX), np.float32).ravel())
        written.append(folder / f"{round(10 * at):06}.jpg")
        image.save(written[-1], "JPEG", quality=92)
        yield {"done": at, "of": max(length, at)}
    if not written:
        raise PictureError(NO_FILM)
    kept = {written[number] for number in chosen(np.stack(small))}
    for path in set(written) - kept:
        disk.remove(path)
    yield {"pictures": len(kept), "seconds": length}


def main(file: str, folder: str) -> int:
    """The process; returns its exit status."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    av.logging.set_level(av.logging.PANIC)
    try:
        for step in write(Path(file), Path(folder)):
            print(json.dumps(step), flush=True)
    except PictureError as error:
        print(json.dumps({"error": error.message}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
