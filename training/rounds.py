"""Rounds: collect, (review), compile, train, evaluate, decide; and the next one begins with the better model.

Every stage leaves a file when it is whole and is passed over from then on, so an interrupted run goes on where it was.
Who plays and who learns (`Crew`) is given, so that the order of things can be tried without a model. What the files
are is said in training/round_folder.py, how a round is decided in training/round_decision.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.store import EpisodeNotFound, EpisodeStore
from journeyman.policies.job import Engine
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.sources.likeness import likeness_of, require_apart
from journeyman.tasks.task import Task
from journeyman.training.checkpoint import RunFolder, make_folder, write_json
from journeyman.training.demonstrations import collect_demonstrations
from journeyman.training.evaluate import Evaluation, evaluate
from journeyman.training.lineage import require_unseen
from journeyman.training.measure import Players, measure
from journeyman.training.progress import Progress
from journeyman.training.round_corrections import CORRECTED, correct_failures, corrected_in
from journeyman.training.round_decision import Decision, decide, heldout_of, level_of, split_heldout
from journeyman.training.round_feedback import REFINED, Said, compile_said, heard_in, refine_said, said_in
from journeyman.training.round_folder import (
    STAGES,
    RoundError,
    RoundFolder,
    champion_before,
    outcomes_before,
    rounds_in,
)
from journeyman.training.round_plan import RoundPlan
from journeyman.training.round_select import Candidate, Select, best_verified
from journeyman.training.stats import Paired
from journeyman.training.task_pool import PoolError, draw, last_played

Stage = Callable[[str], Progress]
"""Announces a stage by its title and gives the progress to report to."""
REJECTED = "rejected"
"""The tag of an episode that is not learned from."""
_MEND = "give another --heldout"


@dataclass(frozen=True, slots=True)
class Trained:
    """What training came to."""

    model: str
    """Folder of the candidate; empty where there was nothing to learn from."""
    facts: dict[str, Any] = field(default_factory=dict)


class Crew(Protocol):
    """Who plays, and who learns."""

    def players(self, model: str, temperature: float) -> Players:
        """A model that acts."""
        ...

    def train(
        self, model: str, episodes: Sequence[Episode], tasks: Sequence[Task], out: Path, stage: Stage, said: Said | None
    ) -> Trained:
        """Make a candidate of `model`, by imitating `episodes`, on `tasks`, by what people said, or some of it. Done
        again, it resumes."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What rounds work with."""

    plan: RoundPlan
    root: Path
    """Absolute: models are named by where they lie."""
    tasks: Sequence[Task]
    """The pool, in an order of which any beginning is a fair mix."""
    heldout: Sequence[Task]
    backend: SandboxFactory
    crew: Crew
    stage: Stage
    engine: Engine | None = None
    select: Select = best_verified

    def named(self, names: Sequence[str]) -> list[Task]:
        """Raises: RoundError: a task that a stage has chosen is gone."""
        known = {task.name: task for task in [*self.tasks, *self.heldout]}
        if missing := [name for name in names if name not in known]:
            raise RoundError(f"{self.root}: {len(missing)} tasks of its rounds are gone, such as {missing[0]}")
        return [known[name] for name in names]


def run_rounds(
    shop: Workshop,
    count: int,
    *,
    review: bool = False,
    reviewed: bool = False,
    decided: Callable[[RoundFolder], None] = lambda _: None,
) -> RoundFolder | None:
    """Do what is not done yet of the first `count` rounds; then measure first and last champion on tasks kept for it.

    Args:
        review: stop after collecting, until somebody has looked.
        reviewed: somebody has; the round that waits goes on, and later ones stop again if `review` says so.
        decided: told each round that has just been decided.

    Returns:
        The round that waits for a reviewer, if one does.

    Raises:
        OverlapError: held-out tasks are kin of what is, or was, trained on.
        PoolError: no task is left to play; the last word is said all the same.
        RoundError: somebody else works there, or a round cannot go on.
        RunFolderError: the folder holds rounds of another plan.
    """
    _require_measurable(shop)
    make_folder(shop.root)
    with _alone(shop.root):
        RunFolder(shop.root, shop.plan.to_dict()).open()
        _require_untouched(shop)
        if reviewed and not any(each.next_stage == "review" for each in rounds_in(shop.root)):
            raise RoundError(f"--reviewed: no round in {shop.root} waits for a review")
        for number in range(1, count + 1):
            round_ = RoundFolder(shop.root, number)
            while (name := round_.next_stage) is not None:
                if name == "review" and review and not reviewed:
                    return round_
                try:
                    with round_.timed(name):
                        result = _DO[name](shop, round_)
                except PoolError:
                    _last_word(shop, number - 1)  # there will be no further round
                    raise
                round_.write(name, result)
                reviewed = reviewed and name != "review"
                if name == STAGES[-1]:
                    decided(round_)
        _last_word(shop, count)
    return None


