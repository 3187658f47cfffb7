"""All that must hold before a change lands, in the order in which it fails fastest: what .ci/run runs, and the hooks.

python -m tests.check            everything, with the README's test command at the end
python -m tests.check --quick    all but the tests: lint, format, types, the order of the rooms, JavaScript
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
JAVASCRIPT = ROOT / "tests" / "javascript"
NODE = (20, 19)
"""The oldest Node.js that eslint runs on."""


def _ours(program: str, *arguments: str) -> list[str]:
    """A program that was installed beside this Python."""
    beside = Path(sys.executable).with_name(program)
    return [str(beside) if beside.exists() else program, *arguments]


def _node() -> tuple[int, ...]:
    """The version of Node.js; empty if there is none."""
    try:
        told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(map(int, re.findall(r"\d+", told)[:2]))


def test_command() -> str:
    """What the README tells to run for the tests. Raises LookupError if it tells nothing."""
    found = re.search(
        r"^python -m pip install .*&& python -m pytest.*$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    if not found:
        raise LookupError("README.md has no line with the command of the tests")
    return found[0]


def checks() -> list[tuple[str, list[str]]]:
    """Every check but the tests: its name, and the command."""
    found = [
        ("lint", _ours("ruff", "check", ".")),
        ("format", _ours("ruff", "format", "--check", ".")),
        ("types", _ours("mypy")),
        ("rooms", _ours("lint-imports")),
    ]
    npm = [shutil.which("npm") or "", "--prefix", str(JAVASCRIPT)]
    why_not = "that needs npm and Node.js 20.19 or newer" if not npm[0] or _node() < NODE else ""
    if not why_not and subprocess.run([*npm, "install", "--silent", "--no-audit", "--no-fund"], check=False).returncode:
        why_not = "its tools cannot be fetched"
    if why_not:
        print(f"JavaScript is not checked: {why_not}.", flush=True)
    else:
        found.append(("JavaScript", [*npm, "run", "--silent", "check"]))
    return found


def main(*, quick: bool) -> int:
    """Runs the checks; returns 0, or the exit status of the first that fails."""
    tests = [] if quick else [("tests", ["bash", "-euo", "pipefail", "-c", test_command()])]
    for name, command in [*checks(), *tests]:
        began = time.monotonic()
        print(f"— {name}", flush=True)
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(f"  {'passed' if not status else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
