"""What an exception says when it is asked: its name, its message, and those behind and within it.

It is the app's own object and may do anything when it is looked at: raise from `__str__`, hold a
message of 10 MB, be chained in a circle. So each thing is asked for once, `safely`, and everything
that is kept has a bound.
"""

from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple

from hotplate_agent.sources import attribute, safely, string, traceback_of

MESSAGE = 2_000
CHAIN, NOTES = 10, 20


def unwrap(exc: BaseException) -> BaseException:
    """The ImportError that Flask's CLI has turned into a `NoAppException`, else `exc` itself.

    Flask does so where the error arose within the app's module, and has then put the traceback
    into the message. Where the module itself is not found, Flask's message says more.
    """
    origin = attribute(exc, "__context__")
    if attribute(exc, "__cause__") is None and has_base(exc, "flask.cli", "NoAppException"):
        tb = traceback_of(origin)
        if issubclass(type(origin), ImportError) and tb is not None and tb.tb_next is not None:
            return origin  # type: ignore[no-any-return]
    return exc


def type_name(cls: type) -> str:
    """The name of an exception's class, with its module unless everyone knows that."""
    name, module = string(cls, "__qualname__"), string(cls, "__module__")
    if not name:
        name = type.__dict__["__name__"].__get__(cls)
    if module in ("", "builtins", "__main__"):
        return name[:MESSAGE]
    return (module + "." + name)[:MESSAGE]


def _classes(exc: BaseException) -> Sequence[type]:
    return type.__dict__["__mro__"].__get__(type(exc))  # type: ignore[no-any-return]


def has_base(exc: BaseException, module: str, name: str) -> bool:
    """If a class of this name is among those of the exception, without importing it to ask."""
    return any(
        string(cls, "__name__") == name and string(cls, "__module__") == module
        for cls in _classes(exc)
    )


def _is_group(exc: BaseException) -> bool:
    """If this is an exception group, Python's own or the one of the `exceptiongroup` package."""
    return any(string(cls, "__name__") == "BaseExceptionGroup" for cls in _classes(exc))


def printable(text: str) -> str:
    """A text that any encoding of Unicode can carry: lone surrogates as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut(lines: Iterable[str], limit: int = MESSAGE) -> str:
    """Lines as one text of at most `limit` characters and a remark on the rest."""
    kept, size = "", -1
    for line in lines:
        kept = (kept + "\n" + line[:limit] if size >= 0 else line)[: limit + 1]
        size += len(line) + 1
    if size <= limit:
        return printable(kept)
    return printable(kept[:limit]) + "… ({} characters in all)".format(size)


def text_of(exc: BaseException) -> str:
    """`str(exc)`, whatever it does."""
    args = attribute(exc, "args")
    if type(exc) is KeyError and type(args) is tuple and len(args) == 1:
        key = args[0]
        if type(key) is str and len(key) > 50 * MESSAGE:  # repr() of much text takes its time.
            return repr(key[:MESSAGE])[:-1] + key[MESSAGE:]
    # A subclass of str could do anything too.
    return safely("<exception str() failed>", lambda: str.__str__(str(exc)))


def notes_of(exc: BaseException) -> List[str]:
    """The notes of an exception, as Python prints them."""
    notes = attribute(exc, "__notes__")
    if notes is None:
        return []
    failed = "<note str() failed>"
    if not isinstance(notes, (list, tuple)):
        return [safely(failed, repr, notes)]
    return [safely(failed, lambda note: str.__str__(str(note)), note) for note in notes[:NOTES]]


def next_of(exc: BaseException) -> Tuple[Optional[BaseException], str]:
    """The exception behind this one that Python would show, and how it is related."""
    cause, context = attribute(exc, "__cause__"), attribute(exc, "__context__")
    if issubclass(type(cause), BaseException):
        return cause, "cause"
    if issubclass(type(context), BaseException) and not attribute(exc, "__suppress_context__"):
        return context, "context"
    return None, ""


def chain_of(exc: BaseException) -> List[Tuple[BaseException, str]]:
    """What is behind an exception, the nearest first."""
    found: List[Tuple[BaseException, str]] = []
    seen = {id(exc)}
    behind, relation = next_of(exc)
    while behind is not None and id(behind) not in seen and len(found) < CHAIN:
        seen.add(id(behind))
        found.append((behind, relation))
        behind, relation = next_of(behind)
    return found


def members_of(exc: BaseException) -> Sequence[BaseException]:
    """The exceptions in a group; none for any other exception."""
    members: Any = attribute(exc, "exceptions") if _is_group(exc) else None
    return members if type(members) in (list, tuple) else ()


def leaves_of(group: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group that are no groups themselves, at any depth."""
    levels = [iter(members_of(group))]
    while levels:
        for exc in levels[-1]:
            inner = members_of(exc)
            if inner:
                levels.append(iter(inner))
                break
            yield exc
        else:
            levels.pop()
