"""The app's certificate, told to the server, for who stands in for the app has to show it too.

For `adhoc` Werkzeug makes a new one at each start, and a browser would ask for its exception at
each save. So the first one serves for all generations.
"""

import os
from importlib import import_module
from typing import Any, Callable, List, Optional, Tuple

from hotplate_agent.messages import Adhoc, Load


class Certificates:
    """Stands between what the app asks for and what Werkzeug is given."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._adhoc: Optional[str] = None

    def begin(self, load: Load) -> None:
        """Take over what an earlier generation has made."""
        self._adhoc = load.adhoc

    def settle(self, ssl_context: Any) -> Tuple[Any, List[str]]:
        """What Werkzeug is to be given, and the files in which the certificate stands."""
        if isinstance(ssl_context, tuple):
            files = [file for file in ssl_context[:2] if file is not None]  # one may hold both
            return ssl_context, [os.path.abspath(os.fsdecode(file)) for file in files]
        if isinstance(ssl_context, str) and ssl_context == "adhoc":
            return self._the_same() or ssl_context, []
        return ssl_context, []

    def _the_same(self) -> Any:
        """None where none can be made: Werkzeug says what is missing for that."""
        if self._adhoc is None:
            self._adhoc = _make()
            if self._adhoc is None:
                return None
            self._send(Adhoc(self._adhoc))
        return _context(self._adhoc)


def for_page(load: Load) -> Any:
    """What the page of an error is served with: as the app was told, or as it last was served."""
    if load.cert is not None:
        return load.cert if load.cert == "adhoc" else (load.cert, load.key)
    if not load.tls or (load.script is None and load.module is None):
        return None  # `flask run` has said what it was given
    return tuple(load.certificate) or "adhoc"


def _make() -> Optional[str]:
    from werkzeug.serving import generate_adhoc_ssl_pair

    try:
        certificate, key = generate_adhoc_ssl_pair()
        as_text: Any = import_module("cryptography.hazmat.primitives.serialization")
        form, pem = as_text.PrivateFormat.TraditionalOpenSSL, as_text.Encoding.PEM
        made: bytes = certificate.public_bytes(pem)
        made += key.private_bytes(pem, form, as_text.NoEncryption())
        return made.decode()
    except Exception:
        return None


def _context(pem: str) -> Any:
    import atexit
    import ssl
    import tempfile

    from werkzeug.serving import load_ssl_context

    handle, path = tempfile.mkstemp()  # for nobody else to read
    with open(handle, "w", encoding="ascii") as file:
        file.write(pem)
    context = load_ssl_context(path, path)
    if isinstance(context, ssl.SSLContext):
        os.remove(path)
    else:  # up to Werkzeug 1.0: it is read for each connection
        atexit.register(os.remove, path)
    return context
