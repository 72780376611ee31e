"""What a round's failures teach: each is done again up to where it went wrong, and from there somebody mends it.

See training/corrections.py. What comes of it lies in the round's folder, beside what the champion did.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from typing import Any

from journeyman.envs.episode import Episode
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.corrections import collect_corrections
from journeyman.training.progress import Progress, silent
from journeyman.training.round_folder import RoundFolder
from journeyman.training.selection import actions_done
from journeyman.training.task_pool import task_among

CORRECTED = "corrected"


def correct_failures(
    round_: RoundFolder,
    tasks: Mapping[str, Task],
    rejected: Collection[str],
    *,
    per_episode: int,
    backend: SandboxFactory,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Correct what the champion failed at in this round, each way to fail once.

    Args:
        tasks: by name.
        rejected: episodes that a person will not have learned from.
        per_episode: so many places of each at most.
    """
    collect = EpisodeStore(round_.folder / "collect")
    results = round_.read("collect")["evaluation"]["results"]
    episodes = [collect.get(row["episode"]) for row in results if row["episode"] not in rejected]
    failed: dict[Hashable, Episode] = {}
    for each in episodes:
        if each.reward is not None and not each.resolved:
            failed.setdefault((each.task, actions_done(each)), each)

    with EpisodeStore(round_.folder / CORRECTED) as store:
        made = collect_corrections(
            list(failed.values()), task_among(tasks), backend=backend, store=store, per_episode=per_episode,
            progress=progress,
        )  # fmt: skip
    return {"failed": len(failed), "made": len(made.episodes), "left_out": made.left_out}


def corrected_in(round_: RoundFolder) -> list[str]:
    """The corrections of a round that solve their task, by id."""
    folder = round_.folder / CORRECTED
    return [each.id for each in EpisodeStore(folder).summaries() if each.resolved] if folder.is_dir() else []


def corrections_told(compiled: Mapping[str, Any]) -> str:
    """A sentence for the report; empty where nothing was corrected."""
    if (found := compiled.get(CORRECTED)) is None:
        return ""
    why = ", ".join(f"{count} {reason}" for reason, count in found["left_out"].items())
    told = (
        f"Failed episodes: {found['failed']}, each way to fail counted once; corrections made of them: {found['made']}"
    )
    return f"{told}; left out: {why}." if why else f"{told}."
