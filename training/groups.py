"""The groups of episodes that one step of GRPO learns from.

Tasks are drawn by a curriculum (training/curriculum.py), each is played by a group, and a group in which the grader
found no difference is replaced by one of another task, within a bound. What cannot be replaced is learned from as far
as other terms of the reward tell its episodes apart: a lie costs also where nothing is solved. A step that was
interrupted plays no episode again that the store holds: the policy's name tells the step, and each episode of it has a
seed of its own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.query import Query
from journeyman.envs.reviews import Reviews
from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State, Summary
from journeyman.policies.job import Engine, Job
from journeyman.policies.policy import Policy
from journeyman.policies.rollout_many import rollout_many
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import TrainingError
from journeyman.training.closings import closing_steps
from journeyman.training.credit import CreditSettings, advantages, decided_before, has_signal
from journeyman.training.curriculum import Curriculum
from journeyman.training.hardness import Hardness
from journeyman.training.hybrid import HybridSettings, Learned, Shaped, hybrid, learned_bound, term_means
from journeyman.training.outside import Outside, StepTerm, step_terms
from journeyman.training.parallel import each_of
from journeyman.training.prefixes import Prefixes, last_change


@dataclass(frozen=True, slots=True)
class Group:
    """Several episodes of one task, with what each action of each is credited with."""

    episodes: tuple[Episode, ...]
    advantages: tuple[tuple[float, ...], ...]
    has_signal: bool
    """Whether the grader found a difference among those that are learned from. Other terms of a reward may tell more
    apart, but a group that differs in these alone is replaced if it can be, and else learned from."""
    shaped: tuple[Shaped, ...] = ()
    """What each episode is paid in training, term by term; empty where that is what the grader paid."""
    told: tuple[tuple[StepTerm, ...], ...] = ()
    """For each episode, what people say of its steps, as it enters the advantages; empty where nobody was asked."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a step learns from."""

    groups: tuple[Group, ...]
    """As many as were asked for; those without signal teach no more than what other terms tell apart."""
    played: tuple[Group, ...]
    """All that were played for it, in order, those that were replaced included."""

    def facts(self) -> dict[str, float]:
        """For the log: `resolved`, the share of scored episodes played; `groups/...`: how many were played for the
        step, the share of these that had the grader's signal, and the share of those that are trained on that have;
        `tokens` sampled in an episode; `reward/...`: the mean of each term."""
        scored = [e for group in self.played for e in group.episodes if e.reward is not None]
        return {
            "resolved": sum(e.resolved for e in scored) / max(1, len(scored)),
            "groups/played": float(len(self.played)),
            "groups/signal_played": statistics.fmean(group.has_signal for group in self.played),
            "groups/signal": statistics.fmean(group.has_signal for group in self.groups),
            "tokens": statistics.fmean(_sampled(e) for group in self.played for e in group.episodes),
            **{f"reward/{name}": amount for name, amount in self.terms().items()},
        }

    def terms(self) -> dict[str, float]:
        """The mean amount of each term, and "total", over the scored episodes."""
        return term_means(self.paid())

    def paid(self) -> list[Shaped]:
        """What training pays each episode that was played, in order: the hybrid, else what the grader paid."""
        shaped = [each for group in self.played for each in group.shaped]
        return shaped or [Shaped(e.terms, e.reward) for group in self.played for e in group.episodes]


@dataclass(frozen=True, slots=True)
class GroupSettings:
    size: int = 8
    """Episodes of a group."""
    refills: int = 2
    """How often the groups without signal are replaced in a step, at the most."""
    curriculum: bool = True
    """Whether tasks are drawn by how often they were solved; else at random."""
    from_within: bool = True
    """Whether a task that is too hard as a whole is begun after some steps of its solution."""
    concurrency: int = 16
    """Episodes in flight."""
    seed: int = 0
    milestone_credit: bool = True
    """Whether it is found out which step closed a milestone, so that what came after it is not credited with it. Takes
    some gradings for each episode of a group that differs in them."""
    credit: CreditSettings = field(default_factory=CreditSettings)
    hybrid: HybridSettings | None = None
    """What training pays beside what the grader decided; None pays that alone."""


