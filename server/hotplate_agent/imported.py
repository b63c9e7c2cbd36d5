"""Which file was being imported when an exception arose."""

import sys
from collections import deque
from types import FrameType, TracebackType
from typing import Any, Deque, Iterator, List, Optional, Tuple

from hotplate_agent.sources import absolute, attribute, is_machinery, is_placeholder, safely


def being_loaded(tb: Optional[TracebackType]) -> Iterator[str]:
    """The files that may have been compiled when an exception arose, the likeliest first.

    Python takes importlib's frames, which knew, out of the traceback of most imports; what is left
    is the statement, or the call, that imports.
    """
    steps: Deque[Tuple[FrameType, int]] = deque(maxlen=10)
    while tb is not None:
        steps.append((tb.tb_frame, tb.tb_lasti))
        tb = tb.tb_next
    nothing: List[str] = []
    for frame, offset in reversed(steps):
        if not is_machinery(frame.f_code.co_filename):
            for module in safely(nothing, _imported, frame, offset):
                yield from safely(nothing, _module_files, module)
            return
        for name in ("source_path", "path", "fname", "filename"):
            value = safely(None, frame.f_locals.get, name)
            if isinstance(value, str) and not is_placeholder(value):
                yield absolute(value)


def _imported(frame: FrameType, offset: int) -> List[str]:
    """The modules that a frame may be importing at this instruction."""
    import dis

    code = frame.f_code
    before: Deque[Any] = deque(maxlen=2)
    for instruction in dis.get_instructions(code):
        if instruction.offset == offset:
            break
        before.append(instruction.argval)
    else:
        return []
    if instruction.opname != "IMPORT_NAME":
        # A call such as `__import__(module_name)` in Flask: any variable may hold the name.
        if "__import__" not in code.co_names:
            return []
        texts = [each for each in list(frame.f_locals.values()) if type(each) is str]
        return [text for text in texts if len(text) < 200 and text.replace(".", "").isidentifier()]
    level, taken = before
    name = instruction.argval
    if level:
        package = frame.f_globals["__package__"].split(".")
        name = ".".join(package[: len(package) - level + 1] + [name] * bool(name))
    return [name, *(name + "." + each for each in taken or ())]


def _module_files(name: str) -> List[str]:
    """The source files of a module and of the packages it is in, the innermost first."""
    from importlib.machinery import PathFinder

    files: List[str] = []
    parts = name.split(".")
    path = None
    for count in range(1, len(parts) + 1):
        whole = ".".join(parts[:count])
        spec = attribute(sys.modules.get(whole), "__spec__") or PathFinder.find_spec(whole, path)
        if spec is None:
            break
        if isinstance(spec.origin, str):
            files.insert(0, spec.origin)
        path = spec.submodule_search_locations
        if path is None:
            break
    return files
