"""What people said of the episodes of rounds: heard, compiled, and tried again where it was a critique.

Feedback is given to a round's collected episodes and demonstrations as to those of any run (envs/feedback). Episodes on
held-out tasks measure, so nothing that is said of them is read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.feedback.entry import Answer, Entry, GuidelineRead
from journeyman.envs.feedback.log import FILE, FeedbackLog
from journeyman.envs.feedback.standing import Judged, finder, standing
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.envs.store import EpisodeStore
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled, Imitated
from journeyman.training.feedback.manifest import remove
from journeyman.training.feedback.refine import keep_said, refine, to_tell
from journeyman.training.measure import Players
from journeyman.training.preferences import Preference
from journeyman.training.progress import Progress, silent
from journeyman.training.round_folder import RoundFolder, rounds_in
from journeyman.training.task_pool import task_among

FEEDBACK, REFINED = "feedback", "refined"
"""Folders of a round."""
COLLECTED = ("collect", "demonstrations")
"""Runs of a round whose feedback is read."""


@dataclass(frozen=True)
class Said:
    """What people said, compiled."""

    compiled: Compiled
    fresh: frozenset[str]
    """Episodes since the last accepted candidate. What was to be learned from earlier ones is in the champion, but
    whoever judges new episodes (a reward, a reward model) goes by what was said of any."""

    def imitated(self) -> list[Imitated]:
        """Corrections that no champion was trained on yet."""
        return [each for each in self.compiled.imitated() if each.row.episode in self.fresh]

    def preferences(self) -> list[Preference]:
        """Pairs that no champion was trained on yet."""
        return [each for each in self.compiled.preferences() if each.chosen.id in self.fresh]


def heard_in(rounds: Sequence[RoundFolder]) -> dict[str, Any]:
    """How much was said of some rounds' episodes, and by how many; empty where nobody said anything. Names stay in the
    feedback, where they can be taken out of."""
    logs = [FeedbackLog(run).read() for run in _runs(rounds)]
    entries = [entry for log in logs for entry in log.entries if not isinstance(entry, GuidelineRead)]
    unreadable = sum(len(log.unreadable) for log in logs)
    if not entries and not unreadable:
        return {}
    kinds = Counter(entry.kind for entry in entries)
    return {
        "entries": len(entries), "unreadable": unreadable, "kinds": dict(sorted(kinds.items())),
        "people": _annotators(entries, simulated=False), "programs": _annotators(entries, simulated=True),
    }  # fmt: skip


def _annotators(entries: Sequence[Entry], *, simulated: bool) -> int:
    return len({entry.annotator for entry in entries if entry.simulated == simulated})


def compile_said(
    round_: RoundFolder, guidelines: Sequence[Guideline], *, simulated: bool, progress: Progress = silent
) -> dict[str, Any]:
    """Compile what was said of this round's episodes and of earlier ones into the round's folder, and what came of it.
    Empty, and no folder, where nobody said anything. Done again, what was compiled before is replaced. What was refined
    by words that are gone, or do not stand any more, is taken out of all these rounds.

    Raises:
        CompiledError: the folder cannot be written.
    """
    rounds = [each for each in rounds_in(round_.root) if each.number <= round_.number]
    for each in rounds:
        _keep_refined(each, guidelines, simulated=simulated)
    if not (heard := heard_in(rounds)):
        remove(round_.folder / FEEDBACK)
        return {}
    made = compile_feedback(_runs(rounds), round_.folder / FEEDBACK, guidelines, simulated=simulated, progress=progress)
    rows = {name.removesuffix(".jsonl"): file for name, file in made.files.items() if name != "left_out.jsonl"}
    return {
        **heard,
        "took_simulated": simulated,
        "rows": {name: file.rows for name, file in rows.items()},
        "simulated": {name: file.simulated for name, file in rows.items() if file.simulated},
        "left_out": dict(made.left_out),
        "undecided": len(made.undecided),
    }


def said_in(round_: RoundFolder, fresh: Sequence[RoundFolder]) -> Said:
    """What was compiled.

    Args:
        fresh: the rounds whose episodes no champion was trained on yet.

    Raises:
        CompiledError: it was changed, or an episode is not what it was.
    """
    ids = {summary.id for run in _runs(fresh, said_of=False) for summary in EpisodeStore(run).summaries()}
    return Said(Compiled(round_.folder / FEEDBACK), frozenset(ids))


def refine_said(
    round_: RoundFolder,
    guidelines: Sequence[Guideline],
    tasks: Mapping[str, Task],
    *,
    simulated: bool,
    players: Callable[[], Players],
    tries: int,
    concurrency: int,
    backend: SandboxFactory,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Let whoever played the round try again what was criticised in it; what the tests confirm is kept in the round's
    folder. See `journeyman.training.feedback.refine`.

    Args:
        players: opened only if there is something to try.
    """
    run = round_.folder / COLLECTED[0]
    episodes, judged = list(EpisodeStore(run).episodes()), _judged(run, guidelines, simulated=simulated)
    told, left_out = to_tell(episodes, judged, tries=tries)
    if not told:
        _keep_refined(round_, guidelines, simulated=simulated)
        return {"tried": 0, "kept": 0, "left_out": dict(left_out)}

    with players() as make_policy:
        made = refine(
            episodes, judged, task_among(tasks), make_policy, backend=backend, out=round_.folder / REFINED, tries=tries,
            concurrency=concurrency, progress=progress,
        )  # fmt: skip
    return {"tried": len(told), "kept": len(made.episodes), "left_out": dict(made.left_out)}


