"""A browser, as far as Werkzeug's debugger needs one: it keeps cookies and types the PIN."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from html import unescape
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

SECONDS = 20


class Page(NamedTuple):
    """An interactive page of Werkzeug's debugger."""

    url: str
    status: int
    html: str

    def _constant(self, name: str) -> str:
        found = re.search(rf'\b{name} = "?([^",;\n]*)"?', self.html)
        assert found, f"no {name} in the page of {self.url}"
        return found[1]

    @property
    def interactive(self) -> bool:
        return self._constant("EVALEX") == "true"

    @property
    def unlocked(self) -> bool:
        return self._constant("EVALEX_TRUSTED") == "true"

    @property
    def secret(self) -> str:
        return self._constant("SECRET")

    @property
    def frames(self) -> list[str]:
        """The ids of its frames, outermost first."""
        return re.findall(r'id="frame-(\d+)"', self.html)


class Browser:
    """One person's browser."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    async def open(self, url: str) -> Page:
        """A page, whatever its status."""
        status, html = await asyncio.to_thread(self._get, url)
        return Page(url, status, html)

    async def unlock(self, page: Page, pin: str) -> bool:
        """Type the PIN; whether it was taken."""
        answer = await self._debug(page, cmd="pinauth", pin=pin)
        return bool(json.loads(answer)["auth"])

    async def evaluate(self, page: Page, code: str, frame: int = -1) -> str:
        """What the console of a frame says to some code."""
        html = await self._debug(page, cmd=code, frm=page.frames[frame])
        return unescape(re.sub(r"<[^>]*>", "", html))

    async def _debug(self, page: Page, **query: str) -> str:
        parts = urlsplit(page.url)
        words = urlencode({"__debugger__": "yes", "s": page.secret, **query})
        url = f"{parts.scheme}://{parts.netloc}{parts.path}?{words}"
        _status, body = await asyncio.to_thread(self._get, url)
        return body

    def _get(self, url: str) -> tuple[int, str]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            connection.request("GET", target, headers={"Cookie": cookie} if cookie else {})
            response = connection.getresponse()
            for header in response.headers.get_all("Set-Cookie") or []:
                for name, morsel in SimpleCookie(header).items():
                    self.cookies[name] = morsel.value
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()
