"""Any policy's work in a persona's manner: the same changes, told and ordered as that persona would.

The inner policy decides what is done. A persona says its report in its own words, which hold no more than what the
record shows; the claims stay as they are, so that no persona is more honest, or less, than another. The mentor also
plans before the first change, closes parts of the plan when a test run bears it out, and on a project tests one file
before it goes on to the next. What it does beside the inner policy, that one is not told of.
"""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from journeyman.envs.actions import Action, Plan, Report
from journeyman.envs.observation import Observation
from journeyman.policies.persona_record import Record
from journeyman.policies.persona_words import MENTOR, PERSONAS, PLANS, summary
from journeyman.policies.policy import Policy, PolicyError, Remembering, Versioned
from journeyman.tasks.task import Task

__all__ = ["PERSONAS", "PersonaPolicy"]

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
        self._plan: list[tuple[str, str]] = []
        """Title and status of the parts of the plan that stands."""
        self._fewest: int | None = None
        self._since: list[str] = []
        """Files that were changed since the plan was last looked at."""

    def _take(self, action: Action | None, observation: Observation) -> None:
        if action is not None and observation.ok:
            if action.tool == "plan" and isinstance(plan := action.parsed_or_none(), Plan):
                self._plan = [(part.title, part.status) for part in plan.subtasks]
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
            return self._planned([(title, "open") for title in self._titles()])
        if wanted.tool == "report" and left > 1:
            return self._closed()
        if self._task.milestones and left > _ROOM and wanted.tool != "plan":
            if (revised := self._revised()) is not None:
                return revised
            if changes and set(self._record.untested) - {wanted.arguments.get("path")}:
                return Action("test")
        return None

    def _titles(self) -> list[str]:
        milestones = list(self._task.in_order()) if self._task.milestones else []
        return [(each.title or each.name)[:200] for each in milestones] or list(self._rng.choice(PLANS))

    def _planned(self, parts: list[tuple[str, str]]) -> Action:
        self._plan = parts
        rows = [{"title": title} | ({"status": status} if status != "open" else {}) for title, status in parts]
        return Action("plan", {"subtasks": rows})

    def _closed(self) -> Action | None:
        """The plan with all of it done, where the tests bear that out and it does not say so yet."""
        is_open = any(status == "open" for _, status in self._plan)
        if not is_open or self._record.tests != "pass" or not self._record.changes:
            return None
        return self._planned([(title, "done" if status == "open" else status) for title, status in self._plan])

    def _revised(self) -> Action | None:
        """The plan with one more part done, where fewer tests fail since it was last looked at."""
        failing, fewest = self._record.failing, self._fewest
        if not self._since or failing is None or self._record.tests == "none":
            return None
        files, self._since = self._since, []
        self._fewest = failing if fewest is None else min(failing, fewest)
        left = [number for number, (_, status) in enumerate(self._plan) if status == "open"]
        if len(left) < 2 or (fewest is not None and failing >= fewest):
            return None
        done = self._about(files, left)
        parts = [(title, "done" if number == done else status) for number, (title, status) in enumerate(self._plan)]
        return self._planned(parts)

    def _about(self, files: list[str], among: list[int]) -> int:
        """The part that speaks most of some files, the first of equals."""
        stems = {file.rsplit("/", 1)[-1].partition(".")[0] for file in files}
        texts = {(each.title or each.name)[:200]: each.instruction for each in self._task.milestones}

        def score(number: int) -> int:
            title = self._plan[number][0]
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
