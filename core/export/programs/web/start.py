"""Opens index.html:  python start.py      Control-C ends it.

The first time npm, which comes with Node.js, fetches Google's LiteRT.js (Apache-2.0, 12 MB) into the folder litert; where there
is no npm, pip brings one for the while (60 MB). From then on nothing is fetched. To put the page on a web server of your own,
copy the whole folder that this one lies in.
"""

import sys
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from litert_js import FetchError, fetch  # type: ignore[import-not-found]

HERE = Path(__file__).resolve().parent


class Pages(SimpleHTTPRequestHandler):
    """The files of the zip; the browser must be told what WebAssembly and modules are."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_: object) -> None:
        """Says nothing of each request."""


def main() -> None:
    """Serves the zip's folder to this computer only."""
    try:
        fetch(HERE / "litert")
    except FetchError as error:
        sys.exit(" ".join(error.args))
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *them: Pages(*them, directory=str(HERE.parent)))
    address = f"http://127.0.0.1:{server.server_port}/web/index.html"
    print(address, flush=True)
    if "--no-browser" not in sys.argv:
        webbrowser.open(address)
    server.serve_forever()


if __name__ == "__main__":
    main()
