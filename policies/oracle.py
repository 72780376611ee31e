"""Policies that know the reference solution, and play it within what the observations show.

They are what demonstrations are made of, and the proof that a task can be solved through the tools: an oracle looks
at a line before it edits it, edits by line number, runs the tests and claims only what it saw. The mistaken one goes
wrong first, sees the test fail and recovers. Where the environment fails them (envs/faults) they do what somebody
does who notices: they ask again, look afresh, run the tests to an end, and make anew what was lost.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from itertools import zip_longest
from random import Random

from journeyman.envs.actions import Action
from journeyman.envs.faults.on_files import HANDOVER
from journeyman.envs.observation import Observation
from journeyman.envs.tools.syntax import Definition, definitions
from journeyman.envs.tools.test import visible_failing
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, LineEdit, applied, edits_or_none, solution_changes
from journeyman.policies.mistakes import mistaken
from journeyman.policies.notes import Notes
from journeyman.policies.parts import function_around, parts_of
from journeyman.policies.policy import PolicyError
from journeyman.tasks.task import Task

Play = Generator[Action, Observation, None]
"""Actions out, the observation of each back in."""
Look = Generator[Action, Observation, Observation]
"""As `Play`; comes back with the last observation."""
_MAX_CHANGED_CLAIMS = 5
_MAX_CLOSED_ONE_BY_ONE = 6
"""Milestones of a project."""
_TOOL_FAILED = re.compile(r"\w+ failed: ")
_CUT_OFF = re.compile(r"interrupted|timed out")
"""How the answer of a test run begins that came to no end."""
_ATTEMPTS = 3
_ROOM_TO_MEND = 4
"""Actions that it takes to look, edit, test and report."""
_MAX_WRITTEN_ANEW = 200
"""Lines of a file that is written anew where nobody knows what became of it."""
_MAX_NAMED = 3
"""So many functions are named in a summary, else the files."""


def was_spoiled(seen: Observation) -> bool:
    """Whether a call came to no answer (envs/faults), so that it is to be made again."""
    return not seen.ok and (_TOOL_FAILED.match(seen.text) or _CUT_OFF.match(seen.text)) is not None


class OraclePolicy:
    """Plays the reference solution: plan (projects), view, edit, test, report."""

    name = "oracle"

    def __init__(self, task: Task, *, with_test_first: bool = False) -> None:
        """
        Args:
            with_test_first: run the tests before the first edit, to see what fails.

        Raises:
            PolicyError: the task has no solution that tool calls can write.
        """
        self._task, self._with_test_first = task, with_test_first
        self._changes = self._what_to_change()
        self._notes, self._rng = Notes(), Random(0)
        self._play: Play | None = None
        self._told = ""
        """The first thing that it was shown."""
        self._tested = ""
        """What the last test run was asked for; empty for all tests."""
        self._left = 0
        """Actions that are left."""
        self._next: Action | None = None
        """What it means to do, when others acted instead."""

    def start(self, *, seed: int) -> None:
        self._notes, self._rng, self._play, self._next = Notes(), Random(seed), None, None
        self._told = self._tested = ""

    def act(self, observation: Observation) -> Action:
        self._notes.read(observation)
        self._left = observation.steps_left
        if self._next is not None:
            action, self._next = self._next, None
            return action
        try:
            if self._play is None:
                self._told = observation.text
                self._play = self._whole_play()
                return next(self._play)
            return self._play.send(observation)
        except StopIteration:
            return self._report()

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`. It knows the way from the beginning alone: its own steps it walks along, and steps that
        changed nothing it looks at.

        Raises:
            PolicyError: the step may have changed files, and is not what it would have done.
        """
        if self._next is None:
            self._next = self.act(observation)
        else:
            self._notes.read(observation)
        if (self._next.tool, dict(self._next.arguments)) == (action.tool, dict(action.arguments)):
            self._next = None
        elif action.tool in ("edit", "write", "run"):
            raise PolicyError(f"{self.name} cannot go on: it would not have done this {action.tool} there")

    def close(self) -> None:
        """Nothing is held."""

    def _what_to_change(self) -> tuple[FileChange, ...]:
        return solution_changes(self._task)

    def _attempts(self, changes: list[FileChange]) -> dict[FileChange, TextFile]:
        """What is written first where that is not the solution."""
        return {}

    def _whole_play(self) -> Play:
        parts = parts_of(self._task, self._changes)
        attempts = self._attempts([change for part in parts for change in part])
        # Each milestone is closed as its part is tested, where there are few: the plan is written out each time.
        count = len(self._task.milestones)
        closes_each = count == len(parts) <= _MAX_CLOSED_ONE_BY_ONE
        if count:
            yield self._plan()
        # What others say was done is looked at first: by a test that would tell, else in the code.
        if self._with_test_first or (HANDOVER in self._told and visible_failing(self._task)):
            yield from self._test()
        for done, part in enumerate(parts, 1):
            for change in part:
                yield from self._bring(change.path, change.before, attempts.get(change, change.after))
            seen = yield from self._test()
            wrong = [change for change in part if change in attempts]
            for change in wrong:
                if self._notes.tests_pass:  # no visible test noticed: only reading it over does
                    self._notes.forget(change.path)
                yield from self._bring(change.path, attempts[change], change.after)
            if wrong:
                seen = yield from self._test()
            if closes_each:
                yield self._plan(done, f"step {seen.step}" if self._notes.tests_pass else part[-1].path)
        yield from self._mend_lost(list(attempts.values()))
        if count and not closes_each:
            yield self._plan(count)
        yield self._report()

    def _plan(self, done: int = 0, evidence: str = "") -> Action:
        """So many milestones are done, and this shows it of the last of them."""
        titles = [milestone.title or milestone.name for milestone in self._task.in_order()]
        subtasks = [
            {"title": title[:200]} | ({"status": "done"} if at < done else {}) for at, title in enumerate(titles)
        ]
        if evidence:
            subtasks[done - 1]["evidence"] = evidence[:300]
        return Action("plan", {"subtasks": subtasks})

    def _report(self) -> Action:
        paths = [change.path for change in self._changes]
        what_passed = {"subject": self._tested} if self._tested else {}
        claims = [{"kind": "tests_pass", **what_passed}] if self._notes.tests_pass else []
        if self._task.milestones or not claims:  # of a single bug, a passing test says enough
            claims += [{"kind": "changed", "subject": path} for path in paths[:_MAX_CHANGED_CLAIMS]]
        what = "Fixed" if all(change.before for change in self._changes) else "Wrote"
        changed = [self._notes.as_known(name) for name in _functions(self._changes)] or paths
        return Action("report", {"summary": f"{what} {', '.join(changed)}.", "claims": claims})

    def _bring(self, path: str, before: TextFile | None, after: TextFile) -> Play:
        """Bring a file from one state to another."""
        edits = edits_or_none(before, after) if before is not None else None
        if before is None or edits is None:
            content = ("\ufeff" if after.bom else "") + after.text
            yield from self._surely(Action("write", {"path": path, "content": content}))
            return
        for edit in edits:
            yield from self._edit(path, before, edit)

    def _edit(self, path: str, file: TextFile, edit: LineEdit) -> Play:
        """Make one edit by the numbers that the lines were shown under. Where they have moved, look again."""
        for _ in range(_ATTEMPTS):
            yield from self._look_at(path, file, edit)
            shift, known = self._shift(path, file, edit), self._notes.lines_of(path)
            moved = LineEdit(edit.line + shift, edit.end + shift, edit.new)
            self._notes.edited(path, moved)
            seen = yield moved.action(path)
            if seen.ok:
                return
            self._notes.put_back(path, known)
            if "changed since" in seen.text:
                self._notes.forget(path)
            elif not _TOOL_FAILED.match(seen.text):
                return

    def _surely(self, action: Action) -> Look:
        """Do it, and once more if the tool failed."""
        seen = yield action
        if not seen.ok and _TOOL_FAILED.match(seen.text):
            seen = yield action
        return seen

    def _test(self) -> Look:
        """Run the tests to an end: again if they were cut off, fewer if they take too long."""
        for _ in range(_ATTEMPTS):
            seen = yield Action("test", {"target": self._tested} if self._tested else {})
            if self._tested and seen.text.startswith("no tests ran"):
                self._tested = self._tested.split("::")[0]
            elif seen.text.startswith("timed out"):
                self._tested = self._one_test()
            elif not _CUT_OFF.match(seen.text):
                break
        return seen

    def _one_test(self) -> str:
        """A failing test that was named; else the file of one, or where the tests are."""
        failing = visible_failing(self._task)
        named = [test for test in failing if self._notes.has_path(test)]
        places = [test.split("::")[0] for test in failing]
        return next(iter((*named, *places, *self._task.test_paths)), "")

    def _mend_lost(self, attempts: Sequence[TextFile]) -> Play:
        """Tests still fail: see whether the changes are there, and make anew what was lost."""
        ends: dict[str, tuple[TextFile | None, TextFile]] = {}
        for change in (change for part in parts_of(self._task, self._changes) for change in part):
            first, _ = ends.get(change.path, (change.before, change.after))
            ends[change.path] = first, change.after
        is_mended = False
        for path, (before, after) in ends.items():
            if not self._notes.tests_fail or self._left < _ROOM_TO_MEND:
                break
            found = yield from self._state_of(path, before, after, attempts)
            if found != after:
                yield from self._bring(path, found, after)
                is_mended = True
        if is_mended:
            yield from self._test()

    def _state_of(
        self, path: str, before: TextFile | None, after: TextFile, attempts: Sequence[TextFile]
    ) -> Generator[Action, Observation, TextFile | None]:
        """Look at what was changed in a file; which of its states that is. None of one that is to be written anew."""
        self._notes.forget(path)
        edits = edits_or_none(before, after) if before is not None else None
        if before is None or edits is None:
            seen = yield from self._surely(Action("view", {"path": path}))
            return after if seen.ok and self._notes.is_as(path, after.lines) else before
        lost_one = [applied(before, [edit for edit in edits if edit is not lost]) for lost in edits]
        states = [after, before, *attempts, *lost_one]
        yield from self._look_at(path, before, edits[-1])
        for _ in range(_ATTEMPTS):
            states = [state for state in dict.fromkeys(states) if self._notes.is_as(path, state.lines)]
            if len(states) < 2:
                break
            both = zip_longest(states[0].lines, states[1].lines)
            at = next((n for n, (one, other) in enumerate(both, 1) if one != other), 1)
            seen = yield from self._surely(Action("view", {"path": path, "line": at}))
            if not seen.ok:  # it ends before that line
                states = [state for state in states if len(state.lines) < at]
        if states:
            return states[0]
        return None if len(after.lines) <= _MAX_WRITTEN_ANEW else after

    def _look_at(self, path: str, file: TextFile, edit: LineEdit) -> Play:
        """View what will be edited, the way there included, until its lines stand before us."""
        known = definitions(file.text)
        symbol = function_around(known, edit)
        if symbol is not None and not self._shown(path, file, edit):
            if not self._notes.names(symbol.name):
                yield from self._find_the_way(path, file, symbol)
            looked: Action | None = None
            while not self._shown(path, file, edit) and (look := self._view(path, symbol.name)) != looked:
                looked = look
                yield from self._surely(look)
            if looked is not None and not self._notes.shows_any(path):  # another file was shown
                yield from self._surely(looked)
        for line in dict.fromkeys((edit.line, min(edit.end, len(file.lines)))):
            if not self._notes.shows(path, line + self._shift(path, file, edit)):
                at = line + self._shift(path, file, edit)
                yield from self._surely(Action("view", {"path": path, "line": at}))

    def _find_the_way(self, path: str, file: TextFile, symbol: Definition) -> Play:
        """Nobody named the function at fault: look at its class, or at one that calls it, if those were named, else at
        the file's outline."""
        home = symbol.name.rpartition(".")[0]
        if home and self._notes.names(home):
            yield from self._surely(self._view(path, home))
            return
        called = re.compile(rf"\b{re.escape(symbol.name.rsplit('.', 1)[-1])}\b")
        for other in definitions(file.text):
            is_inside = symbol.start >= other.start and symbol.end <= other.end
            body = file.lines[other.start : other.end]
            if self._notes.names(other.name) and not is_inside and any(map(called.search, body)):
                yield from self._surely(self._view(path, other.name))
                if self._notes.names(symbol.name):
                    return
        yield from self._surely(Action("outline", {"path": path}))

    def _view(self, path: str, symbol: str) -> Action:
        return Action(
            "view", {"path": path if self._notes.has_path(path) else ".", "symbol": self._notes.as_known(symbol)}
        )

    def _shown(self, path: str, file: TextFile, edit: LineEdit) -> bool:
        shift = self._shift(path, file, edit)
        return self._notes.shows(path, edit.line + shift) and self._notes.shows(path, edit.end + shift)

    def _shift(self, path: str, file: TextFile, edit: LineEdit) -> int:
        """How much further down the lines of an edit were shown; nothing below it is as it was in `file`."""
        return self._notes.shift_of(path, file.lines, edit.line, edit.end)


class MistakenOraclePolicy(OraclePolicy):
    """Goes wrong in one place first (as its seed says), sees the test, recovers, and ends like the oracle.

    Where no plausible mistake can be thought of (files that are new or not Python), it plays like the oracle. A
    mistake that no visible test notices is found by looking at the function again.
    """

    name = "mistaken"

    def _attempts(self, changes: list[FileChange]) -> dict[FileChange, TextFile]:
        for change in self._rng.sample(changes, len(changes)):
            attempt = mistaken(change, self._rng)
            if attempt is not None:
                return {change: attempt}
        return {}


def _functions(changes: tuple[FileChange, ...]) -> list[str]:
    """The functions that edits change, by name; none when they are too many to list."""
    names = [
        around.name
        for change in changes
        if change.before is not None
        for edit in edits_or_none(change.before, change.after) or ()
        if (around := function_around(definitions(change.before.text), edit))
    ]
    names = list(dict.fromkeys(names))
    return names if len(names) <= _MAX_NAMED else []
