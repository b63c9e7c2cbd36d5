"""Error pages: HTML for people, JSON below ``/api``."""

from __future__ import annotations

from flask import Flask, json, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response


def http_error(error: HTTPException) -> Response:
    # Start from the error's own response, which knows its headers (Allow, Retry-After).
    response = Response(status=error.code, headers=error.get_headers(request.environ))
    if request.path.startswith("/api/"):
        response.mimetype = "application/json"
        response.set_data(json.dumps({"error": error.name, "message": error.description}))
    else:
        response.set_data(render_template("error.html", error=error))
    return response


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, http_error)