def _keep_refined(round_: RoundFolder, guidelines: Sequence[Guideline], *, simulated: bool) -> None:
    """Of a round's refinements keep what rests on words that stand."""
    out, run = round_.folder / REFINED, round_.folder / COLLECTED[0]
    if out.is_dir():
        parents = {summary.id for summary in EpisodeStore(run).summaries()}
        keep_said(out, parents, _judged(run, guidelines, simulated=simulated))


def _judged(run: Path, guidelines: Sequence[Guideline], *, simulated: bool) -> list[Judged]:
    """What stands of a run's feedback, without what programs said in the place of people unless it is asked for."""
    logged = FeedbackLog(run).read()
    now = logged.guidelines() | {each.name: each for each in guidelines}
    found = standing(logged, finder(EpisodeStore(run)), now)
    accepted = {
        each.entry.of: each.entry.simulated
        for each in found
        if each.stands and isinstance(each.entry, Answer) and each.entry.decision == "accepted"
    }

    def is_program(entry: Entry) -> bool:
        """A draft is said by whoever accepted it."""
        return accepted.get(entry.id, entry.simulated) if entry.draft else entry.simulated

    return [each for each in found if simulated or not is_program(each.entry)]


def _runs(rounds: Sequence[RoundFolder], *, said_of: bool = True) -> list[Path]:
    runs = [each.folder / name for each in rounds for name in COLLECTED]
    return [run for run in runs if (run / FILE).is_file() or (not said_of and run.is_dir())]


def told(review: Mapping[str, Any], compiled: Mapping[str, Any], trained: Mapping[str, Any]) -> list[str]:
    """What became of feedback in a round, in lines of plain text; none where there was none.

    Args:
        review, compiled: what these stages came to.
        trained: the facts of training.
    """
    feedback = compiled.get("feedback")
    if not feedback:
        return []
    heard, of = review.get("heard"), "of this round's episodes"
    lines = [f"Said {of}: {_who(heard)}." if heard else f"Nobody said anything {of}."]
    lines.append(f"Compiled, with what was said of earlier rounds' episodes: {_who(feedback)}.")
    rows = [f"{count} {name}{_of_which(feedback, name)}" for name, count in feedback["rows"].items() if count]
    lines.append(f"Rows: {', '.join(rows) or 'none'}.")
    if feedback["left_out"]:
        lines.append("Left out: " + ", ".join(f"{count} {why}" for why, count in feedback["left_out"].items()) + ".")
    if refined := feedback.get("refined"):
        lines.append(_refined(refined))
    return [*lines, *trained.get("said", ())]


def _who(heard: Mapping[str, Any]) -> str:
    people, programs = heard["people"], heard["programs"]
    by = [f"{people} {'person' if people == 1 else 'people'}"] if people or not programs else []
    by += [f"{programs} simulated"] if programs else []
    bad = f", and {heard['unreadable']} lines that cannot be read" if heard["unreadable"] else ""
    kinds = ", ".join(f"{kind} {count}" for kind, count in heard["kinds"].items())
    return f"{heard['entries']} entries by {' and '.join(by)} ({kinds}){bad}"


def _of_which(feedback: Mapping[str, Any], name: str) -> str:
    simulated = feedback["simulated"].get(name, 0)
    return f" ({simulated} of them simulated)" if simulated else ""


def _refined(refined: Mapping[str, Any]) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in refined["left_out"].items())
    kept = f"Tried again after a critique: {refined['tried']}, kept {refined['kept']}"
    return f"{kept}; left out: {why}." if why else f"{kept}."
