"""`journeyman eval` and `journeyman leaderboard`: how good a policy is, and who is better."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from journeyman.cli_common import (
    RUNS,
    CannotError,
    EngineOption,
    EpisodeCpusOption,
    GuidelineOption,
    JsonOption,
    RayAddressOption,
    print_json,
    with_guidelines,
)
from journeyman.cli_faults import FaultRateOption, FaultsOption, facts_under_faults, with_faults
from journeyman.cli_run import engine_of, policy_of, say_engine
from journeyman.cli_train import (
    BackendOption,
    LimitOption,
    PresetOption,
    TasksOption,
    gather_tasks,
    needs_training,
    reporting,
)
from journeyman.envs.config import EnvConfig
from journeyman.envs.store import EpisodeStore
from journeyman.evaluation_view import board_markdown, say_boards, say_evaluation
from journeyman.policies.policy import Policy
from journeyman.sandbox.backends import open_backend
from journeyman.tasks.task import Task
from journeyman.terminal import out as screen
from journeyman.terminal import plural, typed, visible
from journeyman.training.checkpoint import write_json
from journeyman.training.contamination import lineage_of, model_of, weights_digest
from journeyman.training.evaluate import Evaluation, evaluate
from journeyman.training.leaderboard import add_row, ranked, read_rows, row_of
from journeyman.training.lineage import require_unseen
from journeyman.training.measures import Prices
from journeyman.training.presets import Preset
from journeyman.training.presets import preset as preset_named

RESULT = "result.json"
WEIGHTS = "weights.json"
"""In an evaluation's folder, by name: the weights of each local model whose episodes may be there."""