def last_decision(root: Path, alpha: float) -> tuple[Evaluation, Evaluation, Decision] | None:
    """The last word: first and last champion on the tasks kept for it, and what the test says of them; if it is said.

    The first look has half the level, and each further champion that is measured there half of the one before, so that
    all of them together stay within it.
    """
    looks = sorted((root / "final").glob("round-*.json"), key=lambda path: int(path.stem.rpartition("-")[2]))
    if not looks:
        return None
    base, best = (Evaluation.load(path) for path in (root / "final/base.json", looks[-1]))
    return base, best, decide(best, base, alpha * 0.5 ** len(looks))


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RoundError(f"another `journeyman round run` works in {root}; wait for it, or stop it") from error
        yield


def _require_measurable(shop: Workshop) -> None:
    share = shop.plan.final_share
    if not split_heldout(shop.heldout, share, shop.plan.seed)[0]:
        raise RoundError(
            f"no held-out task is left to decide a round by: the last word takes all {len(shop.heldout)} "
            f"(final_share = {share:g}); lower that, or {_MEND} with more tasks"
        )


def _require_untouched(shop: Workshop) -> None:
    """No held-out task is kin of the pool, or of what the first model was trained on. Once seen, it is noted."""
    names = [sorted(task.name for task in tasks) for tasks in (shop.tasks, shop.heldout)]
    seen, path = hashlib.sha256(json.dumps(names).encode()).hexdigest(), shop.root / "apart.json"
    if path.is_file() and json.loads(path.read_text()) == seen:
        return
    progress, every = shop.stage("Held-out tasks apart"), [*shop.tasks, *shop.heldout]
    likenesses = []
    for task in every:
        likenesses.append(likeness_of(task))
        progress(len(likenesses), len(every))
    require_apart(likenesses[: len(shop.tasks)], likenesses[len(shop.tasks) :], _MEND)
    require_unseen(shop.plan.model, shop.heldout, _MEND)
    write_json(path, seen)


