"""Hotplate beside its peers: how long from a save to the first answer of the new code."""
