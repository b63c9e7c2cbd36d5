"""Which app a folder runs where its settings name none: the one that is found; of several the one
that the person chooses, once, and has remembered if they wish."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

from lsprotocol import types

from hotplate.lsp.client import Client
from hotplate.project.candidates import Candidate
from hotplate.project.choice import choose, named, settle
from hotplate.project.files import exists
from hotplate.project.remember import NotRemembered, remember
from hotplate.project.schema import Settings

NOT_NOW = "Not now"
REMEMBER, THIS_TIME = "Remember in pyproject.toml", "This time only"
_MOST = 8


class Which:
    """What is known of it for one workspace folder."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._choice: Candidate | None = None
        self._below: str | None = None
        """The setting `folder` under which was looked."""
        self.several: list[Candidate] = []
        """What there is to choose from, as long as nobody has."""
        self.asked = False
        """Whether the person has been asked, in this session."""

    @property
    def gone(self) -> bool:
        """Whether the app that was chosen has got another name."""
        return self._choice is not None and not exists(self._choice.file)

    async def apply(self, settings: Settings, look: bool) -> Settings:
        """The settings with the app, if they name none themselves. `look` for one if need be."""
        if self.gone or self._below != settings.folder:
            self._choice, self.several = None, []
        if self._choice is None and look:
            self._below = settings.folder
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(None, settle, settings, self._folder)
            if self._choice is None:  # the person may have chosen meanwhile
                self._choice, self.several = found
        return choose(settings, self._choice) if self._choice is not None else settings

    async def ask(self, vouched_for: bool) -> bool:
        """Have the person choose. `vouched_for`: that the folder's code may run is no question."""
        titles = Counter(each.title for each in self.several)
        by_title = {
            each.title if titles[each.title] == 1 else f"{each.title} in {self._shown(each)}": each
            for each in self.several
        }
        shown = list(by_title)[:_MOST]
        question = f"There are several Flask apps in {self._folder}. Which one is to run?"
        if len(shown) < len(by_title):
            question += f" ({len(by_title) - len(shown)} more can be named in hotplate.app.)"
        if not vouched_for:
            question += " Hotplate will run its code."
        answer = await self._client.choose(question, [*shown, NOT_NOW])
        if self._client.knows_no_questions:
            self._client.tell(
                f"There are several Flask apps in {self._folder}: {', '.join(shown)}. Name the one "
                "to run in hotplate.folder and hotplate.app, in the editor's settings or below "
                "[tool.hotplate] in pyproject.toml.",
                types.MessageType.Warning,
            )
        chosen = by_title.get(answer or "")
        if chosen not in self.several:
            return False  # or it has been settled otherwise meanwhile
        self._choice, self.several = chosen, []
        return True

    def _shown(self, candidate: Candidate) -> str:
        return os.path.relpath(candidate.file, self._folder)

    async def offer_to_remember(self, settings: Settings) -> bool:
        """Write the choice into the project's `pyproject.toml` if the person wishes."""
        chosen = self._choice
        if chosen is None:
            return False
        question = f"Run {chosen.title} each time {self._folder.name} is opened?"
        if await self._client.choose(question, [REMEMBER, THIS_TIME]) != REMEMBER:
            return False
        loop = asyncio.get_running_loop()
        values = named(settings, chosen)
        try:
            await loop.run_in_executor(None, remember, self._folder, values)
        except NotRemembered as error:
            self._client.tell(str(error), types.MessageType.Warning)
            return False
        return True
