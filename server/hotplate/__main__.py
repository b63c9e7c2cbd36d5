"""`python -m hotplate` is `hotplate`."""

import os
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    # `-m` puts the working directory in front: an editor's is the workspace, which may have a
    # `json.py` of its own, and is not to be run by being opened.
    if not getattr(sys.flags, "safe_path", False) and sys.path[0] != _HOME:
        del sys.path[0]

    from hotplate.cli import main

    main()
