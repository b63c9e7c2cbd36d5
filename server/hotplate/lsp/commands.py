"""`workspace/executeCommand`: what each of our commands does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from hotplate.lsp import protocol
from hotplate.lsp.language_server import HotplateServer


def register_commands(server: HotplateServer) -> None:
    """Each takes `{app?: id}`, or nothing where there is one app."""

    def command(name: str) -> Callable[[Callable[..., Any]], None]:
        def register(handler: Callable[..., Any]) -> None:
            @functools.wraps(handler)
            async def checked(ls: HotplateServer, *arguments: Any) -> Any:
                try:
                    return await handler(ls, _argument(arguments))
                except ValueError as error:
                    raise JsonRpcInvalidParams(str(error)) from error

            del checked.__wrapped__
            checked.__annotations__ = {}
            server.command(name)(checked)

        return register

    @command("hotplate.start")
    async def start(ls: HotplateServer, argument: Mapping[str, Any]) -> None:
        await ls.running.looked()
        app = ls.running.app_to_start(argument)
        if app is not None:
            app.supervisor.start("command")

    @command("hotplate.stop")
    async def stop(ls: HotplateServer, argument: Mapping[str, Any]) -> None:
        await ls.running.find_app(argument).stop()

    @command("hotplate.restart")
    async def restart(ls: HotplateServer, argument: Mapping[str, Any]) -> None:
        ls.running.find_app(argument).supervisor.restart("command")

    @command("hotplate.openInBrowser")
    async def open_in_browser(ls: HotplateServer, argument: Mapping[str, Any]) -> None:
        await ls.running.find_app(argument).open_in_browser()

    @command("hotplate.openDebugger")
    async def open_debugger(ls: HotplateServer, argument: Mapping[str, Any]) -> dict[str, Any]:
        id_ = argument.get("id")
        app = ls.running.find_app(argument)
        return await app.open_debugger(None if id_ is None else str(id_))

    @command("hotplate.debuggerPin")
    async def debugger_pin(ls: HotplateServer, argument: Mapping[str, Any]) -> dict[str, Any]:
        app = ls.running.find_app(argument)
        pin = app.supervisor.pin
        if argument.get("show") and ls.client is not None and not ls.client.own_messages:
            # The lens of an editor that would not show the answer: the person has asked for it.
            ls.client.tell(f"The debugger's PIN: {pin or 'none is asked for'}")
        return {"pin": pin}

    @command("hotplate.useFreePort")
    async def use_free_port(ls: HotplateServer, argument: Mapping[str, Any]) -> dict[str, Any]:
        return {"port": await ls.running.find_app(argument).use_free_port()}

    @command("hotplate.state")
    async def state(ls: HotplateServer, argument: Mapping[str, Any]) -> dict[str, Any]:
        return {"apps": [protocol.to_json(app.last_state) for app in ls.running.apps]}


def _argument(arguments: tuple[Any, ...]) -> Mapping[str, Any]:
    """The one object that a command takes. A bare string is a traceback's id."""
    first = arguments[0] if arguments else None
    if first is None:
        return {}
    if isinstance(first, str):
        return {"id": first}
    if isinstance(first, Mapping):
        return first
    fields = getattr(first, "_asdict", None)  # what pygls makes of an object it does not know
    if fields is not None:
        return dict(fields())
    raise ValueError(f"The argument is an object such as {{app: id}}, not {first!r}.")
