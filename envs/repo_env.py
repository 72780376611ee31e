"""The Gymnasium environment: one task, one sandbox, one tool call a step.

    env = gymnasium.make("journeyman/Repo-v0", task="till-line-rounding")
    text, info = env.reset(seed=0)
    text, reward, terminated, truncated, info = env.step('{"tool": "view", "path": "."}')

A bad rollout is data, not a crash: an action that cannot be read or done is answered, and every episode ends with
one `StopReason`. It is *terminated* when the policy reports, *truncated* by any other end. The reward is paid with
the last step; before it, and where an episode is unscored, it is 0.0.

When the sandbox is lost, somebody must answer for it. While an action ran code (`run`, `test`) the policy's processes
were alive, so it is taken for their doing: the episode is scored 0. During any other action none of them is alive, so
it is a fault from outside: unscored.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.error import ResetNeeded

from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.diff import diff_between
from journeyman.envs.episode import RewardTerm, Step, StopReason
from journeyman.envs.faults.injector import MAX_OPENING, Injector
from journeyman.envs.frame import Frame
from journeyman.envs.notebook import env_html
from journeyman.envs.observation import Observation
from journeyman.envs.opening import first_text, open_backend, open_task
from journeyman.envs.review_run import Reviewing, with_review
from journeyman.envs.reviews import Review, Reviews, joined
from journeyman.envs.rewards import no_reward, reward_terms, settled, total
from journeyman.envs.spaces import MAX_ACTION_CHARS, action_space, observation_space
from journeyman.envs.text import clean, cut
from journeyman.envs.tools.tool import Refused, ToolResult, Workspace
from journeyman.envs.tools.toolbox import TOOLBOX
from journeyman.sandbox.sandbox import SandboxError, SandboxFactory, SandboxLost, Snapshot
from journeyman.sandbox.template import with_commit
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.tasks.verdict import Verdict

Info = dict[str, Any]
UNGRADED = frozenset({StopReason.INTERRUPTED, StopReason.POLICY_ERROR})
"""Ends that are nobody's solution: unscored, and no time is spent on grading."""