def _collect(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    plan, config = shop.plan, shop.plan.env
    champion = champion_before(round_, plan.model)
    if not round_.has("pool"):
        before = [each for each in rounds_in(shop.root) if each.number < round_.number]
        played = last_played((each.number, collected(each).results) for each in before)
        chosen = draw([task.name for task in shop.tasks], played, plan.tasks_per_round, plan.new_share)
        round_.write("pool", asdict(chosen))
    demonstrations: list[Episode] = []
    if round_.number == 1 and plan.demonstrations:
        with EpisodeStore(round_.folder / "demonstrations") as store:
            demonstrations = collect_demonstrations(
                shop.tasks[: plan.demonstrations], backend=shop.backend, store=store, config=config,
                mistaken_share=plan.mistaken_share, progress=shop.stage(_title(round_, "demonstrations")),
            )  # fmt: skip
    seeds = range((round_.number - 1) * plan.group_size, round_.number * plan.group_size)
    with shop.crew.players(champion, plan.temperature) as make_policy, EpisodeStore(round_.folder / "collect") as store:
        found = evaluate(
            "collect", make_policy, shop.named(list(round_.read("pool")["chosen"])), backend=shop.backend, store=store,
            config=config, seeds=[plan.seed + seed for seed in seeds], concurrency=plan.concurrency,
            progress=shop.stage(_title(round_, "collect")), engine=shop.engine,
        )  # fmt: skip
    _require_playable(found, round_.folder / "collect")
    ids = [episode.id for episode in demonstrations]
    return {"model": round_.relative(champion), "demonstrations": ids, "evaluation": found.to_dict()}


def _require_playable(found: Evaluation, run: Path) -> None:
    """A model that cannot act at all (no memory left, a broken folder) has not failed its tasks."""
    if all(result.stop == StopReason.POLICY_ERROR for result in found.results):
        why = EpisodeStore(run).get(found.results[0].episode).detail
        raise RoundError(f"no episode of {run} could be played: {why}; mend that, remove {run}*, and go on")


def _review(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    """Which episodes a person rejected, named in rejected.txt or tagged `rejected`; and what was said of any."""
    stores = [EpisodeStore(round_.folder / run) for run in ("collect", "demonstrations")]
    tagged = {summary.id for store in stores for summary in store.summaries() if REJECTED in summary.tags}
    lines = round_.rejected.read_text(encoding="utf-8").splitlines() if round_.rejected.is_file() else []
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    found = {name: list(_ids(name, stores)) for name in names}
    if unknown := [name for name, ids in found.items() if len(ids) != 1]:
        raise RoundError(f"{round_.rejected}: {len(unknown)} lines name no episode of round {round_.number}, "
                         f"such as {unknown[0]!r}")  # fmt: skip
    heard = heard_in([round_])
    return {"rejected": sorted(tagged.union(*found.values())), **({"heard": heard} if heard else {})}


def _ids(name: str, stores: Sequence[EpisodeStore]) -> Iterator[str]:
    for store in stores:
        with suppress(EpisodeNotFound):
            yield store.find_id(name)


def _compile(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    """Of all that was collected since a candidate was accepted: what came before is in the champion already."""
    plan, rounds = shop.plan, _since_accepted(round_)
    told = compile_said(round_, plan.judged_by(), simulated=plan.simulated)
    if told and plan.refine_tries and plan.learns_by_sft:
        told["refined"] = _refine(shop, round_)
    rejected = {episode for each in rounds for episode in each.read("review")["rejected"]}
    mended = _correct(shop, round_, rejected) if plan.corrections else None
    found = [candidate for each in rounds for candidate in _candidates(each)]
    chosen = shop.select(found, {task.name: task for task in shop.tasks}, rejected, plan.per_task).to_dict()
    return chosen | ({"feedback": told} if told else {}) | ({CORRECTED: mended} if mended else {})


def _since_accepted(round_: RoundFolder) -> list[RoundFolder]:
    """The rounds whose episodes no champion was trained on yet, this one as the last."""
    since = max((number for number, won in enumerate(outcomes_before(round_), 1) if won), default=0)
    return [each for each in rounds_in(round_.root) if since < each.number <= round_.number]


def _refine(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    """The champion tries again what was criticised."""
    champion = champion_before(round_, shop.plan.model)
    return refine_said(
        round_, shop.plan.judged_by(), {task.name: task for task in shop.tasks}, simulated=shop.plan.simulated,
        players=lambda: shop.crew.players(champion, shop.plan.temperature), tries=shop.plan.refine_tries,
        concurrency=shop.plan.concurrency, backend=shop.backend, progress=shop.stage(_title(round_, "refine")),
    )  # fmt: skip


def _correct(shop: Workshop, round_: RoundFolder, rejected: Collection[str]) -> dict[str, Any]:
    return correct_failures(
        round_, {task.name: task for task in shop.tasks}, rejected, per_episode=shop.plan.corrections,
        backend=shop.backend, progress=shop.stage(_title(round_, "corrections")),
    )  # fmt: skip


def _candidates(round_: RoundFolder) -> Iterator[Candidate]:
    stage = round_.read("collect")
    own = [row["episode"] for row in stage["evaluation"]["results"]]
    refined = [summary.id for summary in EpisodeStore(round_.folder / REFINED).summaries()]
    for run, ids, is_own in (
        ("collect", own, True), ("demonstrations", stage["demonstrations"], False), (REFINED, refined, True),
        (CORRECTED, corrected_in(round_), False),
    ):  # fmt: skip
        folder = round_.folder / run
        store = EpisodeStore(folder)
        for episode in ids:
            yield Candidate(store.get(episode), round_.relative(folder), round_.number, is_own)


def _train(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    chosen = round_.read("compile")["chosen"]
    episodes = [EpisodeStore(shop.root / row["run"]).get(row["episode"]) for row in chosen]
    tasks = shop.named(list(round_.read("pool")["chosen"]))

    def stage(title: str) -> Progress:
        return shop.stage(_title(round_, title))

    champion = champion_before(round_, shop.plan.model)
    said = said_in(round_, _since_accepted(round_)) if "feedback" in round_.read("compile") else None
    trained = shop.crew.train(champion, episodes, tasks, round_.folder / "train", stage, said)
    return {"model": round_.relative(trained.model) if trained.model else "", "facts": trained.facts}


def _evaluate(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    """Champion and candidate on the same held-out tasks."""
    candidate = round_.read("train")["model"]
    if not candidate:
        return {"tasks": []}
    rotating, _ = split_heldout(shop.heldout, shop.plan.final_share, shop.plan.seed)
    tasks = heldout_of(rotating, round_.number, shop.plan.heldout_per_round)
    require_unseen(round_.model(candidate), tasks, _MEND)
    models = {"champion": champion_before(round_, shop.plan.model), "candidate": round_.model(candidate)}
    for name, model in models.items():
        folder = round_.folder / "eval" / name
        found = _measure(shop, folder, model, tasks, _title(round_, f"evaluate {name}"))
        if name == "champion":  # a candidate that cannot act has failed
            _require_playable(found, folder)
    return {"tasks": [task.name for task in tasks], "reused": round_.number * len(tasks) > len(rotating)}


def _measure(shop: Workshop, folder: Path, model: str, tasks: Sequence[Task], title: str) -> Evaluation:
    return measure(
        folder, lambda: shop.crew.players(model, 0.0), tasks, backend=shop.backend,
        config=shop.plan.env, seeds=(shop.plan.seed,), concurrency=shop.plan.concurrency,
        progress=shop.stage(title), engine=shop.engine,
    )  # fmt: skip


def _decide(shop: Workshop, round_: RoundFolder) -> dict[str, Any]:
    level = level_of(shop.plan.alpha, outcomes_before(round_))
    if not round_.read("evaluate")["tasks"]:
        facts = round_.read("train")["facts"]
        return Decision(None, level, Paired(0, 0, 0, 0), str(facts.get("why", "nothing was trained"))).to_dict()
    return decide(evaluated(round_, "candidate"), evaluated(round_, "champion"), level).to_dict()


def _last_word(shop: Workshop, count: int) -> None:
    won = [each for each in rounds_in(shop.root) if each.number <= count and each.read("decide")["accepted"]]
    _, tasks = split_heldout(shop.heldout, shop.plan.final_share, shop.plan.seed)
    if won and tasks:
        best = won[-1].model(won[-1].read("train")["model"])
        for name, model in (("base", shop.plan.model), (won[-1].folder.name, best)):
            _measure(shop, shop.root / "final" / name, model, tasks, f"Last word: {name}")


def collected(round_: RoundFolder) -> Evaluation:
    """The champion's episodes on the round's tasks."""
    return Evaluation.from_dict(round_.read("collect")["evaluation"])


def evaluated(round_: RoundFolder, name: str) -> Evaluation:
    """A model's episodes on the round's held-out tasks; `name` is champion or candidate."""
    return Evaluation.from_dict(round_.read(f"eval/{name}"))


def _title(round_: RoundFolder, what: str) -> str:
    return f"Round {round_.number}: {what}"


_DO: dict[str, Callable[[Workshop, RoundFolder], dict[str, Any]]] = {
    "collect": _collect, "review": _review, "compile": _compile, "train": _train, "evaluate": _evaluate,
    "decide": _decide,
}  # fmt: skip
