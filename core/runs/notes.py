"""What a person adds to a run: a name, notes, a star. It lies in `about.json` in the run's folder, so that it moves, is
copied and is deleted with the run."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from core.config.recipes import title_of
from core.runs.lifecycle import Run
from core.runs.records import RunPlan
from core.system import storage
from core.system.errors import RunError, as_sentence
from core.system.naming import as_text

MAX_NAME = 80
MAX_NOTES = 2000
"""Characters."""
_FILE = "about.json"
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # they reverse what stands after the name


@dataclass(frozen=True)
class About:
    """What a person added to a run."""

    name: str = ""
    notes: str = ""
    star: bool = False


def about(run: Run) -> About:
    """What was added to a run; nothing if nothing was, or if the file is damaged."""
    value = storage.read_json(run.folder / _FILE)
    if not isinstance(value, dict):
        return About()
    name, notes = (str(found) if isinstance(found := value.get(key), str) else "" for key in ("name", "notes"))
    return About(_one_line(name)[:MAX_NAME], _clean(notes)[:MAX_NOTES], value.get("star") is True)


def change(
    run: Run, seen: About, *, name: str | None = None, notes: str | None = None, star: bool | None = None
) -> About:
    """Changes what is not None, and gives what is kept now. `seen`: what the person saw when they made the change.

    Raises RunError if the run is gone, the text too long, the disk full, or if someone else has changed the same thing
    since it was seen; then nothing is changed.
    """
    wanted = {
        "name": None if name is None else _one_line(name),
        "notes": None if notes is None else _clean(notes),
        "star": star,
    }
    for key, most in (("name", MAX_NAME), ("notes", MAX_NOTES)):
        if len(str(wanted[key] or "")) > most:
            raise RunError(f"The {key} would be longer than {most} characters.", "Make it shorter.")
    with storage.lock_of(run.folder.parent):
        if not (run.folder / "run.json").is_file():
            raise gone()
        now = about(run)
        changes = {
            key: value
            for key, value in wanted.items()
            if value is not None and value not in (getattr(seen, key), getattr(now, key))
        }
        for key in changes:
            if getattr(now, key) != getattr(seen, key):
                raise RunError(
                    f"Someone else has changed the {key} meanwhile.", "Look at theirs, then change it again."
                )
        if changes:
            now = About(**(asdict(now) | changes))
            with as_sentence(RunError):
                storage.write_json(run.folder / _FILE, asdict(now))
    return now


def title(plan: RunPlan, added: About) -> str:
    """What a run is called: the name that it was given, or its recipe and when it began. Plain text, to be escaped."""
    return added.name or usual_title(title_of(plan.config.recipe), plan.created)


def gone() -> RunError:
    """The error for a run that was deleted meanwhile."""
    return RunError("This training is gone: someone deleted it.", "Reload the page.")


def _one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    """Text without what shows nothing or turns the text after it round; lines stay."""
    kept = as_text(text).replace("\r\n", "\n")
    return "".join(c for c in kept if (c >= " " and c != "\x7f" and c not in _TURNING) or c in "\n\t").strip()


def usual_title(recipe: str, created: float) -> str:
    """What a run without a name is called, by its recipe's title and its beginning in seconds since 1970."""
    return f"{recipe}, {time.strftime('%d %b %H:%M', time.localtime(created))}"
