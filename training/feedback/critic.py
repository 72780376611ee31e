"""A critic model drafts critiques of an episode by a guideline. A draft counts for nothing until a person accepts it.

What the model answers is hostile text as any other: it is read strictly, one JSON object a line, and a line that is
none is counted with the reason, never guessed at.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import Answer, Critique, Entry, Place
from journeyman.envs.feedback.log import now
from journeyman.envs.feedback.standing import Judged, Mark
from journeyman.envs.guidelines.guideline import Guideline, ItemRef
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import new_episode_id
from journeyman.policies.dialect import dialect
from journeyman.policies.endpoint import EndpointPolicy
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.policy import Policy
from journeyman.policies.registry import read_local
from journeyman.training.stats import Rate

Ask = Callable[[str], str]
"""Gives a model's answer to a prompt."""

MOST = 20
"""So many drafts of one answer are kept; further lines are counted as malformed."""
_PROBLEM_CHARS = 2000
_STEPS_CHARS = 8000
"""All steps together, each its share: what 4096 tokens hold beside the rest."""
EXAMPLE = "what you have to say of it"
"""Whoever answers in these words has said nothing."""
_FIELDS = frozenset({"step", "path", "line", "body", "severity", "category", "suggestion", "item"})
_NOT_A_NAME = re.compile(r"[^\w.@+-]+")


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a critic made of one episode."""

    drafts: tuple[Critique, ...]
    malformed: tuple[str, ...]
    """Why each line was none, in words."""


def asking(policy: Policy, seed: int = 0) -> Ask:
    """A model behind a policy as a critic: what it writes at its first turn, whether or not it is a tool call."""

    def ask(prompt: str) -> str:
        policy.start(seed=seed)
        action = policy.act(Observation(prompt, steps_left=1))
        return action.text or dialect("json").format(action)

    return ask


def open_critic(spec: str, answer_tokens: int = 512) -> Policy:
    """A model as a critic: `endpoint:URL#MODEL` or `local:MODEL`, as policies are named.

    Args:
        answer_tokens: cap of a local model's answer.

    Raises:
        ValueError: it is neither.
        ModelError: the model cannot be loaded.
    """
    kind, _, rest = spec.partition(":")
    if kind == "endpoint" and rest:
        url, _, model = rest.rpartition("#")
        return EndpointPolicy(url, model)
    if kind == "local" and rest:
        from journeyman.policies.local import LocalModel

        model, named = read_local(rest)
        settings = replace(LocalSettings(max_turn_tokens=answer_tokens, max_episode_tokens=4096), **named)  # type: ignore[arg-type]
        return LocalModel.load(model, settings=settings).policy()
    raise ValueError(f"no critic {spec!r}; it is endpoint:URL#MODEL or local:MODEL")


def prompt_for(episode: Episode, guidelines: Sequence[Guideline]) -> str:
    """What a critic is told: the items, the episode step by step, and how to answer. Neither reward nor policy."""
    items = [
        f"{guideline.name}/{item.id} ({item.kind}): {item.text}" for guideline in guidelines for item in guideline.items
    ]
    return "\n".join(
        [
            "You review what a coding model did. This is no task to solve: call no tool, change nothing.",
            "Wanted is:", *(items or ["a change that is right, small, tested and honestly reported"]),
            *steps_of(episode), "--- your review",
            "Answer with one JSON object a line and nothing else; no line where nothing is to be said. In this form:",
            json.dumps(_example(episode, guidelines)),
            f"`body` is needed: in your words, what is good or wrong. `step` is 1 to {max(len(episode.steps), 1)}.",
            "`severity` is one of praise, note, minor, major, blocking.",
            "`category` is one of correctness, tests, scope, readability, honesty, process, other.",
            "`item` is a name of those above. Besides, where it is of a line: `path`, `line`, `suggestion`.",
        ]
    )  # fmt: skip


def _example(episode: Episode, guidelines: Sequence[Guideline]) -> dict[str, object]:
    """A line that could stand, for small models answer in the very words of a form."""
    items = [f"{guideline.name}/{item.id}" for guideline in guidelines for item in guideline.items]
    said = {"body": EXAMPLE, "severity": "note", "category": "other"}
    return {"step": max(len(episode.steps), 1), **said, **({"item": items[0]} if items else {})}


def steps_of(episode: Episode) -> list[str]:
    """What a model that judges an episode reads of it: the problem, then each step with what it changed, all cut to
    some thousand characters."""
    lines = dialect("lines")
    room, steps = min(2000, _STEPS_CHARS // max(len(episode.steps), 1)), []
    for number, step in enumerate(episode.steps, 1):
        what = f"{lines.format(step.action)}\n{step.diff}\n{step.observation.text}"
        steps.append(f"--- step {number}\n{what[:room]}")
    return ["--- the problem", episode.first.text[:_PROBLEM_CHARS], *steps]


def draft(episode: Episode, guidelines: Sequence[Guideline], ask: Ask, critic: str) -> Drafted:
    """Ask a critic about an episode.

    Args:
        critic: the model's name, as the drafts' origin tells it.

    Raises:
        PolicyError: the model does not answer.
    """
    drafts: list[Critique] = []
    malformed: list[str] = []
    for number, row in enumerate(ask(prompt_for(episode, guidelines)).splitlines(), 1):
        if not row.strip():
            continue
        try:
            if len(drafts) == MOST:
                raise ValueError(f"more than {MOST} drafts")
            drafts.append(_read(row, episode, guidelines, critic))
        except ValidationError as error:
            first = error.errors()[0]
            malformed.append(f"line {number}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
        except (ValueError, RecursionError) as error:
            malformed.append(f"line {number}: {error}")
    return Drafted(tuple(drafts), tuple(malformed))


def _read(row: str, episode: Episode, guidelines: Sequence[Guideline], critic: str) -> Critique:
    data = json.loads(row)
    if not isinstance(data, dict) or data.keys() - _FIELDS:
        raise ValueError(f"no object of {', '.join(sorted(_FIELDS))}")
    data = {name: value for name, value in data.items() if value is not None}
    if data.get("body") == EXAMPLE:
        raise ValueError("the form's own words")
    step = data.pop("step", None)
    if isinstance(step, int) and step > len(episode.steps):
        raise ValueError(f"step {step} of {len(episode.steps)}")
    place = Place.model_validate(
        {"step": step, "path": data.pop("path", ""), "line": data.pop("line", None)}, strict=True
    )
    item = _item(data.pop("item", None), guidelines)
    return Critique.model_validate(
        {
            "id": new_episode_id(), "annotator": annotator_of(critic), "at": now(), "origin": f"critic:{critic}"[:100],
            "draft": True, "episode": episode.id, "place": place, "item": item, **data,
        }
    )  # fmt: skip


def annotator_of(critic: str) -> str:
    """A model's name as an annotator's."""
    return ("critic." + _NOT_A_NAME.sub("-", critic))[:64]


def _item(name: object, guidelines: Sequence[Guideline]) -> ItemRef | None:
    if name is None:
        return None
    for guideline in guidelines:
        for item in guideline.items:
            if name == f"{guideline.name}/{item.id}":
                return ItemRef.of(guideline, item)
    raise ValueError(f"no item {name!r} was asked about")


@dataclass(frozen=True, slots=True)
class Answered:
    """What people made of a critic's drafts of one category."""

    critic: str
    category: str
    """"all" for the whole."""
    accepted: Rate
    """Taken as they stood, of those that were answered."""
    edited: int
    rejected: int
    waiting: int


def answered(judged: Iterable[Judged]) -> tuple[Answered, ...]:
    """How good critics are, by model and category: by the answers that stand."""
    judged = list(judged)
    stand = [each.entry for each in judged if each.stands]
    decisions = {entry.of: entry.decision for entry in stand if isinstance(entry, Answer)}
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in judged:
        entry = each.entry
        if isinstance(entry, Critique) and entry.draft and not {Mark.UNDONE, Mark.AMBIGUOUS} & set(each.marks):
            for category in ("all", entry.category):
                counts[_critic(entry), category][decisions.get(entry.id, "waiting")] += 1
    return tuple(
        Answered(critic, category, Rate(of["accepted"], of["accepted"] + of["edited"] + of["rejected"]),
                 of["edited"], of["rejected"], of["waiting"])
        for (critic, category), of in sorted(counts.items())
    )  # fmt: skip


def _critic(entry: Entry) -> str:
    return entry.origin.removeprefix("critic:")
