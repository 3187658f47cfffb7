"""The board as a component: what it is given, and what a person asks of it. Knows nothing of projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.datasets.importing.arrivals import Arrivals
from pages.shared.components import _outbox
from pages.shared.components._camera import CURTAIN
from pages.shared.components._component import component
from pages.shared.components.webcam.webcam import LARGEST_SIDE, MOST_FRAMES
from pages.shared.http import arriving
from pages.shared.session import tab

_HTML = f"""
<div class="base camera"><div class="board" id="board">
  <section aria-labelledby="classesTitle">
    <h2 id="classesTitle">Classes</h2>
    <div class="list" id="list"></div>
    <div class="under">
      <button type="button" class="add" id="add">+ Add a class</button>
      <button type="button" class="did" id="undo" hidden></button>
      <button type="button" class="did" id="redo" hidden></button>
      <p class="said" id="said" role="status" hidden></p>
    </div>
    <p class="message" id="stuck" role="alert" hidden></p>
    <button type="button" id="again" hidden>Try again</button>
  </section>
  <section class="trainer" aria-labelledby="trainTitle">
    <h2 id="trainTitle">Train</h2>
    <button type="button" class="primary" id="train">Train</button>
    <p class="missing" id="missing"></p>
    <progress id="bar" max="1" aria-label="How far the training is" hidden></progress>
    <p class="phase" id="phase" role="status"></p>
    <button type="button" id="stop" hidden>Stop</button>
    <p class="score" id="score" role="status"></p>
    <p class="note" id="note"></p>
    <div class="ways" id="ways"></div>
  </section>
  <section class="stage" aria-labelledby="liveTitle">
    <h2 id="liveTitle">Camera</h2>
    <div class="view">
      <video id="video" autoplay muted playsinline aria-label="What the camera sees"></video>
      <canvas id="seen" role="img" aria-label="What the camera sees, as the model gets it" hidden></canvas>
      {CURTAIN}
      <p class="advice" id="advice" role="status" hidden></p>
      <p class="message" id="refusal" role="alert" hidden></p>
    </div>
    <div class="panels" id="panels"></div>
    <div class="tools" id="tools" hidden>
      <select id="keep" aria-label="Keep this picture as"></select>
      <button type="button" id="explain">Why?</button>
    </div>
    <output class="told" id="told" aria-live="polite"></output>
  </section>
</div></div>
"""
_COMPONENT = component("board", _HTML, ("_base", "_camera", "_hold", "live/live"))


@dataclass(frozen=True)
class Card:
    """A class: whether it is there yet, its colour for CSS, how many pictures it has, whether it is set aside, and the
    addresses of its newest pictures."""

    name: str
    made: bool
    colour: str
    count: int = 0
    aside: bool = False
    thumbnails: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trainer:
    """The middle: what the button says; why it cannot be pressed, or ""; how far a training is, 0 to 1, or None; its phase in
    words; what came of the last one; and (page, words) of what to do next, "#KEY" for a container of this page."""

    label: str
    why: str = ""
    share: float | None = None
    words: str = ""
    score: str = ""
    note: str = ""
    ways: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Op:
    """What a person asked for: `kind` is "take" (into `card`, "" where folders say it) or "why", of what has arrived at
    `token`, or "fresh", to forget that; "new", "rename", "aside", "back",
    "delete" or "open" (of the class `card`), "undo", "redo", "train", "stop" or "go". None of it is checked."""

    kind: str
    card: str
    to: str
    token: str


def show(
    cards: Sequence[Card],
    trainer: Trainer,
    live: Mapping[str, Any],
    arrivals: Arrivals,
    carry_out: Callable[[Op], str],
    *,
    whole: bool,
    camera: bool,
    undo: str,
    redo: str,
    key: str,
) -> None:
    """Draws the board. `live`: what live.js shows, with no model before the first training. `arrivals`: where the next
    pictures go. `carry_out` does an op and returns what is said of it, or raises FieldguideError; it is called before the page
    is drawn again, once for each op, in their order. `whole`: whether pictures of the camera are all that it sees, not the
    centre square alone; `camera`: whether it is switched on at once; `undo` and `redo`: what would be
    undone and done again, or ""."""
    done = _outbox.answers(key)

    def carry_out_one(raw: Mapping[str, Any]) -> None:
        done["said"] = carry_out(_op(raw))

    def answer() -> None:
        _outbox.answer(tab.get(key).get("outbox"), done, carry_out_one)

    _COMPONENT(
        key=key,
        data={
            "cards": [asdict(card) for card in cards],
            "trainer": asdict(trainer) | {"ways": [{"page": page, "label": words} for page, words in trainer.ways]},
            "live": live,
            "place": {"token": arrivals.token, "url": arriving.url(arrivals), "used": arrivals.begun > 0},
            "limits": arriving.limits(),
            "recording": {"side": LARGEST_SIDE, "whole": whole, "most": MOST_FRAMES},
            "camera": camera,
            "undo": undo,
            "redo": redo,
            "done": {name: done[name] for name in ("mount", "n", "said", "trouble")},
        },
        default={"outbox": None},
        on_outbox_change=answer,
        height="content",
    )


def _op(raw: Mapping[str, Any]) -> Op:
    return Op(*(str(raw.get(name) or "") for name in ("kind", "card", "to", "token")))
