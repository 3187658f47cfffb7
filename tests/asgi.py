"""Asks a web app without a server or a socket."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp


async def answer(
    app: ASGIApp, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, *, cut: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer. `cut`: whether the asker goes away before all has come."""
    sent = {"host": "localhost"} | (headers or {})
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
        "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("localhost", 80), "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
    }  # fmt: skip
    said: list[dict[str, Any]] = []

    to_come = [{"type": "http.request", "body": body, "more_body": cut}]

    async def receive() -> dict[str, Any]:
        return to_come.pop() if to_come else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in said[1:])
    return said[0]["status"], {k.decode(): v.decode() for k, v in said[0]["headers"]}, content


def ask(app: ASGIApp, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """The same, from code that is not asynchronous; headers with `_` for `-`."""
    return asyncio.run(answer(app, method, path, body, {k.replace("_", "-"): v for k, v in headers.items()}))
