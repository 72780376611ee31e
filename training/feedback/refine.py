"""Refinements: the policy tries again with what was criticised before it, and what the tests confirm is learned.

Imitation learning from language feedback (Scheurer et al. 2023, arXiv:2303.16755; for code Chen et al. 2023,
arXiv:2303.16749): a person says what was wrong, the model mends it with that in its context, and is trained on the
mended one without it. Here nobody has to believe the mend: the actions up to the criticised step are done again in a
fresh sandbox, the policy goes on, and the grader decides, with the same checks. Kept is what earns more than before.

    OUT/                          the refinements, a run: `train sft --episodes OUT` learns them
    OUT/refine/attempts/          all that was played, with the critiques that were told

A refinement is the attempt's episode without what was told: no hint in its observations, no token that was sampled
after reading one. It names its sources in `Episode.versions`: the attempt, its parent and the critiques.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Ancestry, Change, Episode
from journeyman.envs.feedback.entry import Answer, Critique, Entry
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.standing import Judged
from journeyman.envs.formats.assemble import IMPORTED
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.review_text import comment_text, tells_hidden
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different, ForkError
from journeyman.policies.policy import Policy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task, TaskError
from journeyman.training.corrections import NOT_AGAIN, Collected, Outcome, collected
from journeyman.training.parallel import each_of
from journeyman.training.progress import Progress, silent
from journeyman.training.selection import Why

REFINED_FROM = "refined_from"
"""Key of `Episode.versions`: the attempt's id."""
CRITIQUES = "critiques"
"""Key of `Episode.versions`: the ids of the critiques that were told, with commas."""
ATTEMPTS = Path("refine", "attempts")
"""Where below the refinements is what was played."""
_PARTS = ("segments", "blobs")
"""Where a run has its episodes (envs/store.py)."""
_QUOTED = 24
"""A refinement that repeats so many characters of what it was told, blanks aside, would teach to speak of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to try: an episode, from where, and what is said of it."""

    parent: Episode
    at: int
    """So many of its steps are kept."""
    critiques: tuple[Critique, ...]
    seed: int

    @property
    def hint(self) -> str:
        said = "\n\n".join(map(comment_text, self.critiques))
        return f"you tried this before, and a reviewer said of it:\n\n{said}"

    @property
    def key(self) -> tuple[str, int, str, int]:
        return self.parent.id, self.at, ",".join(each.id for each in self.critiques), self.seed


class _Listening:
    """A policy whose record names the critiques that it was told."""

    def __init__(self, policy: Policy, critiques: Sequence[Critique]) -> None:
        self.name, self._policy = policy.name, policy
        self._ids = ",".join(each.id for each in critiques)
        self.start, self.act, self.close = policy.start, policy.act, policy.close
        self.remember = getattr(policy, "remember", lambda observation, action: None)

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        versions: Callable[[], Mapping[str, str]] = getattr(self._policy, "versions", dict[str, str])
        return {**versions(), CRITIQUES: self._ids}


def to_tell(
    episodes: Iterable[Episode], judged: Iterable[Judged], *, from_start: bool = False, tries: int = 1
) -> tuple[list[Told], Counter[str]]:
    """What is to be tried, and why other critiques are not.

    Those of one episode that concern the same step are told together, before that step; those of the whole, or of what
    was shown before any step, from the beginning.

    Args:
        from_start: everything is told at the beginning.
        tries: how often each is tried, with other seeds.
    """
    by_id = {episode.id: episode for episode in episodes}
    left_out: Counter[str] = Counter()
    fit: list[tuple[str, int, Critique]] = []
    for each in judged:
        entry = each.entry
        if not isinstance(entry, Critique) or entry.severity == "praise":
            continue
        if why := _unfit(each, by_id.get(entry.episode)):
            left_out[why] += 1
        else:
            at = 0 if from_start else (entry.place.step or 1) - 1
            fit.append((entry.episode, min(at, len(by_id[entry.episode].steps) - 1), entry))
    fit.sort(key=lambda one: one[:2])  # stable: what was said first stays first
    told = [
        Told(by_id[id_], at, tuple(critique for *_, critique in group), by_id[id_].seed + n)
        for (id_, at), found in groupby(fit, key=lambda one: one[:2])
        for group in [list(found)]
        for n in range(1, tries + 1)
    ]
    return told, left_out


