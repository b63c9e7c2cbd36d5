"""The process of each start: planned anew, and then the standby's copy or one of its own."""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Callable

from hotplate.supervision.child import Child, Ears
from hotplate.supervision.door import Door
from hotplate.supervision.events import Failure
from hotplate.supervision.plan import Plan, PlanError, Planner, cannot_run, mistake
from hotplate.supervision.process import run
from hotplate.supervision.standby import Standby

logger = logging.getLogger(__name__)


class Spawner:
    """Makes the processes of one app.

    `heed` hears of each plan before anything can fail, since it says which saves matter; `made` of
    a generation's process, which `ears` hear from then on; `failed` of a start that gets none.
    """

    def __init__(
        self,
        planner: Planner,
        door: Door,
        ears: Ears,
        heed: Callable[[Plan], None],
        made: Callable[[Child], None],
        failed: Callable[[int, Failure], None],
    ) -> None:
        self._planner = planner
        self._door = door
        self._ears = ears
        self._heed = heed
        self._made = made
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._spawning: dict[int, asyncio.Task[None]] = {}
        self._tuning = asyncio.Lock()
        self.standby = Standby()
        self.plans: dict[int, Plan] = {}
        """By which each generation that has a process was made, or has been tuned since."""

    def spawn(self, generation: int) -> None:
        """Make the process of a generation. It boots, and waits to be told to load."""
        self._spawning[generation] = self._loop.create_task(self._spawn(generation))
        self.standby.hold()

    def give_up(self, generation: int, then: Callable[[], None]) -> bool:
        """Make none, if there is none yet, and call `then`; whether that is so."""
        task = self._spawning.pop(generation, None)
        if task is None:
            return False
        task.add_done_callback(lambda _: then())
        task.cancel()
        return True

    def abandon(self) -> None:
        """Make none any more, and end those that nobody has."""
        for task in self._spawning.values():
            task.cancel()
        self.standby.close()

    async def retune(self, current: Callable[[], int]) -> None:
        """Take over what changed settings mean for the `current` generation."""
        generation = current()
        spawning = self._spawning.get(generation)
        if spawning is not None:  # the plan that it makes may be one of the settings before
            await asyncio.wait({spawning})
        async with self._tuning:  # what was set last is taken over last
            try:
                plan = await self._loop.run_in_executor(None, self._planner.plan)
            except PlanError:
                return  # the next start will tell
            if generation != current():
                return
            if generation in self.plans:
                self.plans[generation] = plan
                self.standby.retuned(plan)
            self._heed(plan)  # also if it has failed, and its process is gone

    async def _spawn(self, generation: int) -> None:
        try:
            plan = await self._loop.run_in_executor(None, self._planner.plan)
            self.plans[generation] = plan
            self._heed(plan)
            await self._door.open_ahead(plan)
            self._made(await self._from_standby(plan, generation) or self._run(plan, generation))
        except PlanError as error:
            self._failed(generation, error.failure)
        except Exception as error:  # ours; the person is not to wait for a start that never ends
            logger.exception("A start could not be planned.")
            self._failed(generation, mistake(error))
        finally:
            self._spawning.pop(generation, None)

    async def _from_standby(self, plan: Plan, generation: int) -> Child | None:
        try:
            return await self.standby.take(plan, generation, self._ears)
        except Exception:  # it is there to save time, and no more
            logger.exception("The standby interpreter could not be used.")
            return None

    def _run(self, plan: Plan, generation: int) -> Child:
        try:
            return Child(generation, run(plan.interpreter, plan.cwd, plan.env), self._ears)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise PlanError(cannot_run(plan, error)) from error
