"""What a round came to, for people: read from what its stages left, so it can be said again at any time.

Plain data; the front door shows it as Markdown and as a page. Texts of episodes in it are hostile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.training.audit import Suspicion, audit
from journeyman.training.evaluate import Evaluation, TaskResult
from journeyman.training.round_corrections import corrections_told
from journeyman.training.round_decision import Decision, compared, rates
from journeyman.training.round_feedback import told
from journeyman.training.round_folder import STAGES, RoundError, RoundFolder, rounds_in
from journeyman.training.rounds import collected, evaluated, last_decision
from journeyman.training.stats import Rate

EXAMPLES = 3
"""Of each kind, tasks that are shown with what was done."""
DIFF_CHARS, TEST_CHARS = 4000, 1500
"""So much of an example's texts is kept."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What episodes took."""

    what: str
    episodes: int
    solved: int
    tokens: int
    """Sampled by the model."""
    seconds: float
    """Of episodes, which run many at once: more than the clock's."""

    @property
    def per_solved(self) -> str:
        """For a solved episode, in words."""
        if not self.solved:
            return "none solved"
        return f"{self.tokens / self.solved:,.0f} tokens, {self.seconds / self.solved:,.1f} s"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model's episode on one held-out task."""

    result: TaskResult
    run: Path
    diff: str = ""
    """The last change; hostile."""
    test: str = ""
    """What the last test run said; hostile."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A task that only one of the two solves."""

    task: str
    champion: Attempt
    candidate: Attempt


@dataclass(frozen=True)
class RoundReport:
    """One decided round."""

    number: int
    folder: Path
    decision: Decision
    champion_model: str
    candidate_model: str
    champion: Evaluation | None
    """None where nothing was trained, so nothing was measured."""
    candidate: Evaluation | None
    reused: bool
    """Whether some of its held-out tasks decided an earlier round too."""
    gained: tuple[Shift, ...]
    lost: tuple[Shift, ...]
    """The first `EXAMPLES` of each hold what was done."""
    costs: tuple[Cost, ...]
    seconds: Mapping[str, float]
    """Stage → time on the clock."""
    pool: Mapping[str, str]
    """Task → why it was drawn."""
    dropped: int
    """Tasks of the pool that are solved."""
    chosen: int
    left_out: Mapping[str, int]
    corrections: str
    """What became of failed episodes, in a sentence; empty where none was to be corrected."""
    losses: tuple[float, ...]
    rewards: tuple[float, ...]
    """Of GRPO, the mean by step."""
    signal: tuple[float, ...]
    """Of GRPO, the share of groups in which the grader found a difference, by step."""
    feedback: tuple[str, ...]
    """What became of what people said, in lines; none where nobody said anything."""
    audit: Mapping[str, tuple[Suspicion, ...]]
    """"collected", "champion", "candidate" → what is suspicious in their episodes."""

    @property
    def rates(self) -> tuple[Rate, Rate] | None:
        """What champion and candidate solve of what decided between them; None where nothing was measured."""
        return rates(self.candidate, self.champion) if self.candidate and self.champion else None

    @property
    def tokens(self) -> int:
        """Sampled in all episodes but the trainer's own."""
        return sum(cost.tokens for cost in self.costs)

    @property
    def minutes(self) -> float:
        """On the clock."""
        return sum(self.seconds.values()) / 60


@dataclass(frozen=True)
class RunReport:
    """All rounds of a folder."""

    folder: Path
    plan: Mapping[str, Any]
    rounds: tuple[RoundReport, ...]
    final: tuple[Evaluation, Evaluation, Decision] | None


def read_run(root: Path) -> RunReport:
    """The decided rounds below `root`.

    Raises:
        RoundError: there are none.
    """
    done = [each for each in rounds_in(root) if each.next_stage is None]
    if not done:
        raise RoundError(f"no finished round in {root}; `journeyman round show {root}` says how far it is")
    plan = json.loads((root / "settings.json").read_text())
    return RunReport(root, plan, tuple(read_round(each) for each in done), last_decision(root, plan["alpha"]))


def read_round(round_: RoundFolder) -> RoundReport:
    """A decided round.

    Raises:
        RoundError: a stage's file is damaged.
        EpisodeNotFound: an episode that was counted is gone.
    """
    collect, pool, compiled, train = (round_.read(name) for name in ("collect", "pool", "compile", "train"))
    is_measured = bool(round_.read("evaluate")["tasks"])
    sides = {name: evaluated(round_, name) for name in ("champion", "candidate")} if is_measured else {}
    runs = {"collected": round_.folder / "collect", **{name: round_.folder / "eval" / name for name in sides}}
    everything = {"collected": collected(round_), **sides}
    gained, lost = _shifts(sides, runs) if sides else ((), ())
    history = train["facts"].get("grpo", {}).get("history", [])
    return RoundReport(
        number=round_.number,
        folder=round_.folder,
        decision=Decision.from_dict(round_.read("decide")),
        champion_model=collect["model"],
        candidate_model=train["model"],
        champion=sides.get("champion"),
        candidate=sides.get("candidate"),
        reused=round_.read("evaluate").get("reused", False),
        gained=gained,
        lost=lost,
        costs=tuple(cost_of(name, evaluation) for name, evaluation in everything.items()),
        seconds={stage: spent for stage in STAGES if (spent := round_.seconds().get(stage)) is not None},
        pool=pool["chosen"],
        dropped=len(pool["dropped"]),
        chosen=len(compiled["chosen"]),
        left_out=compiled["left_out"],
        corrections=corrections_told(compiled),
        losses=tuple(train["facts"].get("sft", {}).get("losses", ())),
        rewards=tuple(row["reward"] for row in history if row["reward"] is not None),
        signal=tuple(row["groups/signal"] for row in history if "groups/signal" in row),
        feedback=tuple(told(round_.read("review"), compiled, train["facts"])),
        audit={name: tuple(audit(_episodes(runs[name], everything[name]))) for name in everything},
    )


def cost_of(what: str, evaluation: Evaluation) -> Cost:
    rows = evaluation.results
    tokens, seconds = sum(row.tokens or 0 for row in rows), sum(row.seconds for row in rows)
    return Cost(what, len(rows), sum(row.resolved for row in rows), tokens, seconds)


def _episodes(run: Path, evaluation: Evaluation) -> list[Episode]:
    """Those that were counted, and no interrupted ones beside them."""
    store = EpisodeStore(run)
    return [store.get(row.episode) for row in evaluation.results]


def _shifts(sides: Mapping[str, Evaluation], runs: Mapping[str, Path]) -> tuple[tuple[Shift, ...], tuple[Shift, ...]]:
    """Tasks that only the candidate solves, and those that only the champion does."""
    gained, lost = list[Shift](), list[Shift]()
    for first, second in compared(sides["candidate"], sides["champion"]):
        if first.resolved != second.resolved:
            among = gained if second.resolved else lost
            is_shown = len(among) < EXAMPLES
            attempts = (_attempt(first, runs["champion"], is_shown), _attempt(second, runs["candidate"], is_shown))
            among.append(Shift(first.task, *attempts))
    return tuple(gained), tuple(lost)


def _attempt(result: TaskResult, run: Path, is_shown: bool) -> Attempt:
    if not is_shown:
        return Attempt(result, run)
    steps = EpisodeStore(run).get(result.episode).steps
    return Attempt(result, run, _last([step.diff for step in steps])[:DIFF_CHARS],
                   _last([step.observation.text for step in steps if step.tests is not None])[:TEST_CHARS])  # fmt: skip


def _last(texts: Sequence[str]) -> str:
    return next((text for text in reversed(texts) if text), "")
