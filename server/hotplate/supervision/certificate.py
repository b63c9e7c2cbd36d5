"""How to speak TLS in the app's stead, for the page that is shown while there is no process.

It is the app's own certificate where its files are known or an earlier process has made it. Else
the app's interpreter makes one: Werkzeug's `adhoc` needs a library that this one may not have.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import tempfile
from collections.abc import Sequence

from hotplate.supervision.plan import Plan
from hotplate_agent.messages import Ask, Load

MAKE_SECONDS = 10.0
MAKE = """\
import sys
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.serving import generate_adhoc_ssl_pair
certificate, key = generate_adhoc_ssl_pair()
sys.stdout.write(certificate.public_bytes(Encoding.PEM).decode())
form = PrivateFormat.TraditionalOpenSSL
sys.stdout.write(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())
"""


class Certificate:
    """What is known of one app's certificate, over all its generations."""

    def __init__(self) -> None:
        self.tls = False
        """Whether the app is served by TLS, as far as can be known now."""
        self.adhoc: str | None = None
        """The certificate that was made for `adhoc`, with its key. Secret."""
        self._files: Sequence[str] = ()
        self._interpreter: str | None = None
        self._turn = asyncio.Lock()

    def expect(self, plan: Plan) -> None:
        """What the settings say, before the app has said anything."""
        self.tls = plan.tls
        self._files = plan.certificate

    def know(self, plan: Plan) -> None:
        """Whose interpreter to ask."""
        self._interpreter = plan.interpreter

    def learn(self, ask: Ask) -> None:
        """What the app itself says."""
        self.tls = ask.tls
        self._files = ask.certificate

    def entrust(self, load: Load) -> Load:
        """The same order, with what a generation needs to be served as the one before."""
        return load._replace(tls=self.tls, certificate=list(self._files), adhoc=self.adhoc)

    async def context(self) -> ssl.SSLContext | None:
        """What to secure a connection with; None where nobody has a certificate."""
        async with self._turn:  # one is made, not one for each connection of a browser
            return await asyncio.get_running_loop().run_in_executor(None, self._context)

    def _context(self) -> ssl.SSLContext | None:
        if self._files:
            context = _load(self._files[0], self._files[-1])
            if context is not None:
                return context
        if self.adhoc is None and self._interpreter is not None:
            self.adhoc = _make(self._interpreter)
        if self.adhoc is None:
            return None
        handle, path = tempfile.mkstemp()  # for nobody else to read
        try:
            with open(handle, "w", encoding="ascii") as file:
                file.write(self.adhoc)
            return _load(path, path)
        finally:
            os.remove(path)


def _load(certificate: str, key: str) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password given, a key that has one would be asked for on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError):
        return None
    return context


def _make(interpreter: str) -> str | None:
    try:
        made = subprocess.run(
            [interpreter, "-I", "-c", MAKE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="ascii",
            timeout=MAKE_SECONDS,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return made.stdout if made.returncode == 0 else None
