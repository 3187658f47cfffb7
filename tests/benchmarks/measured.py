"""What a benchmark measured, as a file that `python -m tests.benchmarks.tables` makes README's tables from."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

to_json = click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what was measured, the versions and the machine as JSON.",
)


def write(file: Path | None, benchmark: str, measured: list[dict[str, Any]]) -> None:
    """Writes plain values to `file`, if one was asked for."""
    if file is None:
        return
    names = ("fieldguide", "tensorflow", "keras", "ai-edge-litert", "numpy", "streamlit")
    content = {
        "benchmark": benchmark,
        "measured": measured,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names},
        "machine": {"cores": os.cpu_count(), "kind": platform.machine(), "system": platform.system()},
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
