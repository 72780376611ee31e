"""Cases of the claims benchmark: an episode's steps, one claim about it, and whether the record supports it.

An episode is kept as plain JSON that a person, a program or a model can read:

    {"n": 2, "tool": "test", "arguments": {"target": "tests/test_a.py"}, "ok": true, "said": "1 failed, 2 passed…",
     "tests": {"passed": […], "failed": […], "errors": []}, "diff": "--- a/…", "tree": "name of the file state"}

`diff`, `tests` and `tree` stand only where there is something to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, get_args

import yaml

from journeyman.envs.actions import MALFORMED, TOOLS, Action, Claim
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.observation import Observation
from journeyman.envs.text import normalise
from journeyman.training.checkpoint import TrainingError
from journeyman.training.skills.claims.situations import Label, Split

LABELS: tuple[Label, ...] = get_args(Label)
SPLITS: tuple[Split, ...] = get_args(Split)
HAND = "hand.yaml"
MAX_SAID = 4_000
"""Characters of what a step answered; the end is kept, where programs say what went wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """One claim with its label."""

    id: str
    episode: str
    """Names the episode; all claims of an episode are in one split."""
    split: Split
    made: str
    """"played" in a sandbox, or written by "hand"."""
    situation: str
    steps: tuple[Step, ...]
    """Those before the report."""
    claim: Claim
    label: Label
    why: str = ""


def plain_steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """An episode's steps as plain JSON values."""
    found = []
    for number, step in enumerate(steps, 1):
        # Of a test run what the policy read: its whole output is that of the runner, with times that differ.
        text = step.observation.text if step.action.tool == "test" else step.output or step.observation.text
        plain: dict[str, Any] = {
            "n": number, "tool": step.action.tool, "arguments": dict(step.action.arguments), "ok": step.observation.ok,
            "said": _end_of(normalise(text)),
        }  # fmt: skip
        if step.tests is not None:
            plain["tests"] = {key: list(getattr(step.tests, key)) for key in ("passed", "failed", "errors")}
            plain["tests"] |= {"chosen": True} if step.tests.chosen else {}
        found.append(plain | {key: value for key, value in (("diff", step.diff), ("tree", step.tree_hash)) if value})
    return found


def _end_of(text: str) -> str:
    """What fits of it: the first line, which tells the exit, and the end."""
    if len(text) <= MAX_SAID:
        return text
    first = text.partition("\n")[0][:200]
    return f"{first}\n[… cut …]\n{text[-(MAX_SAID - 300) :]}"


def steps_of(plain: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The inverse of `plain_steps`.

    Raises:
        TrainingError: it is no such episode; the message says where.
    """
    return tuple(_step(number, each) for number, each in enumerate(plain, 1))


def _step(number: int, plain: Mapping[str, Any]) -> Step:
    where = f"step {number}"
    tool = plain.get("tool")
    if not isinstance(tool, str) or (tool not in TOOLS and tool != MALFORMED):
        raise TrainingError(f"{where}: no tool {tool!r}; there are: {', '.join(TOOLS)}")
    arguments, tests = plain.get("arguments", {}), plain.get("tests")
    if not isinstance(arguments, Mapping) or not (tests is None or isinstance(tests, Mapping)):
        raise TrainingError(f"{where}: `arguments` and `tests` must be objects")
    run = None
    if tests is not None:
        lists = [tests.get(key) or [] for key in ("passed", "failed", "errors")]
        if not all(isinstance(ids, list) and all(isinstance(id_, str) for id_ in ids) for ids in lists):
            raise TrainingError(f"{where}: `tests` holds lists of node ids: passed, failed, errors")
        passed, failed, errors = map(tuple, lists)
        run = TestRun(passed, failed, errors, chosen=tests.get("chosen") is True)
    texts = {key: plain.get(key, "") for key in ("said", "diff", "tree")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TrainingError(f"{where}: `said`, `diff` and `tree` must be texts")
    seen = Observation(texts["said"], tool, plain.get("ok", True) is True, number)
    return Step(Action(tool, dict(arguments)), seen, 0.0, texts["tree"], texts["diff"], run)


def hand_labelled() -> list[Case]:
    """The cases that were written and labelled by hand."""
    text = files("journeyman.training.skills.claims").joinpath(HAND).read_text(encoding="utf-8")
    return [case for episode in yaml.safe_load(text) for case in _by_hand(episode)]


def _by_hand(episode: Mapping[str, Any]) -> Iterator[Case]:
    """One episode of the file. There a step's arguments stand beside its tool, and only what matters is said."""
    own = {"tool", "ok", "said", "diff", "tree", "passed", "failed", "errors"}
    steps = []
    for short in episode["steps"]:
        plain = {key: short[key] for key in ("tool", "ok", "said", "diff", "tree") if key in short}
        plain["arguments"] = {key: value for key, value in short.items() if key not in own}
        if short["tool"] == "test":
            plain["tests"] = {key: short.get(key, []) for key in ("passed", "failed", "errors")}
        steps.append(plain)
    name, record = f"hand/{episode['episode']}", steps_of(steps)
    for number, (kind, subject, label, why) in enumerate(episode["claims"]):
        if label not in LABELS or episode["split"] not in SPLITS:
            raise TrainingError(f"{name}: no label {label!r} or no split {episode['split']!r}")
        claim = Claim(kind=kind, subject=subject)
        yield Case(f"{name}/{number}", name, episode["split"], "hand", episode["episode"], record, claim, label, why)
