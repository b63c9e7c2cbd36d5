"""Hotplate: a language server that runs your Flask app."""

__version__ = "0.1.0"
