"""Who may talk to what is interactive: the debugger's commands, and the pages of kept exceptions.

A page of the web can have a person's browser send requests to this machine: to 127.0.0.1, as a
request from another site, or to a name of its own that it points here (DNS rebinding), as one that
looks like the site's own. Werkzeug looks at the `Host` from 3.0.3 on, and at no request's origin.
So both are looked at here, before Werkzeug sees the request, in every release alike.
"""

from typing import Any, Iterable, Optional, Tuple

_ALL = ("", "0.0.0.0", "::", "*")
_OWN = ("same-origin", "none")  # none: the person has typed the address, or a program opened it


def command(environ: Any) -> Optional[str]:
    """The command to Werkzeug's debugger that a request is, None where it is for the app.

    The query is decoded as Werkzeug decodes it: `__debugger__=%79es` is a command, too.
    """
    query = environ.get("QUERY_STRING", "")
    if "=" not in query or ("debugger" not in query and "%" not in query):
        return None  # nearly all requests
    from urllib.parse import parse_qsl

    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    if ("__debugger__", "yes") not in pairs:
        return None
    # Werkzeug takes the first; where there are several, none is to hide behind another.
    commands = {value for name, value in pairs if name == "cmd"}
    return commands.pop() if len(commands) == 1 else ""


def known_host(header: Optional[str], served: Optional[str]) -> bool:
    """Whether a `Host` names this machine for itself, or is the one that the person has set."""
    name = _name(header or "")
    if not name:
        return False
    if name == "localhost" or name.endswith(".localhost") or name == "::1":
        return True
    if is_loopback_number(name):
        return True
    return served is not None and served not in _ALL and name == served.lower()


def from_elsewhere(environ: Any) -> bool:
    """Whether the browser says that another site has made it send this request."""
    site: Optional[str] = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in _OWN
    # From browsers before 2023, and not with every request.
    origin: Optional[str] = environ.get("HTTP_ORIGIN")
    host: Optional[str] = environ.get("HTTP_HOST")
    return origin is not None and origin.partition("://")[2] != host


def goes_there(environ: Any) -> bool:
    """Whether the browser goes to the page, and no other page's script reads it."""
    return bool(environ.get("HTTP_SEC_FETCH_MODE") == "navigate")


def refusal(start_response: Any, why: str) -> Iterable[bytes]:
    """The answer to a stranger."""
    body = (why + "\n").encode("utf-8")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("403 Forbidden", headers)
    return [body]


def _name(header: str) -> str:
    """The host without its port, "" for what is none."""
    host, port = _split(header.strip().lower())
    if port and not port.isdigit():
        return ""
    return host


def _split(header: str) -> Tuple[str, str]:
    if header.startswith("["):
        host, _, port = header[1:].partition("]")
        return host, port[1:] if port.startswith(":") else port
    host, _, port = header.partition(":")
    return host, port


def is_loopback_number(name: str) -> bool:
    """Whether it is one of 127.0.0.0/8, and no name that begins like one."""
    parts = name.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts)
