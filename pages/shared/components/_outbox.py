"""What _outbox.js sends: ops of a person, whole until they are answered, so that each is carried out once, in its turn."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from core.system.errors import FieldguideError, in_words
from pages.shared.session import tab

_ONE_AT_A_TIME = threading.Lock()


def answers(key: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How far the ops of one component in one tab have been carried out: "mount" and "n" of the last; what was "said" of it,
    and whether that is "trouble". `more`: what else is kept, as it is for a component that begins."""
    begun: dict[str, Any] = {"mount": "", "n": 0, "said": "", "trouble": False, "more": dict(more or {})}
    kept: dict[str, Any] = tab.first(f"{key} done", begun | deepcopy(begun["more"]))
    return kept


def answer(outbox: object, done: dict[str, Any], carry_out: Callable[[Mapping[str, Any]], None]) -> None:
    """Carries out what of an outbox was not carried out yet. `carry_out`: does one op, as the browser sent it, which anybody
    can forge, and notes in `done` what is said of it; or raises, of which a FieldguideError is a sentence for people."""
    if not isinstance(outbox, Mapping) or not isinstance(outbox.get("ops"), list):
        return
    # Clicks that come fast make Streamlit run several scripts of one tab at once; each has the same ops in its outbox.
    with _ONE_AT_A_TIME:
        if outbox.get("mount") != done["mount"]:
            done.update(mount=str(outbox.get("mount")), n=0, **deepcopy(done["more"]))
        for raw in outbox["ops"]:
            if isinstance(raw, Mapping) and isinstance(raw.get("n"), int) and raw["n"] > done["n"]:
                _attempt(raw, done, carry_out)
                done["n"] = raw["n"]


def _attempt(raw: Mapping[str, Any], done: dict[str, Any], carry_out: Callable[[Mapping[str, Any]], None]) -> None:
    done["trouble"] = False
    try:
        carry_out(raw)
    except Exception as error:  # the next op must still be carried out, and the page drawn
        if not isinstance(error, FieldguideError):
            logging.getLogger(__name__).exception("an op failed")
        done.update(said=str(in_words(error)), trouble=True)
