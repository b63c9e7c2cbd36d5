"""The demo's browser: it asks for a page, on a connection of its own, and waits for the answer."""

from __future__ import annotations

import asyncio
import html
import http.client
from typing import NamedTuple
from urllib.parse import urlsplit

from hotplate.cli.demo_editor import PATIENCE, Off


class Reply(NamedTuple):
    """An answer; `text` is as a person reads it, without entities."""

    status: int
    text: str


async def get(url: str, shown: str) -> Reply:
    """Ask for a page. `shown` is what to call it where no answer comes. Raises Off."""
    try:
        return await asyncio.to_thread(_get, url)
    except (OSError, http.client.HTTPException) as error:
        raise Off(f"an answer to GET {shown}", f"{type(error).__name__}: {error}") from error


async def expect(url: str, shown: str, status: int, text: str) -> Reply:
    """Ask for a page that has this status and holds this text. Raises Off."""
    reply = await get(url, shown)
    if reply.status != status or text not in reply.text:
        title = reply.text.partition("<title>")[2].partition("</title>")[0].strip()
        came = f"{reply.status}" + (f", a page titled “{title}”" if title else "")
        raise Off(f"GET {shown} to be answered {status} with “{text}”", came)
    return reply


def _get(url: str) -> Reply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path or "/")
        response = connection.getresponse()
        return Reply(response.status, html.unescape(response.read().decode("utf-8", "replace")))
    finally:
        connection.close()
