"""Any policy's work in a persona's manner: the same changes, told and ordered as that persona would.

The inner policy decides what is done. A persona says its report in its own words, which hold no more than what the
record shows; the claims stay as they are, so that no persona is more honest, or less, than another. The mentor also
plans before the first change, closes parts of the plan when a test run bears it out, and on a project tests one file
before it goes on to the next. What it does beside the inner policy, that one is not told of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from journeyman.envs.actions import Action, Plan, Report
from journeyman.envs.observation import Observation
from journeyman.policies.persona_record import Record
from journeyman.policies.persona_words import MENTOR, PERSONAS, PLANS, summary
from journeyman.policies.policy import Policy, PolicyError, Remembering, Versioned
from journeyman.tasks.task import Task

__all__ = ["PERSONAS", "PersonaPolicy"]

_PARTS = 40
"""So many parts a plan may have."""
_ROOM = 10
"""Steps that must be left for a test run or a revised plan on the way."""


class PersonaPolicy:
    """Plays an inner policy as a persona would. Repeatable by its seed.

    An inner policy that samples tokens keeps them on all actions but the report, whose words are not what it wrote.

    Args:
        persona: one of `PERSONAS`.

    Raises:
        PolicyError: there is no such persona.
    """

    def __init__(self, inner: Policy, persona: str, task: Task) -> None:
        if persona not in PERSONAS:
            raise PolicyError(f"no persona {persona!r}; there are: {', '.join(PERSONAS)}")
        self.inner, self.persona, self._task = inner, persona, task
        self.name = f"{inner.name}+{persona}"
        self._last: Action | None = None
        self._waiting: Action | None = None
        """What the inner policy wants to do, once the persona has done what comes before it."""
        self._forget(0)

    def start(self, *, seed: int) -> None:
        self.inner.start(seed=seed)
        self._forget(seed)

    def act(self, observation: Observation) -> Action:
        self._take(self._last, observation)
        if self._waiting is None:
            self._waiting = self.inner.act(observation)
        action = self._before(self._waiting, observation)
        if action is None:
            action, self._waiting = self._told(self._waiting), None
        self._last = action
        return action

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`; the inner policy remembers it too, if it can."""
        self._take(self._last, observation)
        self._last = action
        if isinstance(self.inner, Remembering):
            self.inner.remember(observation, action)

    def versions(self) -> dict[str, str]:
        inner = self.inner.versions() if isinstance(self.inner, Versioned) else {}
        return inner | {"persona": self.persona}

    def close(self) -> None:
        self.inner.close()

    def _forget(self, seed: int) -> None:
        self._rng, self._record = Random(f"{self.persona} {seed} {self._task.name}"), Record()
        self._last = self._waiting = None
        self._tested_for: Action | None = None
        self._plan: list[dict[str, Any]] = []
        """The parts of the plan that stands, as its call says them: one without a status is open."""
        self._fewest: int | None = None
        self._since: list[str] = []
        """Files that were changed since the plan was last looked at."""

    def _take(self, action: Action | None, observation: Observation) -> None:
        if action is not None and observation.ok:
            if action.tool == "plan" and isinstance(plan := action.parsed_or_none(), Plan):
                self._plan = [part.model_dump(mode="json", exclude_defaults=True) for part in plan.subtasks]
                self._since = []
            elif action.tool in ("edit", "write") and isinstance(path := action.arguments.get("path"), str):
                self._since.append(path)
        self._record.read(action, observation)

    def _before(self, wanted: Action, observation: Observation) -> Action | None:
        """What a mentor does before that; nothing where there is no room for it."""
        if self.persona != MENTOR:
            return None
        left, changes = observation.steps_left, wanted.tool in ("edit", "write")
        if not self._plan and wanted.tool != "plan" and wanted.tool != "report" and left > 2 and not self._since:
            return self._planned([{"title": title} for title in self._titles()])
        if wanted.tool == "report" and left > 1:
            return self._closed()
        if self._task.milestones and left > _ROOM and wanted.tool != "plan":
            if (revised := self._revised()) is not None:
                return revised
            is_other = bool(set(self._record.untested) - {wanted.arguments.get("path")})
            if changes and is_other and self._tested_for is not wanted:  # once, even if no test can be run
                self._tested_for = wanted
                return Action("test")
        return None

    def _titles(self) -> list[str]:
        milestones = list(self._task.in_order()) if self._task.milestones else []
        return [(each.title or each.name)[:200] for each in milestones[:_PARTS]] or list(self._rng.choice(PLANS))

    def _planned(self, parts: list[dict[str, Any]]) -> Action:
        self._plan = parts
        return Action("plan", {"subtasks": [dict(part) for part in parts]})

    def _open(self) -> list[int]:
        """The numbers of the parts that are open."""
        return [number for number, part in enumerate(self._plan) if part.get("status", "open") == "open"]

    def _closed(self) -> Action | None:
        """The plan with all of it done, where the tests bear that out and it does not say so yet."""
        left = self._open()
        if not left or self._record.tests != "pass" or not self._record.changes:
            return None
        return self._with_done(left)

    def _with_done(self, numbers: Sequence[int]) -> Action:
        return self._planned(
            [part | {"status": "done"} if number in numbers else part for number, part in enumerate(self._plan)]
        )

    def _revised(self) -> Action | None:
        """The plan with one more part done, where fewer tests fail since it was last looked at."""
        failing, fewest = self._record.failing, self._fewest
        if not self._since or failing is None or self._record.tests == "none":
            return None
        files, self._since = self._since, []
        self._fewest = failing if fewest is None else min(failing, fewest)
        left = self._open()
        if len(left) < 2 or (fewest is not None and failing >= fewest):
            return None
        return self._with_done([self._about(files, left)])

    def _about(self, files: list[str], among: list[int]) -> int:
        """The part that speaks most of some files, the first of equals."""
        stems = {file.rsplit("/", 1)[-1].partition(".")[0] for file in files}
        texts = {(each.title or each.name)[:200]: each.instruction for each in self._task.milestones}

        def score(number: int) -> int:
            title = self._plan[number]["title"]
            words = set(re.findall(r"\w+", f"{title} {texts.get(title, '')}"))
            return len(stems & words)

        return max(among, key=lambda number: (score(number), -number))

    def _told(self, action: Action) -> Action:
        """A report in the persona's words; anything else as it is."""
        report = action.parsed_or_none() if action.tool == "report" else None
        if not isinstance(report, Report):
            return action
        said = summary(self.persona, report, self._record, self._rng)
        return replace(action, arguments={**action.arguments, "summary": said}, text="", tokens=None)
