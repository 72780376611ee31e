"""Goes on where another policy went wrong: sees the test fail, looks, mends, tests, reports.

It knows the files as the other one left them and as they should be, and plays what lies between, within what the
observations show. What no visible test notices it does not mend: nobody could have known. (Where the other one changed
nothing, it is the problem itself that says what is wrong.)
"""

from __future__ import annotations

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import FileChange, LineEdit, solution_changes
from journeyman.policies.oracle import OraclePolicy, Play
from journeyman.policies.parts import parts_of
from journeyman.policies.policy import PolicyError
from journeyman.sandbox.sandbox import File, Snapshot
from journeyman.tasks.edits import source_edits
from journeyman.tasks.task import Task

MENDS_TO = "mends_to"
"""Key of `Episode.versions`: whose files a mender had as its goal. Older records do not say it."""
REFERENCE = "reference"
"""Whose they are where they are the task's own solution."""


class MenderPolicy(OraclePolicy):
    """Mends a tree that was edited wrongly.

    Args:
        tree: the files as they were left.
        goal: the files of an episode that solved the task; the reference solution where it is `None`.
        whose: the goal is, for the record: the id of the episode.

    Raises:
        PolicyError: there is no solution to play, it holds what no tool call can write, or nothing is to be mended.
    """

    name = "mender"

    def __init__(self, task: Task, tree: Snapshot, goal: Snapshot | None = None, whose: str = REFERENCE) -> None:
        self._tree, self._goal, self._whose = tree, goal, whose
        self._is_touched = False
        """Whether the other one changed what is to be mended."""
        super().__init__(task)
        if not self._changes:
            raise PolicyError("the files are as they should be: there is nothing to mend")
        self._done: Action | None = None
        """What was done last by the other one; whether it was, the next observation tells."""

    def start(self, *, seed: int) -> None:
        super().start(seed=seed)
        self._done = None

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        return {MENDS_TO: self._whose}

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`. It can go on from anywhere."""
        self._catch_up(observation)
        self._notes.read(observation)
        self._done = action

    def act(self, observation: Observation) -> Action:
        self._catch_up(observation)
        return super().act(observation)

    def _what_to_change(self) -> tuple[FileChange, ...]:
        """From the files as they are to those that are wanted; what else was changed in the repository is put back."""
        task, edits = self._task, source_edits(self._task, self._tree)
        self._is_touched = bool(edits.changed or edits.removed)
        wanted = _reference(task) if self._goal is None else _texts(source_edits(task, self._goal).changed)
        found = []
        for path in sorted({*wanted, *edits.changed, *edits.removed}):
            after = wanted.get(path, _pristine(task, path))
            before = _now(task, self._tree, path)
            if after is not None and before != after:  # a new file that the solution does not need does no harm
                found.append(FileChange(path, before, after))
        return tuple(found)

    def _whole_play(self) -> Play:
        if self._is_touched and not self._notes.tests_fail:
            yield from self._test()
            if not self._notes.tests_fail:
                raise PolicyError("no visible test fails there, so nothing shows what is wrong")
        for part in parts_of(self._task, self._changes):
            for change in part:
                yield from self._bring(change.path, change.before, change.after)
            yield from self._test()
        yield from self._mend_lost(())
        yield self._report()

    def _catch_up(self, observation: Observation) -> None:
        """Lines that the other one changed have other numbers now."""
        action, self._done = self._done, None
        if action is None or not observation.ok or action.tool not in ("edit", "write", "run"):
            return
        given = action.arguments
        if action.tool == "edit" and "old" not in given:
            new = str(given["new"]).replace("\r\n", "\n")
            lines = tuple(new.removesuffix("\n").split("\n")) if new else ()
            self._notes.edited(str(given["path"]), LineEdit(given["line"], given.get("end") or given["line"], lines))
            return
        for path in [str(given["path"])] if "path" in given else {*self._tree.changed, *self._tree.removed}:
            self._notes.forget(path)


def _reference(task: Task) -> dict[str, TextFile]:
    return {change.path: change.after for change in solution_changes(task)}


def _texts(files: dict[str, File]) -> dict[str, TextFile]:
    texts = {path: TextFile.parse(file.data) for path, file in files.items()}
    if binary := [path for path, text in texts.items() if text is None]:
        raise PolicyError(f"{binary[0]} is binary; no tool call can write it")
    return {path: text for path, text in texts.items() if text is not None}


def _now(task: Task, tree: Snapshot, path: str) -> TextFile | None:
    if path in tree.removed:
        return None
    return TextFile.parse(tree.changed[path].data) if path in tree.changed else _pristine(task, path)


def _pristine(task: Task, path: str) -> TextFile | None:
    place = task.repository / path
    return TextFile.parse(place.read_bytes()) if place.is_file() else None
