"""`python -m hotplate` is `hotplate`."""

from hotplate.cli import main

if __name__ == "__main__":
    main()