def _unfit(judged: Judged, parent: Episode | None) -> str:
    if not judged.stands:
        return f"the critique does not stand: {judged.marks[0]}"
    if parent is None:
        return "no such episode in this run"
    if IMPORTED in parent.versions:
        return "imported, so its actions cannot be done again"
    if parent.reward is None:
        return Why.UNSCORED
    if not parent.steps:
        return "nothing was done in it"
    return "resolved already, so no test could confirm that it is better" if parent.resolved else ""


def refine(
    episodes: Sequence[Episode],
    judged: Sequence[Judged],
    task_of: Callable[[Episode], Task],
    make_policy: Callable[[Task], Policy],
    *,
    backend: SandboxFactory,
    out: Path | str,
    from_start: bool = False,
    tries: int = 1,
    concurrency: int = 4,
    progress: Progress = silent,
) -> Collected:
    """Try again what was criticised. What `out` holds is not played again; what rests on critiques that are gone from
    the log, or do not stand any more, is taken out of it.

    Args:
        episodes: of one run.
        judged: its feedback, with what stands.

    Raises:
        PolicyError: the policy cannot be made.
        SandboxError: the environment cannot be made here.
        KeyboardInterrupt: what was played is kept.
    """
    told, left_out = to_tell(episodes, judged, from_start=from_start, tries=tries)
    attempts, parents = Path(out) / ATTEMPTS, {episode.id for episode in episodes}
    keep_said(Path(out), parents, judged)
    done, kept = 0, 0
    progress(done, len(told))

    def on_done(outcome: list[Outcome]) -> None:
        nonlocal done, kept
        done, kept = done + 1, kept + isinstance(outcome[0], Episode)
        progress(done, len(told), f"{kept} confirmed")

    with EpisodeStore(attempts) as store:
        maker = _Refiner(task_of, make_policy, backend, store)
        results = each_of(told, maker.refine, concurrency=concurrency, on_done=on_done)
    found = collected(results, left_out)
    rows = {each.versions[REFINED_FROM]: each for each in found.episodes}
    keep_only(Path(out), lambda one: not _is_of(one, parents) or _is_row(one, rows))
    with EpisodeStore(out) as store:
        there = {each.versions.get(REFINED_FROM): each for each in store.episodes()}
        store.add_many(row for attempt, row in rows.items() if attempt not in there)
    return replace(found, episodes=tuple(there.get(attempt, row) for attempt, row in rows.items()))


class _Refiner:
    def __init__(
        self, task_of: Callable[[Episode], Task], make_policy: Callable[[Task], Policy], backend: SandboxFactory,
        store: EpisodeStore,
    ) -> None:  # fmt: skip
        self._task_of, self._make_policy, self._backend, self._store = task_of, make_policy, backend, store
        self._played = {
            (each.ancestry.episode, each.ancestry.step, each.ancestry.detail, each.seed, each.policy): each
            for each in store.episodes()
            if each.ancestry is not None and each.reward is not None
        }

    def refine(self, told: Told, stop: threading.Event) -> list[Outcome]:
        """Play, or find again, and say what came of it."""
        try:
            task = self._task_of(told.parent)
            if any(tells_hidden(critique, task) for critique in told.critiques):
                return ["the critique tells what is hidden from a policy"]
            policy = self._make_policy(task)
            key = (told.parent.id, told.at, told.hint, told.seed, policy.name)
            if (attempt := self._played.get(key)) is None:
                attempt = self._play(told, task, policy, stop)
        except (ForkError, TaskError) as error:
            return [NOT_AGAIN if isinstance(error, ForkError) else str(error)]
        return [_outcome(told, attempt)]

    def _play(self, told: Told, task: Task, policy: Policy, stop: threading.Event) -> Episode:
        env = RepoEnv(task, self._backend, EnvConfig.from_dict(told.parent.config))  # the same conditions
        different = Different(_Listening(policy, told.critiques), Change.HINT, told.hint, seed=told.seed)
        with Branch(env, told.parent, told.at) as branch:
            return branch.run(different, store=self._store, cancelled=stop, last=True)


