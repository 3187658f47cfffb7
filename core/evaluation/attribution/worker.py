"""The process that makes a run's explaining model file. `python -m core.evaluation.attribution.worker RUN_DIR`."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from core.evaluation.attribution import folder_of, keep
from core.models.saved import load_model
from core.runs.lifecycle import Run, open_run
from core.runs.records import RunRecords, RunState
from core.system.errors import FieldguideError, in_words
from core.system.tasks.processes import own_state


def build(run: Run, records: RunRecords, state: RunState) -> None:
    """Loads the run's model, converts it, and puts the file in its place. Raises ModelError."""
    model = load_model(run)
    state.phase = "looking inside"
    records.write_state(state)
    from core.evaluation.attribution.graph import to_explaining_tflite
    from core.models.litert_conversion import Refused

    try:
        made = to_explaining_tflite(model)
    except Refused as refusal:
        print(refusal)  # the log keeps it; the page covers parts of the picture instead
        made = None
    keep(run, made)


def main(folder: Path) -> int:
    """Makes the file; returns the exit status."""
    run = open_run(folder)
    records = RunRecords(folder_of(run))
    state = own_state(records)
    try:
        build(run, records, state)
        state.state = "done"
    except FieldguideError as error:
        state.state, state.message, state.hint = "failed", error.message, error.hint
    except OSError as error:
        words = in_words(error)
        state.state, state.message, state.hint = "failed", words.message, words.hint
    except Exception as error:  # noqa: BLE001 - the person must hear of whatever it was; the log keeps the details
        traceback.print_exc()
        state.state, state.message = "failed", f"Getting ready to explain failed inside: {type(error).__name__}."
        state.hint = f"Details are in {records.folder / 'worker.log'}."
    state.phase, state.ended = "", True
    records.write_state(state)
    return 0 if state.state == "done" else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
