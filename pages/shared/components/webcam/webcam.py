"""A burst of pictures from a webcam: hold to record, look them over, save. Knows nothing of projects."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared.components._camera import CURTAIN
from pages.shared.components._component import component
from pages.shared.session import tab

MOST_FRAMES = 300
"""Pictures in one burst."""

LARGEST_SIDE = 640
"""Pixels of the shorter side; a camera with fewer gives smaller pictures."""

_FRAME_BYTES = 2_000_000  # over twice what pure noise of that size has
_TOKEN = re.compile("[0-9a-f-]{36}")  # a UUID; fit for a file's name
_PREFIX = "data:image/jpeg;base64,"

_HTML = f"""
<div class="base camera webcam">
  <div class="columns">
    <div class="view">
      <video id="video" autoplay muted playsinline aria-label="What the camera sees, as it is saved"></video>
      {CURTAIN}
      <p class="message" id="dark" role="alert" hidden></p>
    </div>
    <div class="controls">
      <button type="button" class="hold" id="hold" aria-pressed="false">Hold to record</button>
      <button type="button" id="one">Take one picture</button>
      <div class="tally">
        <output id="count" aria-live="polite"></output>
        <button type="button" class="small" id="clear" hidden></button>
      </div>
      <label>Class<select id="class"></select></label>
      <label id="naming" hidden>Name of the new class<input id="name" type="text" autocomplete="off"></label>
      <button type="button" class="primary" id="save"></button>
      <p class="message" id="refusal" role="alert" hidden></p>
    </div>
  </div>
  <div class="taken" id="taken" hidden>
    <p>Click a picture to discard it.</p>
    <div class="strip" id="strip" role="group" aria-label="Pictures taken, not yet saved"></div>
  </div>
</div>
"""

_COMPONENT = component("webcam", _HTML, ("_base", "_camera", "_hold"))


@dataclass(frozen=True)
class Burst:
    """Pictures that a person took and wants saved.

    `token` names this press of the button, a UUID of 36 characters; `class_name` is as chosen or typed, not checked in
    any way, and None for "without a class"; `frames` are JPEG files as the browser wrote them, 1 to MOST_FRAMES, in the
    order they were taken. They are not decoded here: their content is as little to be trusted as that of an uploaded
    file.
    """

    token: str
    class_name: str | None
    frames: tuple[bytes, ...]


def burst(
    classes: Sequence[str], *, key: str, chosen: str = "", whole: bool = False, saved: str = "", error: str = ""
) -> Burst | None:
    """The webcam. Returns a burst once for each press of Save, else None; it saves nothing itself. A picture is the centre
    square of what the camera sees, or with `whole` all of it. `chosen`: the class that is chosen at first.

    In the run that got a burst, the caller saves it, keeps the answer in the session state and calls `st.rerun()`. In
    the next run it passes the answer: `saved`, the burst's token, upon which the browser lets go of its pictures, or
    `error`, a plain sentence that is shown while the pictures stay. Without either the browser says that saving was
    interrupted. An answer may be passed on for ever; it is taken once. Not for use in an `st.form`.
    """
    memory = f"{key}: last burst"
    last = tab.get(memory, "")
    data = {
        "classes": list(classes),
        "chosen": chosen,
        "most": MOST_FRAMES,
        "side": LARGEST_SIDE,
        "whole": whole,
        "room": _room(),
        "last": last,
        "saved": saved,
        "error": error,
    }
    result = _COMPONENT(key=key, data=data, on_burst_change=lambda: None)
    found = _read(result.get("burst"))
    if found is None or found.token == last:
        return None
    tab.put(memory, found.token)
    return found


def _room() -> int:
    """Bytes of all frames together: as base64, with a tenth to spare, they must fit into what Streamlit takes from a
    browser at once (25 MB unless told otherwise); it breaks the connection at anything larger.
    """
    return int(st.get_option("server.maxWidgetStateSize") * 1_000_000 * 0.75 * 0.9)


def _read(value: object) -> Burst | None:
    """What the browser sent, which anybody can forge: whatever is not as it should be is left out, and nothing raises."""
    if not isinstance(value, dict):
        return None
    token, name, urls = value.get("token"), value.get("class_name"), value.get("frames")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(urls, list):
        return None
    if not (name is None or isinstance(name, str)):
        return None
    frames: list[bytes] = []
    room = _room()
    for url in urls[:MOST_FRAMES]:
        content = _decode(url)
        if content and len(content) <= room:
            frames.append(content)
            room -= len(content)
    if not frames:
        return None
    # JSON can carry half a surrogate pair, which no file system and no page takes.
    return Burst(token, name and name.encode(errors="replace").decode(), tuple(frames))


def _decode(url: object) -> bytes | None:
    """A JPEG file's bytes from a data URL, or None."""
    if not isinstance(url, str) or not url.startswith(_PREFIX) or len(url) > _FRAME_BYTES * 4 // 3 + len(_PREFIX):
        return None
    try:
        content = base64.b64decode(url.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if content.startswith(b"\xff\xd8\xff") else None
