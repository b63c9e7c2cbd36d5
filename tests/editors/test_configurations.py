"""The configuration on the pages of editors that are not run, against what the editor documents."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from editors.editor import write
from editors.pages import blocks
from support import debian

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Keys and their types, from the editor's own documentation at the time of its record.

HELIX = "https://docs.helix-editor.com/languages.html"
HELIX_SERVER = {
    "command": str, "args": list, "config": dict, "timeout": int, "environment": dict,
    "required-root-patterns": list,
}  # fmt: skip
HELIX_LANGUAGE = {
    "name": str, "language-id": str, "scope": str, "injection-regex": str, "file-types": list,
    "shebangs": list, "roots": list, "auto-format": bool, "diagnostic-severity": str,
    "comment-tokens": (str, list), "block-comment-tokens": (dict, list), "indent": dict,
    "language-servers": list, "grammar": str, "formatter": dict, "soft-wrap": dict,
    "text-width": int, "rulers": list, "path-completion": bool, "word-completion": dict,
    "workspace-lsp-roots": list, "persistent-diagnostic-sources": list, "rainbow-brackets": bool,
    "code-actions-on-save": list,
}  # fmt: skip

SUBLIME = "https://lsp.sublimetext.io/client_configuration/"
SUBLIME_SERVER = {
    "enabled": bool, "command": list, "selector": str, "env": dict, "settings": dict,
    "initialization_options": dict, "priority_selector": str, "diagnostics_mode": str,
    "markdown_language_map": dict, "syntax_map": dict, "tcp_port": int,
    "experimental_capabilities": dict, "disabled_capabilities": dict,
}  # fmt: skip
SUBLIME_EXECUTE = {"session_name": str, "command_name": str, "command_args": list}

ZED = "https://zed.dev/docs/configuring-languages"
ZED_SERVER = {"binary": dict, "initialization_options": dict, "settings": dict}
ZED_BINARY = {"path": str, "arguments": list, "env": dict, "ignore_system_version": bool}

KAKOUNE = "https://github.com/kakoune-lsp/kakoune-lsp, rc/lsp.kak (lsp_servers)"
KAKOUNE_SERVER = {
    "root": str, "root_globs": list, "command": str, "args": list, "single_instance": bool,
    "settings": dict, "settings_section": str, "workspace_did_change_configuration_subsection": str,
    "experimental": dict, "symbol_kinds": dict,
}  # fmt: skip

KATE = "https://docs.kde.org/stable5/en/kate/kate/kate-application-plugin-lspclient.html"
KATE_SERVER = {
    "command": list, "commandDebug": list, "url": str, "initializationOptions": dict,
    "settings": dict, "rootIndicationFileNames": list, "rootIndicationFilePatterns": list,
    "highlightingModeRegex": str, "root": str, "use": str,
}  # fmt: skip


def check(table: dict[str, Any], keys: dict[str, Any], source: str) -> None:
    """Every key is one that the editor documents, and of its type."""
    for key, value in table.items():
        assert key in keys, f"{key!r} is not in {source}"
        assert isinstance(value, keys[key]), f"{key} = {value!r}: see {source}"


def test_helix() -> None:
    (block,) = blocks("helix.md", "Helix", "toml")
    table = tomllib.loads(block)
    assert set(table) == {"language-server", "language"}
    for server in table["language-server"].values():
        check(server, HELIX_SERVER, HELIX)
    server = table["language-server"]["hotplate"]
    assert [server["command"], *server["args"]] == ["hotplate", "lsp"]
    assert server["config"]["trusted"] is True  # 25.07 shows no questions
    (python,) = table["language"]
    check(python, HELIX_LANGUAGE, HELIX)
    assert python["name"] == "python" and "hotplate" in python["language-servers"]


def test_sublime_text() -> None:
    servers, keys = map(json.loads, blocks("sublime-text.md", "Sublime Text", "json"))
    (server,) = servers.values()
    check(server, SUBLIME_SERVER, SUBLIME)
    assert {"enabled", "command", "selector"} <= set(server)  # all that is required
    assert server["enabled"] and server["command"] == ["hotplate", "lsp"]
    (key,) = keys
    assert key["command"] == "lsp_execute"
    check(key["args"], SUBLIME_EXECUTE, "https://lsp.sublimetext.io/commands/")
    assert key["args"]["session_name"] in servers


def test_zed() -> None:
    (block,) = blocks("zed.md", "Zed", "json")
    settings = json.loads(block)
    assert set(settings) == {"languages", "lsp"}
    (server,) = settings["lsp"].values()
    check(server, ZED_SERVER, ZED)
    check(server["binary"], ZED_BINARY, ZED)
    assert [server["binary"]["path"], *server["binary"]["arguments"]] == ["hotplate", "lsp"]
    assert set(settings["lsp"]) < set(settings["languages"]["Python"]["language_servers"])


def test_kate() -> None:
    (block,) = blocks("kate.md", "LSP Client", "json")
    settings = json.loads(block)
    assert set(settings) == {"servers"}
    for server in settings["servers"].values():
        check(server, KATE_SERVER, KATE)


def test_lapce_has_none() -> None:
    """Where there is nothing to configure, nothing is given to be copied."""
    for language in ("toml", "json"):
        assert blocks("lapce.md", "Lapce", language) == []


@pytest.mark.timeout(300)
def test_kakoune(tmp_path: Path) -> None:
    """The real Kakoune takes the block; kakoune-lsp is one that is not in Debian, and stands in."""
    debian.need("Kakoune", lambda: bool(shutil.which("kak")), "kakoune")
    block, watching = blocks("kakoune.md", "Kakoune", "kak")
    stand_in = write(
        tmp_path / "bin" / "kak-lsp",
        "#!/bin/sh\necho 'declare-option str lsp_servers; define-command lsp-enable nop'\n",
    )
    stand_in.chmod(0o755)
    told = tmp_path / "told"
    script = f"""{watching}{block}
        edit -scratch app.py
        set-option buffer filetype python
        evaluate-commands %sh{{ printf %s "$kak_opt_lsp_servers" >{told} }}
        quit!
    """
    done = subprocess.run(
        ["kak", "-n", "-ui", "dummy", "-e", script],
        env={
            "PATH": f"{stand_in.parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.exists(), done.stderr
    (name, server), *others = tomllib.loads(told.read_text()).items()
    assert (name, others) == ("hotplate", [])  # the command is the server's name
    check(server, KAKOUNE_SERVER, KAKOUNE)
    assert server["args"] == ["lsp"] and server["settings_section"] in server["settings"]
