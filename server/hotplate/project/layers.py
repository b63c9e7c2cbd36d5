"""One source's settings (the editor's object, or `[tool.hotplate]`), read key by key.

Each key is judged on its own, so that one mistake does not spoil the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define, frozen

from hotplate.project.problems import Problem, Source
from hotplate.project.pyproject import find_line
from hotplate.project.schema import kinds, spell
from hotplate.project.values import (
    InvalidValue,
    VariableName,
    describe_value,
    did_you_mean,
    structure,
)

HINT = "interpreterHint"
"""The interpreter that another tool of the editor has chosen for the folder: see `Reader.hint`."""

# What a client puts beside the settings for its own use: whether it vouches for the folder, and
# the `hotplate.trace.server` that language clients of VS Code look for in their own section.
CLIENT_KEYS = frozenset({"trusted", "trace", HINT})

_KINDS = kinds()


@define
class Layer:
    """What one object says: the values that hold, and every field it spoke of, right or wrong."""

    source: Source
    where: tuple[str | int, ...] = ()
    values: dict[str, Any] = Factory(dict)
    written: set[str] = Factory(set)
    apps: list[Layer] = Factory(list)


@frozen
class Reader:
    """Turns one source's raw object into layers, and collects what is wrong with it."""

    source: Source
    folder: Path
    problems: list[Problem] = Factory(list)

    def read(self, raw: object, where: tuple[str | int, ...] = ()) -> Layer:
        """The layer that this object makes; `where` is the way to it from the top."""
        layer = Layer(self.source, where)
        names = {spell(field, self.source): field for field in _KINDS}
        known = [*names, *([] if where else ["apps"])]
        for key, value in self._entries(raw, where).items():
            here = (*where, key)
            if not isinstance(key, str) or key not in known:
                if where or key not in CLIENT_KEYS:
                    self._unknown(here, known)
            elif value is None:
                continue  # JSON's way to say that nothing is set
            elif key == "apps":
                layer.apps = self._apps(value)
            elif names[key] == "env":
                self._variables(layer, value, here)
            else:
                self._value(layer, names[key], value, here)
        if layer.values.get("app") and layer.values.get("script"):
            del layer.values["app"]
            self.report(
                f'{self.title((*where, "app"))} is not used, as "script" is set beside it. '
                "Remove one of the two.",
                (*where, "app"),
            )
        return layer

    def hint(self, raw: object) -> Layer:
        """What holds where nobody has said anything: the weakest layer of all."""
        layer = Layer("hint")
        offered = raw.get(HINT) if isinstance(raw, Mapping) else None
        if isinstance(offered, str) and offered:
            layer.values["interpreter"] = offered
        elif offered:
            self.report(
                f"{self.title((HINT,))}: expected a path, got {describe_value(offered)}. "
                "It is ignored.",
                (HINT,),
            )
        return layer

    def report(self, message: str, where: Sequence[str | int]) -> None:
        """Note a problem, with its place where the source is a file."""
        path, line = None, None
        if self.source == "pyproject":
            path = self.folder / "pyproject.toml"
            line = _find(path, where)
        self.problems.append(Problem(message, self.source, _dotted(where), path, line))

    def title(self, where: Sequence[str | int]) -> str:
        """The setting's full name, as the person wrote it, and where."""
        key = _dotted(where)
        if self.source == "editor":
            return f"{'.'.join(filter(None, ('hotplate', key)))} (editor settings)"
        return f"{' '.join(filter(None, ('[tool.hotplate]', key)))} (pyproject.toml)"

    def _entries(self, raw: object, where: tuple[str | int, ...]) -> Mapping[Any, object]:
        if raw is None or raw == []:
            return {}  # an empty Lua table arrives as an empty list
        if isinstance(raw, Mapping):
            return raw
        self.report(
            f"{self.title(where)}: expected an object with settings, got {describe_value(raw)}. "
            "It is ignored.",
            where,
        )
        return {}

    def _unknown(self, where: tuple[str | int, ...], known: list[str]) -> None:
        hint = did_you_mean(where[-1], known)
        self.report(
            f"{self.title(where)} is not a setting of Hotplate and is ignored."
            + (hint or f" The settings are: {', '.join(sorted(known))}."),
            where,
        )

    def _value(self, layer: Layer, field: str, value: object, where: tuple[str | int, ...]) -> None:
        if value == "" and isinstance(value, str) and _is_optional(field):
            return  # a field of a settings page that the person has emptied again
        # A wrong value still stands in the place of what a weaker source says: the person meant
        # to replace that, and the default is what they can look up.
        layer.written.add(field)
        try:
            layer.values[field] = structure(value, _KINDS[field])
        except InvalidValue as invalid:
            self.report(
                f"{self.title(where)}: {invalid} Until it is corrected, the default is used.",
                where,
            )

    def _variables(self, layer: Layer, value: object, where: tuple[str | int, ...]) -> None:
        if not isinstance(value, Mapping):
            self._value(layer, "env", value, where)
            return
        layer.written.add("env")
        layer.values["env"] = variables = {}
        # Judged one by one: a number among the texts is to cost that variable only.
        for name, text in value.items():
            here = (*where, str(name))
            try:
                if text is not None:
                    variables[structure(name, VariableName)] = structure(text, str)
            except InvalidValue as invalid:
                self.report(f"{self.title(here)}: {invalid} The variable is not set.", here)

    def _apps(self, value: object) -> list[Layer]:
        if isinstance(value, (list, tuple)):
            layers = []
            for index, app in enumerate(value):
                layer = self.read(app, ("apps", index))
                if isinstance(app, Mapping) or app == []:
                    layers.append(layer)  # else it has been told, and there is no such app
            return layers
        if value != {}:
            self.report(
                f"{self.title(('apps',))}: expected a list of objects, got "
                f"{describe_value(value)}. It is ignored.",
                ("apps",),
            )
        return []


def _is_optional(field: str) -> bool:
    return bool(_KINDS[field] == (str | None))


def _dotted(where: Sequence[str | int]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _find(path: Path, where: Sequence[str | int]) -> int:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return 0  # changed since it was read; the message still names the key
    return find_line(text, ("tool", "hotplate", *where))