def _outcome(told: Told, attempt: Episode) -> Outcome:
    parent = told.parent
    if attempt.reward is None or parent.reward is None:
        return Why.UNSCORED
    if attempt.versions.get("task") != parent.versions.get("task"):
        return "its task has changed, so the rewards cannot be compared"
    if attempt.reward <= parent.reward:
        return "the tests do not confirm it: it earns no more than before"
    if _quotes(attempt, told):
        return "it speaks of what it was told"
    steps = tuple(replace(step, action=replace(step.action, tokens=None)) for step in attempt.steps)
    versions = {**attempt.versions, REFINED_FROM: attempt.id, CRITIQUES: told.key[2]}
    seed = parent.reset_seed if parent.config.get("faults") else None
    ancestry = Ancestry(parent.id, told.at, Change.POLICY, attempt.policy, seed)
    return replace(attempt, id=new_episode_id(), steps=steps, versions=versions, ancestry=ancestry)


def _quotes(attempt: Episode, told: Told) -> bool:
    """Whether it repeats what a reviewer wrote, in anything but code: that may be what the reviewer asked for."""
    own = (step.action for step in attempt.steps[told.at :] if step.action.tool not in ("edit", "write"))
    written = _squeezed("\n".join(action.text + action.to_json() for action in own))
    return any(
        body[at : at + _QUOTED] in written
        for body in (_squeezed(critique.body) for critique in told.critiques)
        for at in range(len(body) - _QUOTED + 1)
    )


def _squeezed(text: str) -> str:
    return "".join(text.split()).lower()


def _critiques(episode: Episode) -> list[str]:
    return list(filter(None, episode.versions.get(CRITIQUES, "").split(",")))


def _is_of(episode: Episode, parents: Set[str]) -> bool:
    return episode.ancestry is not None and episode.ancestry.episode in parents


def _is_row(episode: Episode, rows: Mapping[str, Episode]) -> bool:
    row = rows.get(episode.versions.get(REFINED_FROM, ""))
    return row is not None and row.versions[CRITIQUES] == episode.versions.get(CRITIQUES)


def keep_said(out: Path, parents: Set[str], judged: Iterable[Judged]) -> None:
    """Take out of refinements what rests on critiques that do not stand any more, and of what was played for them what
    rests on those that are gone from the log.

    Args:
        parents: the episodes of the run that was refined.
        judged: its feedback, with what stands.
    """
    found = list(judged)
    said = {each.entry.id for each in found}
    stands = {each.entry.id for each in found if set(each.marks) <= {Mark.DUPLICATE}}  # the same words stand elsewhere
    keep_only(out / ATTEMPTS, lambda one: not _is_of(one, parents) or set(_critiques(one)) <= said)
    keep_only(out, lambda one: not _is_of(one, parents) or set(_critiques(one)) <= stands)


def refined_beside(run: Path, entries: Iterable[Entry]) -> list[Path]:
    """The runs beside a run that hold refinements of its episodes which rest on these entries, or on drafts that they
    answer."""
    ids = {entry.of if isinstance(entry, Answer) else entry.id for entry in entries}
    parents = {summary.id for summary in EpisodeStore(run).summaries()}

    def rests(folder: Path) -> bool:
        return any(
            _is_of(each, parents) and not ids.isdisjoint(_critiques(each)) for each in EpisodeStore(folder).episodes()
        )

    beside = sorted(each for each in run.resolve().parent.iterdir() if (each / ATTEMPTS).is_dir())
    return [each for each in beside if rests(each / ATTEMPTS) or rests(each)]


def keep_only(folder: Path, is_kept: Callable[[Episode], bool]) -> None:
    """Take out of a run what is not to be kept, so that no byte of it stays: what is left is written anew."""
    _put_in_place(folder)
    found = list(EpisodeStore(folder).episodes())
    kept = [each for each in found if is_kept(each)]
    if len(kept) == len(found):
        return
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with EpisodeStore(fresh) as store:
        store.add_many(kept)
    for part in _PARTS:
        (fresh / part).mkdir(parents=True, exist_ok=True)
    fresh.rename(_ready(folder))
    _put_in_place(folder)


def _ready(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.ready")


def _put_in_place(folder: Path) -> None:
    """Replace a run's episodes by those that were written anew; what an interruption left is done to its end."""
    ready = _ready(folder)
    if not ready.is_dir():
        return
    for part in _PARTS:
        if (ready / part).is_dir():
            shutil.rmtree(folder / part, ignore_errors=True)
            (ready / part).rename(folder / part)
    for index in folder.glob("index.sqlite*"):  # which is built again
        index.unlink()
    shutil.rmtree(ready)
