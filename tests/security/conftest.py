"""Security is tested on agents alone, where they are enough, and on whole servers."""

from __future__ import annotations

from agent.conftest import end, pair, python, start

__all__ = ["end", "pair", "python", "start"]
