"""Escape sequences become highlights, or nothing at all."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from neovim.editor import HERE, PLUGIN

RED = {"ctermfg": 1, "fg": 0xCD0000}


def read(nvim: Path, *lines: str) -> list[Any]:
    done = subprocess.run(
        [nvim, "--clean", "-l", HERE / "ansi.lua"],
        input=json.dumps([lines]),
        env={**os.environ, "HOTPLATE_PLUGIN": str(PLUGIN)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    read: list[Any] = json.loads(done.stdout)
    return read


@pytest.mark.parametrize(
    ("line", "plain", "parts"),
    [
        ("plain €", "plain €", []),
        ("\x1b[31mred\x1b[m", "red", [["red", RED]]),
        ("\x1b[31mred\x1b[39m not", "red not", [["red", RED]]),
        ("\x1b[0;1;31mboth\x1b[0m", "both", [["both", {**RED, "bold": True}]]),
        ("\x1b[1;31ma\x1b[22mb", "ab", [["a", {**RED, "bold": True}], ["b", RED]]),
        ("\x1b[91mbright", "bright", [["bright", {"ctermfg": 9, "fg": 0xFF4F4F}]]),
        ("\x1b[41mback", "back", [["back", {"ctermbg": 1, "bg": 0xCD0000}]]),
        ("\x1b[38;5;208mcube", "cube", [["cube", {"ctermfg": 208, "fg": 0xFF8700}]]),
        ("\x1b[48;5;244mgrey", "grey", [["grey", {"ctermbg": 244, "bg": 0x808080}]]),
        ("\x1b[38;2;255;0;0mtrue", "true", [["true", {"ctermfg": 196, "fg": 0xFF0000}]]),
        ("\x1b[38:2::255:0:0mtrue", "true", [["true", {"ctermfg": 196, "fg": 0xFF0000}]]),
        ("\x1b[4:3;31mwavy", "wavy", [["wavy", {**RED, "underline": True}]]),
        ("\x1b[3mi\x1b[23mj\x1b[9m", "ij", [["i", {"italic": True}]]),
        ("\x1b[2Kcleared\x1b[1A", "cleared", []),
        ("\x1b]0;title\x07text", "text", []),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", []),
        ("10%\r50%\r100%", "100%", []),
        ("windows\r", "windows", []),
        ("\x1b[31", "[31", []),  # cut off
        ("\x1b[38;5mred", "red", []),
        ("\x1b[38;2;1;2mred", "red", []),
        ("\x1b[38;9;1mred", "red", []),
    ],
)  # fmt: skip
def test_a_line(nvim: Path, line: str, plain: str, parts: list[Any]) -> None:
    assert read(nvim, line) == [[plain, parts]]


def test_a_colour_goes_on_until_it_is_ended(nvim: Path) -> None:
    lines = read(nvim, "\x1b[31mone", "two\x1b[0m", "three")
    assert lines == [["one", [["one", RED]]], ["two", [["two", RED]]], ["three", []]]
