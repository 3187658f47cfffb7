"""While Fieldguide is installed: packs Google's LiteRT.js (Apache-2.0) beside this file, so that web pages with a model inside
can be made offline, and without Node.js. Where it cannot be had then, it is fetched when the first page is made.

Named in pyproject.toml. Runs where neither Fieldguide nor what it needs is installed yet.
"""

import runpy
from pathlib import Path

from setuptools.command.build_py import build_py

_SECONDS = 90
"""That an installation may take longer, at most."""


class BuildPy(build_py):
    """The step that gathers what is installed."""

    def run(self) -> None:
        """Fetches LiteRT.js first, unless it is there. Goes on without it if that fails, for whatever reason."""
        litert_js = runpy.run_path(str(Path(__file__).with_name("litert_js.py")))
        try:
            litert_js["fetch"](litert_js["PACKED"], litert_js["ALONE"], _SECONDS)
        except Exception as error:  # noqa: BLE001 - it can be had later
            print(f"Web pages will fetch LiteRT.js later: {error}")
        super().run()