class Groups:
    """Collects the groups of each step of a run; the steps must come in order."""

    def __init__(
        self,
        tasks: Sequence[Task],
        settings: GroupSettings,
        *,
        backend: SandboxFactory,
        config: EnvConfig,
        store: EpisodeStore,
        prefixes: Prefixes,
        name: str,
        engine: Engine | None = None,
        place: tuple[int, int] = (0, 1),
        outside: Outside | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        """
        Args:
            name: of the run, from which the policy of each step is named.
            engine: where the episodes run; in this process by default.
            place: this process among those that train together, and how many they are: each has groups of its own.
            outside: judges the episodes besides the grader, where training pays more than the grader's reward.
            reviews: who comments while an episode runs; what that pays is for `outside` to say.
        """
        self._tasks = {task.name: task for task in tasks}
        self._settings, self._backend, self._store = settings, backend, store
        self._config = _alike(config, settings.size)
        self._prefixes, self._name, self._engine, self._place = prefixes, name, engine, place
        self._outside, self._reviews = outside, reviews
        self._curriculum = Curriculum(
            self._tasks, settings.seed, by_rate=settings.curriculum,
            begins_within=lambda task: self._solution(task) is not None,
        )  # fmt: skip
        self._hardness = Hardness()
        self._told = -1
        """The last step whose episodes the curriculum knows, and `hardness`."""

    def policy_name(self, step: int) -> str:
        """What the policy with the weights before a step is called."""
        return f"{self._name}@{step}"

    def collect(self, step: int, count: int, make_policy: Callable[[], Policy]) -> Collected:
        """So many groups, each of a task of its own, which no other process plays, as long as there are enough tasks.

        Raises:
            TrainingError: the policy could not play a single episode.
        """
        self._tell(step)
        known = {(each.task, each.seed): each for each in self._finished(step) if each.reward is not None}
        played = self._play(self._draw(step, count), step, 0, known, make_policy)
        groups, others = list(played), self._left_to_others(step, count)
        for _ in range(self._settings.refills):
            dull = [place for place, group in enumerate(groups) if not group.has_signal]
            tried = [group.episodes[0].task for group in played]
            drawn = self._curriculum.draw(len(dull), step, without=[*tried, *others])
            if not drawn:
                break
            fresh = self._play(drawn, step, len(played), known, make_policy)
            played += fresh
            for place, group in zip(dull, fresh, strict=False):
                if group.has_signal:
                    groups[place] = group
        episodes = [episode for group in played for episode in group.episodes]
        if all(episode.stop is StopReason.POLICY_ERROR for episode in episodes):
            # Nothing would be learnt from any step, and the run would end as if all were well.
            raise TrainingError(f"no episode of step {step + 1} could be played: {episodes[0].detail}")
        return Collected(tuple(groups), tuple(played))

    def _draw(self, step: int, count: int) -> list[str]:
        """This process' part of the tasks that a step begins with, some twice where there are too few tasks."""
        place, places = self._place
        drawn = self._curriculum.draw(count * places, step)
        return [drawn[n % len(drawn)] for n in range(count * places)][place::places]

    def _left_to_others(self, step: int, count: int) -> list[str]:
        """What this process plays in no refill of a step: what the others begin the step with, and their parts of the
        rest. All know the same of earlier steps, so none need ask what another one is about to play."""
        place, places = self._place
        first = self._curriculum.draw(count * places, step)
        rest = self._curriculum.draw(len(self._tasks), step, without=first)
        own = {*first[place::places], *rest[place::places]}
        return [task for task in self._tasks if task not in own]

    def _play(
        self,
        names: Sequence[str],
        step: int,
        before: int,
        known: dict[tuple[str, int], Summary],
        make_policy: Callable[[], Policy],
    ) -> list[Group]:
        size, (place, places) = self._settings.size, self._place

        def policy(_: Task) -> Policy:
            return make_policy()

        jobs = []
        for number, name in enumerate(names, before):
            start = self._start(self._tasks[name])
            for member in range(size):
                seed = member_seed(self._settings.seed, step, number * places + place, member, size)
                jobs.append(Job(self._tasks[name], self._backend, policy, seed, self._config, start, self._reviews))
        missing = [job for job in jobs if (job.task.name, job.seed) not in known]
        fresh = rollout_many(missing, concurrency=self._settings.concurrency, store=self._store, engine=self._engine)
        found = {(job.task.name, job.seed): episode for job, episode in zip(missing, fresh, strict=True)}
        episodes = [
            found.get((job.task.name, job.seed)) or self._store.get(known[job.task.name, job.seed].id) for job in jobs
        ]
        return [self._credited(episodes[first : first + size]) for first in range(0, len(episodes), size)]

    def _credited(self, episodes: Sequence[Episode]) -> Group:
        settings, task = self._settings, self._tasks[episodes[0].task]
        graded = advantages(episodes, settings.credit)
        shaped: Sequence[Shaped] = ()
        told: list[tuple[StepTerm, ...]] = []
        if settings.hybrid is not None:
            learned, told = self._said(episodes, task, settings.hybrid)
            shaped = hybrid(
                episodes, task, settings.hybrid, hardness=self._hardness, learned=learned, beside=int(any(told))
            )
        spent = decided_before(episodes, self._milestones(task), self._closings(task, episodes))
        rewards = [each.total for each in shaped] if shaped else None
        credited = advantages(episodes, settings.credit, rewards, spent, _added(episodes, told))
        return Group(tuple(episodes), tuple(map(tuple, credited)), has_signal(graded), tuple(shaped), tuple(told))

    def _said(
        self, episodes: Sequence[Episode], task: Task, settings: HybridSettings
    ) -> tuple[Learned, list[tuple[StepTerm, ...]]]:
        """What is said of a group from outside: of episodes, and of their steps. All of it shares one bound."""
        if self._outside is None:
            return {}, []
        learned = self._outside.learned(episodes)
        said = [self._outside.steps(episode) for episode in episodes]
        voices = len({name for values in learned.values() for name in values}) + 1
        weight = learned_bound(episodes, task, settings, self._hardness) / voices
        return learned, [step_terms(each, weight) for each in said]

    def _milestones(self, task: Task) -> dict[str, float]:
        """What each milestone of a task pays."""
        if self._settings.hybrid is not None:
            return {
                name: self._settings.hybrid.milestones * share for name, share in self._hardness.shares(task).items()
            }
        return {each.name: self._config.milestone_weight / len(task.milestones) for each in task.milestones}

    def _closings(self, task: Task, episodes: Sequence[Episode]) -> list[dict[str, int]]:
        """After which step each episode closed each milestone; of what all or none closed, nothing need be known."""
        sets = {tuple(sorted(e.verdict.milestones.items())) for e in episodes if e.verdict and e.reward is not None}
        if not self._settings.milestone_credit or not task.milestones or len(sets) < 2:
            return [{} for _ in episodes]
        return each_of(
            episodes, lambda episode, _: closing_steps(task, episode, self._backend),
            concurrency=self._settings.concurrency, on_done=lambda _: None,
        )  # fmt: skip

    def _solution(self, task: str) -> Episode | None:
        """The played solution that a task can be begun within, if there is one."""
        solution = self._prefixes.of(self._tasks[task]) if self._settings.from_within else None
        return solution if solution is not None and last_change(solution) else None

    def _start(self, task: Task) -> tuple[Episode, int] | None:
        """Where the episodes of a task that is too hard begin; None for the beginning."""
        solution = self._solution(task.name) if self._curriculum.is_too_hard(task.name) else None
        at = self._curriculum.begin_at(task.name, last_change(solution)) if solution else 0
        return (solution, at) if solution and at else None

    def _tell(self, step: int) -> None:
        """What is known is of the episodes of all earlier steps, and of no later one, also after an interrupt."""
        for earlier in range(self._told + 1, step):
            finished = self._finished(earlier)
            for each in finished:
                self._curriculum.note(each.task, each.reward, each.forked_at or 0)
            if self._settings.hybrid is not None:  # how hard its checks are matters for a project's milestones alone
                projects = [
                    each.id for each in finished if each.task in self._tasks and self._tasks[each.task].milestones
                ]
                self._hardness = self._hardness.after(map(self._store.get, projects))
        self._told = step - 1

    def _finished(self, step: int) -> list[Summary]:
        """What the store holds of a step, of all processes, in one order."""
        # The store is this run's own, whatever the run was called when they were played.
        found = self._store.find(Query(policy=f"local:*@{step}")).summaries
        done = [each for each in found if each.state is State.FINISHED and each.stop != StopReason.INTERRUPTED]
        return sorted(done, key=lambda each: each.seed)


def _alike(config: EnvConfig, size: int) -> EnvConfig:
    """What is compared with each other meets the same fault."""
    if config.faults is None:
        return config
    return config.model_copy(update={"faults": config.faults.model_copy(update={"seeds_alike": size})})


def _added(episodes: Sequence[Episode], told: Sequence[Sequence[StepTerm]]) -> list[list[float]] | None:
    """For each action what its step's term adds."""
    if not told:
        return None
    added = [[0.0] * len(episode.steps) for episode in episodes]
    for row, terms in zip(added, told, strict=True):
        for term in terms:
            row[term.step - 1] += term.amount
    return added


def _sampled(episode: Episode) -> int:
    return sum(len(step.action.tokens.sampled_ids) for step in episode.steps if step.action.tokens)


def member_seed(run: int, step: int, group: int, member: int, size: int) -> int:
    """One seed for each episode, far apart from those of other runs and steps. Those of a group of `size` have the same
    quotient by it, from which faults are drawn."""
    seed = 0
    for part in (run, step, group * size):
        seed = (seed * 1_000_003 + part + 1) % 2**31
    return seed // size * size + member
