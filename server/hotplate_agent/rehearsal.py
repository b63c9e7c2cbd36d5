"""The first request is the slow one: it is made ahead of time, to an app that nobody sees.

What Flask, Werkzeug and Jinja do only once (compile a lexer, look up this machine, fill caches of
regular expressions) is done then, and the interpreter has seen their code run. The app is dropped;
nothing is logged, and nobody connects to anything: the request goes through a pair of sockets.
"""

import socket
from typing import Any, List

_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
_TEMPLATE = "{% for x in xs %}{% if x %}{{ x | e }}{% endif %}{% endfor %}"


def rehearse(make_server: Any, times: int = 8) -> None:
    """Answer a request, with Flask and Werkzeug as they are imported.

    `make_server` is Werkzeug's own. The interpreter rewrites code that has run some times
    (PEP 659), hence `times`. Raises whatever they raise.
    """
    from flask import Flask
    from werkzeug.serving import WSGIRequestHandler

    base: Any = WSGIRequestHandler

    class Handler(base):  # type: ignore[misc]
        def log(self, *args: Any, **kwargs: Any) -> None:
            """Not even once: the first line decides how Werkzeug logs for good."""

    with socket.socket() as address:
        address.bind(("127.0.0.1", 0))  # never listens
        for _ in range(times):
            app = Flask("hotplate_rehearsal", static_folder=None, root_path="/")
            template = app.jinja_env.from_string(_TEMPLATE)
            app.add_url_rule("/", "index", lambda render=template.render: render(xs=[1, "<"]))
            server = make_server("127.0.0.1", 0, app, True, 1, Handler, fd=address.fileno())
            try:
                _ask(server)
            finally:
                server.server_close()


def _ask(server: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(_REQUEST)
        ours.shutdown(socket.SHUT_WR)
        server.finish_request(theirs, ("127.0.0.1", 0))
        theirs.shutdown(socket.SHUT_RDWR)
        answer: List[bytes] = []
        while True:
            data = ours.recv(65536)
            if not data:
                break
            answer.append(data)
    if b" 200 " not in b"".join(answer)[:20]:
        raise RuntimeError("the rehearsal was answered by {!r}".format(b"".join(answer)[:200]))
