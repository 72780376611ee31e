"""What each part of the recipe gains: SFT, other lessons, corrections of own failures, GRPO by tests, by critiques too.

    python benchmarks/campaigns/study [--seeds 3] [--arms main,ablations] [--out build/study] [--report]

Every arm is measured on held-out libraries: on tasks as they come, on twins of which one cannot be done, while
something goes wrong (in ways that no demonstration showed), and when told to be somebody. What came out is kept as a
line for each episode below --figures (docs/results/study); --report draws every table again from these lines alone and
puts them into docs/results/study.md. Run again, the study goes on where it was, within a stage too, on another machine
as well: what has its figures is not done again. (A model that is not there any more is trained again where an arm goes
on from it, and on another machine comes out as another one: give such an arm other --figures.) With --jobs 8, eight
arms are trained or measured at once.

Some 12 core-hours for SmolLM2-135M and the main arms with three seeds, and an hour for each ablation and seed.
Qwen2.5-Coder-0.5B-Instruct on a GPU: --model FOLDER --preset medium --lora-rank 16 --sft-rate 2e-4 --grpo-rate 8e-5
--arms base,skills,rl-fresh --jobs 6 --concurrency 48 --grpo-set tasks_per_step=8 micro_batch=4 concurrency=64 refills=0
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from arms import ARMS, named
from critiques import Critics
from figures import SAID_FALSE, OtherStudyError
from lessons import PERSONAS, misreadings, skills, solutions
from progress import said
from side_by_side import Part, PartsFailedError, parts_of, side_by_side
from study import Study, TaskSet
from tables import Column, Found, by_seed, pairs, put_into, rates

from journeyman.envs.faults.kinds import HELD_OUT_KINDS as OTHER_FAULTS
from journeyman.envs.faults.settings import Faults
from journeyman.envs.guidelines.prompt import BRIEF, shown
from journeyman.policies.rollout_many import LocalEngine, ProcessEngine
from journeyman.sandbox.backends import open_backend
from journeyman.tasks.infeasible.kinds import HELD_OUT_KINDS, TRAINING_KINDS
from journeyman.tasks.infeasible.twins import Made, infeasible_twins, why_not
from journeyman.tasks.sources.recipe import Recipe
from journeyman.tasks.sources.recipe_file import read_recipes
from journeyman.tasks.sources.suites import build_suite, mixed
from journeyman.tasks.task import Task
from journeyman.training.dpo import DpoSettings
from journeyman.training.feedback.hidden import PREFERENCES
from journeyman.training.grpo import GrpoSettings
from journeyman.training.overrides import with_changes
from journeyman.training.presets import preset
from journeyman.training.sft import SftSettings

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "results" / "study.md"
SETS = ("tasks", "twins", "faults", *PERSONAS)
SOLVED = Column("tasks resolved", "tasks", "resolved")
HONEST = (
    Column("episodes with a false claim", "twins", "false_claims"),
    Column("honest blocks", "twins", "honest_blocks"),
    Column("pretence", "twins", "pretence"),
    Column("over-refusal of twins", "twins", "over_refusal"),
    Column("over-refusal of tasks", "tasks", "over_refusal"),
    Column("false claims on tasks", "tasks", "false_claims"),
    Column("says what is not so, of all tasks and twins", "tasks+twins", SAID_FALSE),
)
RECOVERS = (
    Column("recovered", "faults", "struck: recovered"),
    Column("resolved all the same", "faults", "struck: resolved"),
)


HEAD = 2
"""Lines of a table before its first row."""


def report(options: argparse.Namespace) -> None:
    found, wants = Found(options.figures, range(options.seeds)), f"wants {options.wants}"
    manners = [Column(f"{name}, of those who report", name, f"{name} faithful") for name in PERSONAS]
    cost = [Column(f"resolved as {name}", name, "resolved") for name in PERSONAS]
    critics = Column(f"keeps to {options.wants}", "tasks", wants)
    whole_way = (SOLVED, *(column for column in HONEST if column.name in (SAID_FALSE, "over_refusal")))
    sections = {
        "Resolved": [rates(found, [SOLVED]), by_seed(found, SOLVED), pairs(found, [SOLVED])],
        "Honesty": [rates(found, HONEST), pairs(found, HONEST)],
        "The whole way from SFT on solutions": [pairs(found, whole_way, beside="sft")],
        "Recovery from faults of kinds that no demonstration showed": [
            rates(found, RECOVERS), pairs(found, RECOVERS),
        ],
        "Personas": [rates(found, [*manners, *cost]), pairs(found, [*manners, *cost])],
        "What the simulated annotators wanted": [rates(found, [critics]), pairs(found, [critics])],
    }  # fmt: skip
    lines = []
    for title, tables in sections.items():
        if told := [table for table in tables if len(table) > HEAD]:
            lines += [f"## {title}", "", *(line for table in told for line in (*table, ""))]
    print("\n".join(lines))
    if options.page.exists():
        put_into(options.page, lines)


def study(options: argparse.Namespace) -> Study:
    chosen, tasks = preset(options.preset), options.out / "tasks"
    starter = build_suite("starter", tasks / "starter", count=options.train_tasks)
    heldout = build_suite("heldout", tasks / "heldout", count=options.heldout_tasks)
    blocked = twins(starter, options.lessons, tasks / "twins", TRAINING_KINDS)
    doubted = twins(heldout, options.heldout_tasks // 5, tasks / "heldout-twins", (*TRAINING_KINDS, *HELD_OUT_KINDS))
    half, quarter = heldout[: options.heldout_tasks // 2], heldout[: options.heldout_tasks // 4]
    sets = [
        TaskSet("tasks", heldout, chosen.env),
        TaskSet("twins", doubted, chosen.env),
        TaskSet("faults", half, chosen.env.model_copy(update={"faults": Faults(kinds=tuple(OTHER_FAULTS))})),
        *(
            TaskSet(name, quarter, chosen.env.model_copy(update={"guidelines": (shown(name + BRIEF),)}))
            for name in PERSONAS
        ),
    ]  # fmt: skip
    longest = 640 if options.preset == "small" else chosen.local.max_episode_tokens
    return Study(
        options.out, options.figures, options.model, chosen, open_backend("auto"), (*starter, *blocked), blocked,
        others(options.fresh_tasks), solutions(starter, chosen.env),
        skills(starter, blocked, chosen.env, options.lessons),
        misreadings(starter[3 * options.lessons : 5 * options.lessons], chosen.env),
        [each for each in sets if each.name in options.sets],
        SftSettings(learning_rate=options.sft_rate, max_length=longest, lora_rank=options.lora_rank),
        with_changes(
            GrpoSettings(
                steps=options.steps, tasks_per_step=3, learning_rate=options.grpo_rate, lora_rank=options.lora_rank,
                micro_batch=2 if options.lora_rank else 4,
            ),
            options.grpo_set,
        ),
        DpoSettings(
            learning_rate=options.dpo_rate, max_length=chosen.local.max_episode_tokens, lora_rank=options.lora_rank
        ),
        Critics(options.wants, options.kind, judgements=options.judgements),
        partial(ProcessEngine, options.env_processes) if options.env_processes else LocalEngine,
        options.concurrency,
    )  # fmt: skip


def others(count: int) -> Sequence[Recipe]:
    """Training tasks of the starter suite, faults in a single line, that `build_suite` does not build."""
    found = read_recipes(ROOT / "tasks" / "suites" / "starter-more.jsonl")
    return mixed([recipe for recipe in found if recipe.mutation.one_line])[:count]


def twins(tasks: Sequence[Task], count: int, out: Path, kinds: Sequence[str]) -> tuple[Task, ...]:
    """Both sides of pairs of the first so many tasks that can have one."""
    told = said(f"pairs in {out.name}")

    def progress(made: Made) -> None:
        told(made.pairs, made.of)

    fit = [task for task in tasks if not why_not(task)][:count]
    return tuple(infeasible_twins(fit, out, kinds=kinds, progress=progress))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--seeds", type=int, default=3, help="so many: 0, 1, 2")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--arms", default="main", help="names, main, ablations or all, separated by commas")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS, help="to be measured on; all by default")
    parser.add_argument("--steps", type=int, default=16, help="of GRPO")
    parser.add_argument("--train-tasks", type=int, default=413)
    parser.add_argument(
        "--heldout-tasks",
        type=int,
        default=128,
        help="a fifth has twins, half meets faults, a quarter is for either persona",
    )
    parser.add_argument("--lessons", type=int, default=80, help="tasks for each of the other lessons")
    parser.add_argument(
        "--fresh-tasks", type=int, default=200, help="that no demonstration shows, for a policy to fail at"
    )
    parser.add_argument("--lora-rank", type=int, default=0)
    parser.add_argument("--sft-rate", type=float, default=2e-4)
    parser.add_argument("--grpo-rate", type=float, default=2e-5)
    parser.add_argument("--dpo-rate", type=float, default=3e-5)
    parser.add_argument(
        "--grpo-set", nargs="+", default=(), metavar="NAME=VALUE", help="other settings of GRPO, as tasks_per_step=8"
    )
    parser.add_argument("--concurrency", type=int, default=24, help="episodes in flight while a model is measured")
    parser.add_argument("--wants", default="small-diffs", choices=sorted(PREFERENCES), help="of simulated annotators")
    parser.add_argument("--kind", default="features", choices=("features", "tokens"), help="of the reward model")
    parser.add_argument("--judgements", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1, help="arms that are trained or measured at once")
    parser.add_argument(
        "--env-processes",
        type=int,
        default=4 if torch.cuda.is_available() else 0,
        help="environments are in so many processes besides each arm's, so that a GPU that samples waits less",
    )
    parser.add_argument("--train", action="store_true", help="train an arm even if it has been measured before")
    parser.add_argument("--out", type=Path, default=Path("build/study"))
    parser.add_argument("--figures", type=Path, default=ROOT / "docs" / "results" / "study")
    parser.add_argument("--page", type=Path, default=PAGE, help="where --report puts its tables, if it is there")
    parser.add_argument("--report", action="store_true", help="draw the tables from the figures and stop")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    arms = named(options.arms)
    seeds = range(options.seeds) if options.seed is None else (options.seed,)
    whole = study(options)
    if options.jobs > 1:
        whole.show(arms)
        parts = parts_of(arms, seeds, lambda part: whole.has_figures(ARMS[part.arm], part.seed))
        side_by_side(parts, begun, lambda part: whole.is_trained(ARMS[part.arm], part.seed), options.jobs)
        return
    for seed in seeds:
        if options.train:
            for arm in arms:
                whole.trained(arm, seed)
        whole.run(arms, seed)


def begun(part: Part) -> subprocess.Popen[bytes]:
    """A process that does one part, with the options that this one was given. (Of an option given twice the last
    counts.)"""
    alone = ["--arms", part.arm, "--seed", str(part.seed), "--jobs", "1", "--train"]
    return subprocess.Popen([sys.executable, *sys.argv, *alone])


def main() -> None:
    options = parsed()
    if not options.report:
        try:
            run(options)
        except (ValueError, OtherStudyError, PartsFailedError) as error:
            sys.exit(str(error))
    if options.seed is None:
        report(options)


if __name__ == "__main__":
    main()
