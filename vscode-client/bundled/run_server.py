"""Starts the server with the libraries that lie beside this file, whatever else is installed."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "libs"))

from hotplate.cli import main

if __name__ == "__main__":
    main(prog_name="hotplate")
