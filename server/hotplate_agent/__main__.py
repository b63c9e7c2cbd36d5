"""Where the user's interpreter begins: `python …/__main__.py CHANNEL BOX [LIFELINE]`.

The arguments are inherited file descriptors. This file puts the interpreter back into the state
in which Python would have started the app, then hands over to `agent`.
"""

import os
import sys


def _take_package() -> None:
    """Import `hotplate_agent` from beside this file, leaving no trace in `sys.path`."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(here):
        del sys.path[0]  # what Python put there for this script (not with PYTHONSAFEPATH)
    sys.path.insert(0, os.path.dirname(here))
    try:
        import hotplate_agent.agent  # noqa: F401
    finally:
        del sys.path[0]


if __name__ == "__main__":
    _take_package()
    from hotplate_agent.agent import main

    main(*[int(argument) for argument in sys.argv[1:]])
