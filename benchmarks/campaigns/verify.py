"""Record many episodes, do each again, and say how many come out the same; plant differences and see them found.

    python benchmarks/campaigns/verify.py [--folder runs/verify-campaign] [--jobs 2] [--tasks-of-library 20]
        [--only REGEX] [--limit N] [--json]

The reference, a policy that goes wrong first, random calls and nothing at all play the bundled tasks and proven tasks
of the suite `starter`, the bundled ones in containers too where an engine answers. Each episode is recorded as any
other, then its actions are done again in a fresh sandbox and everything is compared to the end, also after a
difference. In each tenth episode three differences are planted, one at a time (an output, an action that changes a
file, a test's outcome): `verify` must name the step.

What was done stands in FOLDER/results.jsonl, a line an episode; the same command goes on where it was. It ends with
exit code 1 when a bar is missed: the reward in all, the observations in 99% of the steps, each planted difference.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from journeyman.envs.actions import Action
from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, TestRun
from journeyman.envs.replay import comparison, verify
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.policy import PolicyError
from journeyman.policies.registry import make_policy
from journeyman.policies.rollout import rollout
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.sandbox import SandboxUnavailable
from journeyman.tasks.harbor import bundled_tasks
from journeyman.tasks.sources.suites import build_all, suite_recipes
from journeyman.tasks.task import Task

PLANTED_IN_EACH = 10
SEEDS = {"oracle": 1, "noop": 1, "mistaken": 2, "random": 2}
"""How often each policy plays each task; the bundled ones three times as often where chance is at play."""
BARS = {"reward": 1.0, "observations": 0.99, "planted": 1.0}


@dataclass(frozen=True, slots=True)
class Case:
    """One episode of the campaign."""

    task: Task
    policy: str
    seed: int
    backend: str

    @property
    def name(self) -> str:
        return f"{self.task.name} {self.policy} {self.seed} {self.backend}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/verify-campaign"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tasks-of-library", type=int, default=20, help="of each library of the suite")
    parser.add_argument("--only", default="", help="cases whose name (task policy seed backend) this is found in")
    parser.add_argument("--limit", type=int, help="so many new episodes at most")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = options.folder / "results.jsonl"
    done = _read(results)
    todo = [case for case in cases(options.folder, options.tasks_of_library) if re.search(options.only, case.name)]
    todo = [case for case in todo if case.name not in {each["case"] for each in done}][: options.limit]
    with EpisodeStore(options.folder) as store, ThreadPoolExecutor(options.jobs) as threads, results.open("a") as file:
        try:
            for number, result in enumerate(threads.map(partial(tried, store), todo), 1):
                file.write(json.dumps(result) + "\n")
                file.flush()
                done.append(result)
                if not options.json:
                    print(f"{number} of {len(todo)}: {result['case']}: {_said(result)}", flush=True)
        except KeyboardInterrupt:
            threads.shutdown(cancel_futures=True)
            sys.exit(f"interrupted after {len(done)} episodes; the same command goes on")
    figures = summed(done)
    print(json.dumps(figures) if options.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    sys.exit(any(figures[name] is not None and figures[name] < bar for name, bar in BARS.items()))


def cases(folder: Path, of_library: int) -> list[Case]:
    """All of the campaign, in an order in which any first n are a mix."""
    own, minted = bundled_tasks(), build_all(_some_recipes(of_library), folder / "tasks")
    found = []
    for task in (*own, *minted):
        for policy, seeds in SEEDS.items():
            times = seeds * 3 if task in own and seeds > 1 else seeds
            found += [Case(task, policy, seed, "namespace") for seed in range(times)]
            if task in own and _has_docker():
                found += [Case(task, policy, seed, "docker") for seed in range(seeds)]
    random.Random(0).shuffle(found)
    return found


def _some_recipes(of_library: int) -> Iterator[Any]:
    counts: dict[str, int] = {}
    for recipe in suite_recipes("starter"):
        library = recipe.library.requirement
        counts[library] = counts.get(library, 0) + 1
        if counts[library] <= of_library:
            yield recipe


def tried(store: EpisodeStore, case: Case) -> dict[str, Any]:
    """Record one episode and do it again; what was found, for the results."""
    started = time.monotonic()
    make = partial(RepoEnv, case.task, case.backend, EnvConfig(test_scope="failing", max_steps=15))
    try:
        policy = make_policy(case.policy, case.task)
    except PolicyError as error:  # a solution that no tool call can write
        return {"case": case.name, "skipped": str(error)}
    episode = rollout(make(), policy, seed=case.seed, store=store)
    recorded_s = time.monotonic() - started
    pairs = list(comparison(episode, make))
    *steps, (end, end_again) = pairs
    unlike = [
        [number, what, recorded[what][:500], again.get(what, "")[:500]]
        for number, (recorded, again) in enumerate(pairs)
        for what in recorded
        if recorded[what] != again.get(what)
    ]
    return {
        "case": case.name, "episode": episode.id, "steps": len(episode.steps), "stop": episode.stop,
        "reward_same": "reward" in end and end["reward"] == end_again.get("reward"),
        "observations": len(steps),
        "observations_same": sum(recorded["observation"] == again.get("observation") for recorded, again in steps),
        "unlike": unlike, "planted": planted(case, episode, make) if _is_chosen(case) else [],
        "recorded_s": round(recorded_s, 2), "all_s": round(time.monotonic() - started, 2),
    }  # fmt: skip


def planted(case: Case, episode: Episode, make: Any) -> list[dict[str, Any]]:
    """Forge the record in one place after the other; where `verify` found it, beside where it is."""
    rng = random.Random(case.name)
    found = []
    for what, number, forged in _forgeries(episode, rng):
        difference = verify(forged, make).difference
        at = None if difference is None else difference.step
        found.append({"what": what, "step": number, "found": at, "as": difference.what if difference else ""})
    return found


def _forgeries(episode: Episode, rng: random.Random) -> Iterator[tuple[str, int, Episode]]:
    steps = list(enumerate(episode.steps))
    number, step = rng.choice(steps)
    text = step.observation.text
    at = rng.randrange(len(text) + 1)
    other = replace(step.observation, text=text[:at] + "forged" + text[at:])
    yield "output", number + 1, _with(episode, number, observation=other)
    changes = [(n, each) for n, each in steps if each.diff and each.action.tool in ("edit", "write")]
    if changes:
        number, step = rng.choice(changes)
        name = "new" if step.action.tool == "edit" else "content"
        arguments = {**step.action.arguments, name: step.action.arguments[name] + "\n# forged"}
        yield "file", number + 1, _with(episode, number, action=Action(step.action.tool, arguments))
    tested = [(n, each) for n, each in steps if each.tests is not None and each.tests.passed]
    if tested:
        number, step = rng.choice(tested)
        assert step.tests is not None
        first, *others = step.tests.passed
        turned = TestRun(tuple(others), (*step.tests.failed, first), step.tests.errors)
        yield "test", number + 1, _with(episode, number, tests=turned)


def _with(episode: Episode, number: int, **changes: Any) -> Episode:
    steps = list(episode.steps)
    steps[number] = replace(steps[number], **changes)
    return replace(episode, steps=tuple(steps))


def summed(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures of the campaign."""
    done = [each for each in results if "skipped" not in each]
    forged = [each for result in done for each in result["planted"]]
    found = [each for each in forged if each["step"] == each["found"]]
    shown, same = (sum(each[name] for each in done) for name in ("observations", "observations_same"))
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
        "episodes": len(done), "in containers": sum(each["case"].endswith("docker") for each in done),
        "skipped": len(results) - len(done), "steps": sum(each["steps"] for each in done),
        "identical": _share(sum(not each["unlike"] for each in done), len(done)),
        "reward": _share(sum(each["reward_same"] for each in done), len(done)),
        "observations": _share(same, shown), "observations that differ": shown - same,
        "planted": _share(len(found), len(forged)), "planted differences": len(forged),
        "seconds of work": round(sum(each["all_s"] for each in done)),
    }  # fmt: skip


def _share(some: int, whole: int) -> float | None:
    return round(some / whole, 5) if whole else None


def _said(result: dict[str, Any]) -> str:
    if "skipped" in result:
        return f"skipped, {result['skipped']}"
    missed = [each for each in result["planted"] if each["step"] != each["found"]]
    found = f", {len(result['planted'])} planted, {len(missed)} missed" if result["planted"] else ""
    where = f"differs at {result['unlike'][0][:2]}" if result["unlike"] else "identical"
    return f"{where}, {result['steps']} steps{found}, {result['all_s']} s"


def _is_chosen(case: Case) -> bool:
    return random.Random(f"plant {case.name}").randrange(PLANTED_IN_EACH) == 0


def _read(path: Path) -> list[dict[str, Any]]:
    """The results so far; a line that was cut short is done again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text() if path.exists() else ""
    if text and not text.endswith("\n"):
        path.write_text(text := text[: text.rfind("\n") + 1])
    return [json.loads(line) for line in text.splitlines()]


def _has_docker() -> bool:
    try:
        engine()
    except SandboxUnavailable:
        return False
    return True


if __name__ == "__main__":
    main()
