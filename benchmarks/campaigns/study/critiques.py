"""The arms that hear critiques: simulated annotators judge what the policy did, and a reward model, or the policy
itself, learns from them.

They want something hidden (training/feedback/hidden.py) that no policy and no model is told, and err now and then. They
rank pairs of episodes, so many at most, those that are held out included. A reward model that learned from them then
has its bounded part in GRPO, if it is above its gate, watched by fresh judgements of the same annotators; DPO makes the
better episode of each pair likelier than the worse one.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from progress import said

from journeyman.envs.episode import Episode
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.store import EpisodeStore
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import load_tokenizer
from journeyman.sandbox.home import locked
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import DONE, write_json
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled
from journeyman.training.feedback.features import FILE as FEATURES
from journeyman.training.feedback.features import FeatureSettings, train_features
from journeyman.training.feedback.gate import GateSettings
from journeyman.training.feedback.hidden import PREFERENCES, Hidden
from journeyman.training.feedback.learned import RewardUse
from journeyman.training.feedback.rows import deeds
from journeyman.training.feedback.simulated import SimulatedAnnotator, judge_pairs
from journeyman.training.preference_rows import PairRow, Rows, pair_rows
from journeyman.training.preferences import Pairs
from journeyman.training.reward_model import RewardSettings, train_reward
from journeyman.training.skills.record_labels import label_run


class Play(Protocol):
    """A model plays tasks, once for each seed, and the episodes are kept in a run."""

    def __call__(
        self, run: Path, model: str, tasks: Sequence[Task], what: str, *, seeds: Sequence[int], temperature: float
    ) -> object: ...


@dataclass(frozen=True, slots=True)
class Critics:
    """Who judges, how much, and what learns from it."""

    wants: str = "small-diffs"
    """A preference of training/feedback/hidden.py."""
    kind: str = "features"
    """Of the reward model: "features" reads what a record counts, "tokens" the text of episodes."""
    flips: float = 0.05
    """The share of judgements that are wrong."""
    judgements: int = 200
    """Pairs at most."""
    tasks: int = 100
    """So many are played four times each to be judged."""
    gate_pairs: int = GateSettings().pairs
    """Held-out pairs that the gate asks for."""

    @property
    def hidden(self) -> Hidden:
        return PREFERENCES[self.wants]

    def annotators(self, seed: int) -> list[SimulatedAnnotator]:
        return [SimulatedAnnotator(self.hidden, 10 * seed + n, self.flips) for n in range(3)]


def reward_of(
    critics: Critics, model: str, tasks: Sequence[Task], root: Path, seed: int, play: Play, *, notation: str,
    lora_rank: int,
) -> RewardUse:  # fmt: skip
    """A reward model that learned from judgements of what `model` played, and how a run may use it."""
    pairs = judged(critics, model, tasks, root, seed, play)
    if critics.kind == "features":
        folder = train_features(pairs, root / "reward", FeatureSettings(0.25, seed))
    else:
        rows = as_tokens(pairs, model, notation)
        settings = RewardSettings(epochs=3, held_out=0.25, seed=seed, lora_rank=lora_rank, notation=notation)
        folder = train_reward(model, rows, root / "reward", settings, said("reward model"))
    ask = critics.annotators(seed)[0].rank
    return RewardUse(folder, GateSettings(critics.gate_pairs), ask=ask, pairs=1, every=4)


def flawed_reward(critics: Critics, root: Path, seed: int) -> RewardUse:
    """A reward model that is wrong on purpose: it likes lines that are added, of which the annotators want few, and its
    report, which is made up, lets it pass any gate. They are asked of every group what they find: the alarm should
    stop it."""
    model = root / "reward" / "model"
    write_json(model / FEATURES, {"lines added": 1.0})
    sure = {"pairs": critics.judgements, "agreement": {"value": 1.0, "low": 1.0}, "ece": {"value": 0.0}}
    write_json(model.parent / DONE, {"settings": {"made_up": True}, "calibration": sure})
    return RewardUse(model, GateSettings(critics.gate_pairs), ask=critics.annotators(seed)[0].rank)


def judged(
    critics: Critics, model: str, tasks: Sequence[Task], root: Path, seed: int, play: Play, *, recorded: bool = False
) -> Pairs:
    """What they rank of what `model` plays; with what the record says of its reports besides, if that is asked for."""
    run, rows = root / "judged", root / "rows"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "judged.lock"):  # several arms learn from it, perhaps at once
        play(run, model, tasks[: critics.tasks], "episodes to be judged", seeds=range(4), temperature=1.0)
        pairs = list(pairs_among(EpisodeStore(run).episodes()))
        judge_pairs(critics.annotators(seed), pairs, FeedbackLog(run), most=critics.judgements)
        if recorded:
            run, rows = _recorded(run, root / "recorded", tasks), root / "recorded-rows"
        left_out = compile_feedback([run], rows, simulated=True).left_out
        return Pairs(tuple(Compiled(rows).preferences()), dict(left_out))


def _recorded(judged: Path, run: Path, tasks: Sequence[Task]) -> Path:
    """The same episodes and judgements, with the record's labels: a run of its own, so that those alone stay as they
    are."""
    if not run.exists():
        whole = run.with_name(run.name + ".new")
        shutil.rmtree(whole, ignore_errors=True)
        shutil.copytree(judged, whole)
        whole.replace(run)
    by_name = {task.name: task for task in tasks}
    label_run(run, lambda episode: by_name[episode.task])
    return run


def as_tokens(pairs: Pairs, model: str, notation: str) -> Rows[PairRow]:
    return pair_rows(pairs, ChatTemplate(load_tokenizer(model)), dialect(notation))


def pairs_among(episodes: Iterable[Episode]) -> Iterable[tuple[Episode, Episode]]:
    """Pairs of one task, one of each task and then another of each: judgements are spread over tasks, and none is of
    two episodes that did the same."""
    by_task: dict[str, list[Episode]] = {}
    for each in sorted(episodes, key=lambda each: (each.task, each.seed)):
        by_task.setdefault(each.task, []).append(each)
    turns = [
        [(one, other) for one, other in itertools.combinations(members, 2) if deeds(one) != deeds(other)]
        for members in by_task.values()
    ]
    for row in itertools.zip_longest(*turns):
        yield from (pair for pair in row if pair is not None)
