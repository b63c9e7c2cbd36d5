"""The app of the stories."""

from __future__ import annotations

APP = """\
import json
import sys

from flask import Flask, request

app = Flask(__name__)
with open("greeting.json") as file:
    GREETING = json.load(file)["greeting"]
PRICES = {"coffee": 3}


@app.route("/")
def index():
    return 'first'


@app.route("/price")
def price():
    print("priced", file=sys.stderr)
    return f"€ {PRICES[request.args['of']]}"


@app.route("/wrapped")
def wrapped():
    try:
        price()
    except KeyError as error:
        raise ValueError("no such thing") from error


@app.route("/greeting")
def greeting():
    return GREETING


@app.route("/colours")
def colours():
    print("before \\033[1;31mred\\033[0m after")
    print("\\033[38;2;120;200;255mtrue\\033[48;5;24mboth")
    print("still\\033[m plain again", flush=True)
    return "coloured"


@app.route("/many")
def many():
    for number in range(int(request.args["lines"])):
        print(f"\\033[32mline\\033[m {number}")
    sys.stdout.flush()
    return "many"
"""

FILES = {
    "app.py": APP,
    "greeting.json": '{"greeting": "hello"}\n',
    "pyproject.toml": "[project]\nname = 'shop'\n",
}

LINES = APP.splitlines()


def row_of(text: str) -> int:
    """The line that has a text in it, from 1."""
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def byte_column(text: str) -> int:
    """Where a text begins in its line, in bytes from 0: behind a € that has three of them."""
    line = LINES[row_of(text) - 1]
    return len(line[: line.index(text)].encode())
