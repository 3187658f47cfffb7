"""An area that takes files and folders and sends them, one by one, to where they arrive. Knows nothing of projects."""

from __future__ import annotations

from dataclasses import dataclass

from core.datasets.importing.arrivals import Arrivals
from core.datasets.importing.plan import Row
from core.system.naming import as_text
from pages.shared.components._component import component
from pages.shared.http import arriving

_MOST_TOLD = 500

_HTML = """
<div class="base drop">
  <div class="area" id="area">
    <svg viewBox="0 0 48 48" aria-hidden="true">
      <path d="M24 31V10m-8 8 8-8 8 8M8 30v6a4 4 0 0 0 4 4h24a4 4 0 0 0 4-4v-6"/>
    </svg>
    <p id="lead"></p>
    <div class="ways">
      <button type="button" id="files">Choose files</button>
      <button type="button" id="folder">Choose a folder</button>
    </div>
    <input type="file" id="pickFiles" aria-label="Files" multiple hidden>
    <input type="file" id="pickFolder" aria-label="Folder" webkitdirectory hidden>
  </div>
  <div class="journey" id="journey" hidden>
    <progress id="bar" max="1" aria-label="How far the files have come" hidden></progress>
    <div class="line">
      <p id="count" aria-hidden="true"></p>
      <button type="button" id="stop" hidden>Stop</button>
      <button type="button" id="goOn" hidden>Go on</button>
      <button type="button" id="clear" hidden>Start again</button>
    </div>
  </div>
  <p class="heard" id="aloud" aria-live="polite"></p>
  <p class="message" id="trouble" role="alert" hidden></p>
  <details id="missed" hidden>
    <summary id="missedCount"></summary>
    <ul id="missedFiles"></ul>
  </details>
</div>
"""

_COMPONENT = component("drop", _HTML, ("_base",))


@dataclass(frozen=True)
class Dropped:
    """How far it has come: whether files are still on their way, a row for each that could not be sent, and whether the person
    wants those that are here gone."""

    sending: bool
    missed: tuple[Row, ...]
    clear: bool


def drop(arrivals: Arrivals, *, key: str) -> Dropped:
    """The area, for files that come to `arrivals`. The page runs again when they begin to come and when no more will."""
    data = {"url": arriving.url(arrivals), "held": arrivals.count, "limits": arriving.limits()}
    result = _COMPONENT(key=key, data=data, on_progress_change=lambda: None, on_clear_change=lambda: None)
    progress = result.get("progress")
    told = progress if isinstance(progress, dict) else {}
    return Dropped(told.get("sending") is True, _missed(told.get("missed")), bool(result.get("clear")))


def _missed(told: object) -> tuple[Row, ...]:
    """What the browser says of files, which anybody can forge: what is not as it should be is left out."""
    rows = []
    for each in told[:_MOST_TOLD] if isinstance(told, list) else []:
        match each:
            case [str(name), str(reason)]:
                # JSON can carry half a surrogate pair, which no page takes.
                rows.append(Row(as_text(name), "rejected", as_text(reason)))
    return tuple(rows)