def evaluate_command(
    policy: Annotated[str, typer.Option(help="oracle, noop, random, mistaken, endpoint:URL#MODEL, local:MODEL.")],
    tasks: TasksOption = "heldout",
    limit: LimitOption = None,
    preset: PresetOption = "small",
    seeds: Annotated[int, typer.Option(min=1, help="Episodes of each task, seeds 0 to N-1.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="Of a local model's sampling; 0 is greedy.")] = 0.0,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes in flight.")] = 16,
    out: Annotated[Path | None, typer.Option(help="Run folder for the episodes. Default: runs/eval/POLICY.")] = None,
    against: Annotated[Path | None, typer.Option(help="result.json of another evaluation, compared in pairs.")] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="Measure a model by tasks that are kin of what it was trained on.")
    ] = False,
    leaderboard: Annotated[Path | None, typer.Option(help="JSONL file to which the result is added.")] = None,
    price_in: Annotated[float, typer.Option(min=0, help="Of a million tokens that are read.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Of a million tokens that are sampled.")] = 0.0,
    price_hour: Annotated[float, typer.Option(min=0, help="Of an hour of all machines together.")] = 0.0,
    guideline: GuidelineOption = None,
    faults: FaultsOption = None,
    fault_rate: FaultRateOption = None,
    backend: BackendOption = "auto",
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
    episode_cpus: EpisodeCpusOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Measure a policy: resolve rate with its 95% interval, milestones, stop reasons, a row for each task."""
    prices, folder = _prices(price_in, price_out, price_hour), out or RUNS / "eval" / _folder_name(policy)
    chosen = preset_named(preset)
    options = _options(policy, chosen, temperature)
    config = with_faults(with_guidelines(chosen.env, guideline), faults, fault_rate)
    other = _read_evaluation(against) if against else None
    if leaderboard and leaderboard.exists():
        read_rows(leaderboard)  # a broken row is said before the work

    def make(task: Task) -> Policy:
        return policy_of(policy, task, **options)

    with (
        engine_of(engine, policy, ray_address, episode_cpus) as machines,
        reporting() as stage,
        EpisodeStore(folder) as store,
    ):
        found = gather_tasks(tasks, limit, stage("Tasks"))
        about = {"tasks_from": tasks, "preset": preset} | _who_acts(policy, found, folder, allow_overlap)
        _require_own(folder, policy, found, range(seeds), config)
        make(found[0])  # a wrong name is said before the bars begin
        _keep_weights(folder, policy, about["weights"])
        result = evaluate(
            policy, make, found, backend=open_backend(backend), store=store, config=config,
            seeds=range(seeds), concurrency=concurrency, progress=stage(f"Evaluate {policy}"), engine=machines,
        )  # fmt: skip
        facts = machines.facts()
        result = replace(result, facts=result.facts | about | facts_under_faults(store, config, found))
    with _kept(folder / RESULT, result.to_dict(prices)):
        if as_json:
            _print(result, other, leaderboard, prices, facts)
        else:
            _show(result, other, folder, leaderboard, prices)
            say_engine(facts)


def leaderboard_command(
    file: Annotated[Path, typer.Argument(help="What `journeyman eval --leaderboard` wrote.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Rank the evaluations of a leaderboard file by resolve rate, each set of tasks for itself."""
    boards = ranked(read_rows(file))
    if as_json:
        print_json({suite: [row.model_dump(mode="json") for row in rows] for suite, rows in boards.items()})
    elif markdown:
        typer.echo("\n\n".join(board_markdown(rows) for rows in boards.values()))
    else:
        say_boards(boards)


def _who_acts(policy: str, tasks: Sequence[Task], folder: Path, allow_overlap: bool) -> dict[str, Any]:
    """The weights, and what is known of their training, for the record.

    Raises:
        CannotError: the folder holds an evaluation of other weights of that name, whole or interrupted.
        OverlapError: the model was trained on kin of the tasks.
    """
    model, is_local = model_of(policy), policy.startswith("local:")
    weights = weights_digest(model) if is_local else ""
    # Empty is not known: a hub's model has no revision here before it is fetched.
    if is_local and _weights_in(folder).get(model, "") not in ("", weights):
        raise CannotError(f"{folder} holds an evaluation of other weights of that name; choose another --out")
    lineage = lineage_of(policy, tasks)
    if lineage.kin and len(tasks) > 1 and not allow_overlap:  # a single task is a try, no measure
        require_unseen(model, tasks, "--allow-overlap measures all the same")
    return {"weights": weights, "lineage": lineage.to_dict()}


def _require_own(folder: Path, policy: str, tasks: Sequence[Task], seeds: Sequence[int], config: EnvConfig) -> None:
    """
    Raises:
        CannotError: the folder holds a result that this evaluation would take the place of, and does not hold.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # none yet, or half of one
        before = Evaluation.load(folder / RESULT)
        if not before.is_continued_by(policy, tasks, seeds, config):
            raise CannotError(
                f"{folder} holds another evaluation: {before.policy}, {plural(len(before.by_task), 'task')}, "
                f"{plural(len(before.results), 'episode')}, perhaps with other settings; choose another --out"
            )


@contextmanager
def _kept(path: Path, result: dict[str, Any]) -> Iterator[None]:
    """Keep a result while it is shown, and show it also where it cannot be kept.

    Raises:
        CannotError: the disk refused.
    """
    refused = None
    try:
        write_json(path, result)
    except OSError as error:
        refused = CannotError(f"{path}: cannot be written ({error.strerror}); the episodes are kept")
    yield
    if refused:
        raise refused


def _weights_in(folder: Path) -> dict[str, str]:
    """By the model's name, the weights that a folder holds an evaluation of."""
    found: dict[str, str] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # all that older versions left
        data = json.loads((folder / RESULT).read_text())
        found[model_of(data["policy"])] = str(data["facts"]["weights"])
    with suppress(OSError, ValueError, TypeError):
        found |= json.loads((folder / WEIGHTS).read_text())
    return found


def _keep_weights(folder: Path, policy: str, weights: str) -> None:
    """Note them before the first episode: the model may be trained again before an interrupted evaluation goes on."""
    if weights:
        write_json(folder / WEIGHTS, _weights_in(folder) | {model_of(policy): weights})


def _options(policy: str, chosen: Preset, temperature: float) -> dict[str, Any]:
    """How a local model meets the environment; nothing for others."""
    if not policy.startswith("local:"):
        return {}
    needs_training()
    return asdict(replace(chosen.local, temperature=temperature))


def _prices(read: float, sampled: float, hour: float) -> Prices:
    if not all(map(math.isfinite, (read, sampled, hour))):
        raise CannotError("a price is a finite number, in your currency")
    return Prices(read, sampled, hour)


def _print(
    result: Evaluation, other: Evaluation | None, board: Path | None, prices: Prices, facts: Mapping[str, int]
) -> None:
    added = {"leaderboard": _add(board, result, prices)} if board else {}
    print_json(result.to_dict(prices) | _paired(result, other) | added | ({"engine": facts} if facts else {}))


def _show(result: Evaluation, other: Evaluation | None, folder: Path, board: Path | None, prices: Prices) -> None:
    say_evaluation(result, prices)
    if other:
        screen.print(f"against {visible(other.policy)}: {_compared(result, other)}", highlight=False, markup=False)
    where = f"episodes: {folder} (journeyman replay best --run {typed(folder)})"
    screen.print(where, soft_wrap=True, highlight=False, markup=False)
    if "recovery" in result.facts:
        where = f"recovery from faults: journeyman faults --run {typed(folder)}"
        screen.print(where, soft_wrap=True, highlight=False, markup=False)
    if board:
        said = _add(board, result, prices)["said"]
        screen.print(f"leaderboard: {visible(said)}", soft_wrap=True, highlight=False, markup=False)


def _paired(result: Evaluation, other: Evaluation | None) -> dict[str, Any]:
    """For JSON: the counts of pairs, and the test by task, which with one pair of each task is McNemar's."""
    if other is None:
        return {}
    return {"paired": asdict(result.against(other)) | result.against_by_task(other).to_dict()}


def _compared(result: Evaluation, other: Evaluation) -> str:
    """For people: the test that suits the number of pairs of a task."""
    pair = result.against_by_task(other)
    if not pair.pairs:
        return "no task and seed in common that both have a score for"
    return str(pair if pair.pairs > len(pair.differences) else result.against(other))


def _add(path: Path, result: Evaluation, prices: Prices) -> dict[str, Any]:
    """Add the result to a leaderboard; what came of it."""
    row = row_of(result, prices)
    known = add_row(path, row)
    if known is None:
        said = f"added to {path} (journeyman leaderboard {typed(path)})"
    elif (known.resolved, known.scored) == (row.resolved, row.scored):
        said = f"{path} has this evaluation already"
    else:
        said = (
            f"{path} has this evaluation already, with {known.resolved}/{known.scored}; that row stays "
            f"(this run: {row.resolved}/{row.scored})"
        )
    return {"file": str(path), "id": row.id, "added": known is None, "said": said}


def _folder_name(policy: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in policy).strip("-.")


def _read_evaluation(path: Path) -> Evaluation:
    try:
        return Evaluation.load(path / RESULT if path.is_dir() else path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotError(f"--against {path}: not the result.json of `journeyman eval` ({error})") from error
