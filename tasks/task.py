"""What is to be solved. A `Task` is frozen data: everything else (sandboxes, verdicts, rewards) is made from it.

Errors:

    TaskError (ValueError)     a task that is not sound; the message names the file, the field and the mend
    └── TaskFormatError        its folder cannot be read as a task
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from journeyman.sandbox.sandbox import Environment, Limits
from journeyman.tasks.verdict import Assurance


class TaskError(ValueError):
    """A task is not sound."""


class TaskFormatError(TaskError):
    """A folder cannot be read as a task: a missing or malformed file or field."""


def _is_workspace_path(path: str) -> str:
    """Relative, POSIX, no step upwards: the only paths that a task may name."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\x00" in path:
        raise ValueError(f"{path!r} must be a relative path inside the repository, without '..'")
    return path


WorkspacePath = Annotated[str, AfterValidator(_is_workspace_path)]


class CheckKind(StrEnum):
    FAIL_TO_PASS = "fail_to_pass"
    """Fails on the repository as given; must pass on a solution."""
    PASS_TO_PASS = "pass_to_pass"
    """Passes before and must pass after: nothing else may break."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Frozen):
    """One executable test of a runner."""

    id: str = Field(min_length=1)
    """The runner's node id, such as "tests/test_text.py::test_wrap[2]"."""
    kind: CheckKind = CheckKind.FAIL_TO_PASS


class Milestone(_Frozen):
    """A named part of a multi-step project, closed when all of its own checks pass."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = ""
    instruction: str = ""
    """Its contract, in words; shown with the task's instruction."""
    depends_on: tuple[str, ...] = ()
    """Names of milestones that it builds on. They form a DAG."""
    checks: tuple[str, ...] = Field(min_length=1)
    """Ids of the task's checks that close it."""


class Infeasible(_Frozen):
    """Why a task cannot be done: what it needs and the agent has not. What it pays for is an honest report of that."""

    kind: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What sort of thing is missing, such as "missing-file" (`journeyman.tasks.infeasible.kinds`)."""
    missing: str = Field(min_length=1, max_length=160)
    """What there is none of, in words and without an article: "file notes/issue-214.md"."""
    names: tuple[str, ...] = Field(min_length=1)
    """An honest report names it by one of these. Case and punctuation make no difference."""
    probe: str = ""
    """Shell command that succeeds in the repository only where it is there; the proof sees it fail in a sandbox."""
    sought: bool = True
    """Whether a look in the repository shows that it is missing. Then only who looked is paid for saying so."""

    @model_validator(mode="after")
    def _can_be_named(self) -> Infeasible:
        if empty := [name for name in self.names if not any(map(str.isalnum, name))]:
            raise ValueError(f"infeasible.names: {empty[0]!r} has no letter or digit, so that nothing could name it")
        return self


class Budget(_Frozen):
    """What one episode may spend."""

    max_steps: int = Field(default=40, ge=1)
    command_timeout_s: float = Field(default=60.0, gt=0)
    """Wall clock for one `run` or `test` action, in seconds."""
    grading_timeout_s: float = Field(default=120.0, gt=0)
    """Wall clock for the grader's test run, in seconds."""
    episode_timeout_s: float = Field(default=1800.0, gt=0)


class Task(_Frozen):
    """A high-level problem statement over a repository, with the checks that decide whether it is solved."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")
    """Harbor's `[task].name`: an id, with an optional organisation before a slash."""
    instruction: str = Field(min_length=1)
    """The problem statement, as a person would file it. It never holds the fix."""
    repository: Path
    """Folder on the host with the pristine files the policy starts from. Trusted: no agent ever wrote to it."""
    environment: Environment = Environment()
    checks: tuple[Check, ...] = Field(min_length=1)
    milestones: tuple[Milestone, ...] = ()
    editable: tuple[WorkspacePath, ...] = ("**/*.py",)
    """Glob patterns of the source files a solution may change; edits elsewhere are ignored, not punished."""
    hidden: Path | None = None
    """Folder on the host whose files are laid over the repository for grading only (the hidden tests)."""
    solution: Path | None = None
    """Folder on the host with the reference's files, laid over the repository."""
    test_paths: tuple[WorkspacePath, ...] = ("tests",)
    """What the `test` action runs when the policy names nothing: the tests that the policy may see."""
    budget: Budget = Budget()
    limits: Limits = Limits()
    assurance: Assurance = Assurance.SPLIT
    """How its solutions are graded. Less than `split` must be asked for; `journeyman task check` says where it must."""
    infeasible: Infeasible | None = None
    """Of a task that cannot be done: why. It has no reference and no milestones, its checks only say that nothing was
    broken, and no tree resolves it: an honest report does."""
    canary: str = ""
    """String that stands in every hidden file and must appear in nothing that a policy reads."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Facts for people and filters: source, library, licence, difficulty, operator, …"""

    @model_validator(mode="after")
    def _is_consistent(self) -> Task:
        ids = [check.id for check in self.checks]
        if len(set(ids)) != len(ids):
            raise ValueError("checks: the same id stands twice")
        if self.infeasible is not None:
            self._is_infeasible()
        elif not self.fail_to_pass:
            raise ValueError("checks: at least one must be fail_to_pass, else doing nothing solves the task")
        names = [milestone.name for milestone in self.milestones]
        if len(set(names)) != len(names):
            raise ValueError("milestones: the same name stands twice")
        for milestone in self.milestones:
            if unknown := set(milestone.checks) - set(ids):
                raise ValueError(f"milestone {milestone.name!r} names unknown checks: {sorted(unknown)}")
            if unknown := set(milestone.depends_on) - set(names):
                raise ValueError(f"milestone {milestone.name!r} depends on unknown milestones: {sorted(unknown)}")
            if not set(milestone.checks) & set(self.fail_to_pass):
                raise ValueError(
                    f"milestone {milestone.name!r} has no fail_to_pass check: it would be closed at the start"
                )
        if self.environment.toolchain and self.assurance is not Assurance.FRESH:
            raise ValueError(
                f"assurance: tests run by {self.environment.toolchain!r} share a process with the code under test, and "
                'two sandboxes and twins are for Python; write assurance = "fresh"'
            )
        if self.assurance is Assurance.TWINS and self.solution is None:
            raise ValueError('assurance: "twins" needs a reference solution; without one, write "split" or "fresh"')
        if len(list(self.in_order())) != len(self.milestones):
            raise ValueError("milestones: depends_on has a cycle")
        return self

    def _is_infeasible(self) -> None:
        if self.fail_to_pass:
            raise ValueError("checks: an infeasible task has only pass_to_pass ones: nothing can be brought to pass")
        if self.milestones or self.solution is not None:
            raise ValueError("infeasible: what cannot be done has no milestones and no reference solution")

    @property
    def fail_to_pass(self) -> tuple[str, ...]:
        return tuple(check.id for check in self.checks if check.kind is CheckKind.FAIL_TO_PASS)

    @property
    def pass_to_pass(self) -> tuple[str, ...]:
        return tuple(check.id for check in self.checks if check.kind is CheckKind.PASS_TO_PASS)

    def in_order(self) -> Iterator[Milestone]:
        """Milestones so that each comes after those it depends on (a cycle's members never come)."""
        closed: set[str] = set()
        waiting = list(self.milestones)
        while ready := [m for m in waiting if set(m.depends_on) <= closed]:
            yield from ready
            closed |= {m.name for m in ready}
            waiting = [m for m in waiting if m.name not in closed]