class RepoEnv(gymnasium.Env[str, str]):
    """A policy's work on one repository task.

    Observations and actions are texts: what is seen is plain, bounded text; what is done is one JSON tool call.

    `info` of every step holds

        observation: Observation   the text with its tool, whether it was done, and the steps left
        tree_hash: str             file state after the action
        diff: str                  what the action changed
        tests: TestRun | None      what a `test` action found
        duration_s: float          wall clock of the tool, in seconds
        runner: str                how a test run was started: "warm", or "cold: " and why
        output: str                all that it answered, where the observation does not hold it
        review: Review | None      what a reviewer said after it (with `reviews`)
        fault: str                 the fault that spoiled its answer (with `faults`), which the policy is not told

    and of the last one besides

        stop: StopReason           why it ended
        verdict: Verdict | None    what the grader decided; `None` when nothing was graded
        terms: tuple[RewardTerm]   what was paid for; empty when unscored
        unscored: bool             the reward is unknown (the 0.0 that was returned means nothing)
        findings: tuple[Finding]   what the record says to the report's claims

    Args:
        task: a `Task`, a task folder, or the name of a bundled task.
        backend: "namespace", "docker", "auto" (the first that works), or a picklable `SandboxFactory`.
            Nothing opens before the first reset.
        config: settings, or a dict of them.
        reviews: who comments while the episode runs, and when (envs/reviews.py); nobody by default.
        render_mode: "ansi" lets `render` return the last action and its answer as text, "rgb_array" as a picture of a
            terminal (which needs Pillow).

    Raises:
        TaskError: there is no such task, or it is not sound.
        ConfigError: a setting is wrong.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}  # noqa: RUF012  (Gymnasium's name and type)

    def __init__(
        self,
        task: Task | Path | str,
        backend: SandboxFactory | str = "namespace",
        config: EnvConfig | Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f'render_mode {render_mode!r} does not exist; it is None, "ansi" or "rgb_array"')
        self.config = config if isinstance(config, EnvConfig) else EnvConfig.from_dict(config or {})
        self.factory = open_backend(backend)
        self.task = self._own_task = open_task(task)
        """The task of the episode at hand."""
        self.render_mode, self.reviews = render_mode, reviews
        room = (
            self.config.max_observation_chars + len(self.config.asked) + MAX_OPENING * (self.config.faults is not None)
        )
        self.observation_space = observation_space(room)
        self.action_space = action_space()
        self._workspace: Workspace | None = None
        self._reviewing: Reviewing | None = None
        self._injector = Injector(None, 0, "", 0)
        self._malformed = 0
        self._frame = Frame("", "")

    @property
    def max_steps(self) -> int:
        """Actions in an episode."""
        return self.config.max_steps or self.task.budget.max_steps

    @property
    def snapshot(self) -> Snapshot:
        """The file state after the last action.

        Raises:
            ResetNeeded: no episode is running.
        """
        if self._workspace is None:
            raise ResetNeeded("no episode is running: there are no files")
        return self._workspace.snapshot

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, Info]:
        """Open a fresh sandbox over the task's repository; `options={"task": …}` takes another task for this episode.

        Raises:
            SandboxUnavailable, ImageError: the backend cannot make the sandbox.
            TaskError: there is no such task.
            ValueError: an unknown option.
        """
        super().reset(seed=seed)
        self.close()
        options = options or {}
        if unknown := set(options) - {"task"}:
            raise ValueError(f"reset: unknown options {sorted(unknown)}; there is: task")
        self.task = open_task(options["task"]) if "task" in options else self._own_task
        start = with_commit(self.task.repository)
        sandbox = self.factory.create(self.task.environment, start, limits=self.task.limits)
        try:
            snapshot, files = sandbox.snapshot(), sandbox.files()
        except BaseException:
            sandbox.close()
            raise
        deadline = time.monotonic() + self.task.budget.episode_timeout_s
        self._workspace = Workspace(sandbox, self.task, self.config, snapshot, deadline=deadline)
        self._malformed = 0
        result = ToolResult(first_text(self.task, files, self.config))
        observation = self._observation("reset", result, 0)
        seed = self._drawn_seed(seed)
        self._injector = Injector(self.config.faults, seed, self.task.name, self.max_steps)
        handed, fault = self._injector.opening()
        observation = replace(observation, text=observation.text + handed + self.config.asked)  # never cut
        self._reviewing = Reviewing(self.reviews, self.task, observation)
        self._frame = Frame(self._title(0), observation.text)
        info = {"observation": observation, "tree_hash": snapshot.tree_hash, "seed": seed, "fault": fault}
        return observation.text, info

    def step(self, action: str) -> tuple[str, float, bool, bool, Info]:
        """Do one tool call (`Action.to_json`). Whatever is given, it is answered.

        Raises:
            ResetNeeded: no episode is running.
        """
        workspace = self._workspace
        if workspace is None:
            raise ResetNeeded("no episode is running: call reset() first")
        call = read_action(action)
        self._malformed = self._malformed + 1 if call.tool == MALFORMED else 0
        started = time.monotonic()
        lost = False
        try:
            result, fault = self._injector.answer(call, workspace, partial(_answer, call, workspace))
            step = replace(self._record(call, result, workspace, started), fault=fault)
        except SandboxLost:
            lost = True
            result = ToolResult("the sandbox is gone: the episode is over", ok=False)
            step = self._record_loss(call, result, workspace, started)
        workspace.steps.append(step)
        stop = StopReason.SANDBOX_LOST if lost else self._why_stop(call, workspace)
        review = None
        if stop in (None, StopReason.REPORTED):
            step, review = self._reviewed(step, workspace)
            if stop is StopReason.REPORTED and step.review:
                stop = None  # it is sent back
        self._frame = Frame(
            self._title(len(workspace.steps)), step.observation.text, call, step.diff, step.observation.ok
        )
        info: Info = {
            "observation": step.observation,
            "tree_hash": step.tree_hash,
            "diff": step.diff,
            "tests": step.tests,
            "duration_s": step.duration_s,
            "runner": step.runner,
            "output": step.output,
            "review": review,
            "fault": step.fault,
        }
        reward = 0.0
        if stop is not None:
            reward, end = self._finish(stop)
            info["review"] = joined(review, end.pop("review"))
            info |= end | {"findings": result.findings}
            paid = "unscored" if end["unscored"] else f"reward {reward:g}"
            self._frame = replace(self._frame, end=f"the end: {stop.value}, {paid}")
        return step.observation.text, reward, stop is StopReason.REPORTED, stop not in (None, StopReason.REPORTED), info

    def conclude(self, stop: StopReason) -> tuple[float, Info]:
        """End the running episode for a reason outside of it, such as a token limit.

        Returns the reward and the end's part of `info`. `POLICY_ERROR` and `INTERRUPTED` are not graded but unscored.

        Raises:
            ResetNeeded: no episode is running.
        """
        if self._workspace is None:
            raise ResetNeeded("no episode is running: there is nothing to conclude")
        reward, info = self._finish(stop)
        return reward, info | {"findings": ()}

    def recall(self, said: Sequence[str]) -> None:
        """The next steps are those of a record: what was said after each of them then (`Step.review`), in order, is
        said again, and nobody is asked.

        Raises:
            ResetNeeded: no episode is running.
        """
        if self._reviewing is None or self._workspace is None:
            raise ResetNeeded("no episode is running: there is nothing to recall")
        self._reviewing.recall(said)

    def fork(self) -> RepoEnv:
        """A second environment at the same point of the same episode: the same files and record, its time begun anew.

        Raises:
            ResetNeeded: no episode is running.
            SandboxError: the backend cannot make another sandbox.
        """
        workspace = self._workspace
        if workspace is None or self._reviewing is None:
            raise ResetNeeded("no episode is running: there is nothing to fork")
        other = RepoEnv(self._own_task, self.factory, self.config, self.render_mode, self.reviews)
        other._reviewing, other._injector = self._reviewing.fork(), self._injector.fork()
        other.task, other._malformed, other._frame = self.task, self._malformed, self._frame
        deadline = time.monotonic() + self.task.budget.episode_timeout_s
        other._workspace = replace(
            workspace, sandbox=workspace.sandbox.fork(), steps=list(workspace.steps), deadline=deadline
        )
        return other

    def render(self) -> Any:
        """The last action and its answer: a text, or a picture as an array (height, width, 3) of bytes.

        `None` without a render mode.

        Raises:
            DependencyNotInstalled: it should be a picture, and Pillow is not there.
        """
        if self.render_mode is None:
            return None
        return self._frame.text() if self.render_mode == "ansi" else self._frame.picture()

    def _drawn_seed(self, seed: int | None) -> int:
        """The seed of a reset; without one, the next of those that Gymnasium's generator gives, if faults need it."""
        if seed is not None or self.config.faults is None:
            return seed or 0
        return int(self.np_random.integers(2**31))

    def _title(self, done: int) -> str:
        return f"{self.task.name}   step {done} of {self.max_steps}"

    def _repr_html_(self) -> str:
        return env_html(self)

    def close(self) -> None:
        """End the sandbox. An episode that is running is dropped. Idempotent."""
        workspace, self._workspace = self._workspace, None
        if workspace is not None:
            workspace.sandbox.close()

    def _record(self, call: Action, result: ToolResult, workspace: Workspace, started: float) -> Step:
        """The step, with the file state after it."""
        # Nothing runs for an action that could not be read, so it takes no time that could be told from noise.
        duration_s = 0.0 if call.tool == MALFORMED else time.monotonic() - started
        before = workspace.snapshot
        if call.tool != MALFORMED and TOOLBOX[call.tool].mutates:
            workspace.snapshot = workspace.sandbox.snapshot()
        after = workspace.snapshot
        diff = diff_between(before, after, self.task.repository) if after.tree_hash != before.tree_hash else ""
        observation = self._observation(call.tool, result, len(workspace.steps) + 1)
        whole = result.output or clean(result.text)
        output = "" if whole == observation.text else whole
        return Step(call, observation, 0.0, after.tree_hash, diff, result.tests, duration_s, result.runner, output)

    def _record_loss(self, call: Action, result: ToolResult, workspace: Workspace, started: float) -> Step:
        observation = self._observation(call.tool, result, len(workspace.steps) + 1)
        return Step(call, observation, duration_s=time.monotonic() - started)

    def _observation(self, tool: str, result: ToolResult, step: int) -> Observation:
        text = cut(clean(result.text), self.config.max_observation_chars)
        return Observation(text, tool, result.ok, step, max(self.max_steps - step, 0))

    def _reviewed(self, step: Step, workspace: Workspace) -> tuple[Step, Review | None]:
        """The step with what was said after it. Nobody is asked who could not be answered: after the last step."""
        if self._reviewing is None or not step.observation.steps_left:
            return step, None
        review = self._reviewing.after(step, workspace)
        if review is not None and review.text:
            step = workspace.steps[-1] = with_review(step, review.text, self.config.max_observation_chars)
        return step, review

    def _why_stop(self, call: Action, workspace: Workspace) -> StopReason | None:
        if call.tool == "report":
            return StopReason.REPORTED
        if self._malformed >= self.config.malformed_limit:
            return StopReason.MALFORMED_LIMIT
        if workspace.clock() >= workspace.deadline:
            return StopReason.TIME_LIMIT
        if len(workspace.steps) >= self.max_steps:
            return StopReason.STEP_LIMIT
        return None

    def _finish(self, stop: StopReason) -> tuple[float, Info]:
        """Close the policy's sandbox, then grade what it left: nothing that it started can take part."""
        workspace = self._workspace
        assert workspace is not None
        review = self._reviewing.end(workspace) if self._reviewing is not None else None
        self.close()
        verdict: Verdict | None = None
        terms: tuple[RewardTerm, ...] = ()
        if stop is StopReason.SANDBOX_LOST:
            # What the policy's code left there may kill it later, a full memory for one: only before is it proven ours.
            ran = [step.action.tool for step in workspace.steps if _runs_code(step.action)]
            if ran:
                terms = no_reward(f"the sandbox died after the policy's `{ran[-1]}` had begun in it")
        elif stop not in UNGRADED:
            weight = self.config.milestone_weight
            verdict = settled(self.task, grade(self.task, workspace.snapshot, self.factory), workspace.steps)
            terms = reward_terms(self.task, verdict, milestone_weight=weight, steps=workspace.steps)
        reward = total(terms)
        end = {"stop": stop, "verdict": verdict, "terms": terms, "unscored": reward is None, "review": review}
        return reward or 0.0, end


def _runs_code(call: Action) -> bool:
    return call.tool in TOOLBOX and TOOLBOX[call.tool].runs_code


def read_action(action: Any) -> Action:
    """The tool call in a text; `MALFORMED` for anything else."""
    if not isinstance(action, str):
        return Action.malformed("", f"an action is a text, not {type(action).__name__}")
    if len(action) > MAX_ACTION_CHARS:
        return Action.malformed(action[:1000], f"longer than {MAX_ACTION_CHARS} characters")
    return Action.from_json(action)


def _answer(call: Action, workspace: Workspace) -> ToolResult:
    if call.tool == MALFORMED:
        return ToolResult(f"malformed action: {call.arguments.get('why', '')}", ok=False)
    try:
        return TOOLBOX[call.tool].apply(call.parsed(), workspace)
    except Refused as refusal:
        return ToolResult(str(refusal), ok=False)
    except SandboxLost:
        raise
    except SandboxError:
        return ToolResult("the sandbox could not do this", ok=False)
