"""All that must hold before a change lands: what .ci/run runs, and the hooks.

python -m tests.check            everything, with the README's test command at the end
python -m tests.check --quick    all but the tests: lint, format, types, the order of the rooms, JavaScript
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _javascript() -> subprocess.CompletedProcess[str]:
    """Fetches its tools and checks it; where that cannot be, it is said."""
    npm = [shutil.which("npm") or "", "--prefix", str(JAVASCRIPT)]
    why_not = "that needs npm and Node.js 20.19 or newer" if not npm[0] or _node() < NODE else ""
    if not why_not and _run([*npm, "install", "--silent", "--no-audit", "--no-fund"]).returncode:
        why_not = "its tools cannot be fetched"
    if why_not:
        return subprocess.CompletedProcess(npm, 0, f"JavaScript is not checked: {why_not}.\n")
    return _run([*npm, "run", "--silent", "check"])


CHECKS: dict[str, Callable[[], subprocess.CompletedProcess[str]]] = {
    "lint": lambda: _run(_ours("ruff", "check", ".")),
    "format": lambda: _run(_ours("ruff", "format", "--check", ".")),
    "types": lambda: _run(_ours("mypy")),
    "rooms": lambda: _run(_ours("lint-imports")),
    "JavaScript": _javascript,
}
"""Every check but the tests."""


def main(*, quick: bool) -> int:
    """Runs the checks side by side, then the tests if none has failed; returns 0, or an exit status of what failed."""
    began, failed = time.monotonic(), 0
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        for name, begun in [(name, pool.submit(check)) for name, check in CHECKS.items()]:
            done = begun.result()
            failed = failed or done.returncode
            result = "FAILED" if done.returncode else "passed"
            print(f"— {name}\n{done.stdout}  {result} after {time.monotonic() - began:.0f} s", flush=True)
    if quick or failed:
        return failed
    return subprocess.run(["bash", "-euo", "pipefail", "-c", test_command()], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
