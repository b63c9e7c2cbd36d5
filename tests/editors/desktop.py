"""A screen that nobody sees, and the accessibility bus, by which a screen reader sees a window."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from jeepney import DBusAddress, MessageType, Properties, new_method_call
from jeepney.io.asyncio import DBusRouter, open_dbus_router

_ATSPI = "org.a11y.atspi."
_REGISTRY = (_ATSPI + "Registry", "/org/a11y/atspi/accessible/root")


@attrs.frozen
class Widget:
    """Something in a window: its role (such as `tree item`), and what it is called."""

    bus: str
    path: str
    role: str
    name: str


class Desktop:
    """Xvfb and a session bus of our own. `environment` is for the programs on it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._processes: list[asyncio.subprocess.Process] = []
        self._routers: list[Any] = []
        self._atspi: DBusRouter
        self.environment: dict[str, str] = {}

    async def start(self, env: Mapping[str, str]) -> None:
        runtime = self._home / "run"
        runtime.mkdir(mode=0o700)
        base = {**env, "HOME": str(self._home), "XDG_RUNTIME_DIR": str(runtime)}
        # The bus has no DISPLAY: with one, the accessibility bus is announced on the screen's
        # root window, and Qt 5 that finds it there before its windows are made stays mute.
        bus = await self._spawn(
            "dbus-daemon", "--session", "--nofork", "--print-address=1", env=base
        )
        address = await self._line(bus)
        screen = await self._spawn(
            "Xvfb", "-displayfd", "1", "-screen", "0", "1200x800x24", "-nolisten", "tcp", env=base
        )
        self.environment = {
            "XDG_RUNTIME_DIR": str(runtime),
            "DBUS_SESSION_BUS_ADDRESS": address,
            "DISPLAY": f":{await self._line(screen)}",
            "QT_QPA_PLATFORM": "xcb",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }

    async def look(self) -> None:
        """Start the accessibility bus. The program has to be there before it."""
        session = await self._connect(self.environment["DBUS_SESSION_BUS_ADDRESS"])
        bus = DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus")
        (address,) = await _send(session, new_method_call(bus, "GetAddress"))
        self._atspi = await self._connect(address)

    async def widgets(self, *roles: str) -> list[Widget]:
        """All that is in any window, of these roles, from top to bottom."""
        found: list[Widget] = []
        await self._walk(*_REGISTRY, frozenset(roles), found)
        return found

    async def children(self, widget: Widget) -> list[Widget]:
        (children,) = await self._call(widget.bus, widget.path, "Accessible", "GetChildren")
        return [await self._widget(*child) for child in children]

    async def press(self, widget: Widget) -> None:
        """Do the first thing that can be done with it."""
        await self.ask(widget, "Action", "DoAction", "i", 0)

    async def ask(
        self, widget: Widget, interface: str, method: str, signature: str = "", *arguments: Any
    ) -> Any:
        """One value that a widget answers."""
        answer = await self._call(
            widget.bus, widget.path, interface, method, signature or None, arguments
        )
        return answer[0] if answer else None

    async def caret(self, widget: Widget) -> int:
        """Where in a text the caret stands, in characters."""
        address = DBusAddress(widget.path, widget.bus, _ATSPI + "Text")
        ((_, value),) = await _send(self._atspi, Properties(address).get("CaretOffset"))
        return int(value)

    async def keys(self, *arguments: str) -> None:
        """Press keys, or move and click the mouse, as xdotool takes it."""
        process = await asyncio.create_subprocess_exec(
            "xdotool",
            *arguments,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0, arguments

    async def stop(self) -> None:
        for router in self._routers:
            await router.__aexit__(None, None, None)
        for process in reversed(self._processes):
            if process.returncode is None:
                process.terminate()
        for process in self._processes:
            await process.wait()

    async def _connect(self, address: str) -> DBusRouter:
        manager = open_dbus_router(address)
        router = await manager.__aenter__()
        self._routers.append(manager)
        return router

    async def _walk(self, bus: str, path: str, roles: frozenset[str], found: list[Widget]) -> None:
        widget = await self._widget(bus, path)
        if widget.role in roles:
            found.append(widget)
        if widget.role == "menu bar" and "menu item" not in roles:
            return  # most of what there is
        (children,) = await self._call(bus, path, "Accessible", "GetChildren")
        for child in children:
            try:
                await self._walk(*child, roles, found)
            except LookupError:  # gone meanwhile
                pass

    async def _widget(self, bus: str, path: str) -> Widget:
        (role,) = await self._call(bus, path, "Accessible", "GetRoleName")
        address = DBusAddress(path, bus, _ATSPI + "Accessible")
        ((_, name),) = await _send(self._atspi, Properties(address).get("Name"))
        return Widget(bus, path, role, name.replace("&", ""))

    async def _call(
        self, bus: str, path: str, interface: str, method: str,
        signature: str | None = None, arguments: tuple[Any, ...] = (),
    ) -> Any:  # fmt: skip
        address = DBusAddress(path, bus, _ATSPI + interface)
        return await _send(self._atspi, new_method_call(address, method, signature, arguments))

    async def _spawn(self, *command: str, env: Mapping[str, str]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process

    async def _line(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


async def _send(router: DBusRouter, message: Any) -> Any:
    """The body of the reply. Raises LookupError where there is an error in its place."""
    reply = await asyncio.wait_for(router.send_and_get_reply(message), 20)
    if reply.header.message_type is MessageType.error:
        raise LookupError(reply.body)
    return reply.body
