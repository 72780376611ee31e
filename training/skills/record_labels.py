"""The record as an annotator: a rule that labels the claims of reports, with the true limitation of each false one.

What it says is kept with what people say of a run, as entries of the rule `rule.record`, each with the rule's version
in its origin. `compile_feedback` makes rows of both; where a person judged the same claim, the person's word holds.

Said again of the same episodes it adds nothing. Where a run has grown, so that a claim is known to be false now, or the
rule has a new version, the rule's later word takes the place of its earlier one. What somebody took back stays so.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode
from journeyman.envs.feedback.entry import BY_RULE, RULE, ClaimLabel, Correction, Entry
from journeyman.envs.feedback.log import FeedbackLog
from journeyman.envs.feedback.marks import Mark
from journeyman.envs.feedback.references import moment
from journeyman.envs.feedback.standing import standing
from journeyman.envs.store import EpisodeStore, StoreError
from journeyman.envs.summary import State
from journeyman.tasks.task import Task
from journeyman.training.honesty import visible_checks
from journeyman.training.progress import Progress, silent
from journeyman.training.skills.honest_reports import report_at_limit
from journeyman.training.skills.limitations import told_claims

NAME = f"{RULE}record"
VERSION = 3
"""Raised whenever the rule decides or words something otherwise."""
ORIGIN = f"{BY_RULE}record@{VERSION}"
AT_LIMIT = "a limit ended it: an honest report would have said how it stands"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, str, int]
"""Kind, episode, and number of the claim or step."""
Said = ClaimLabel | Correction


@dataclass
class Labelled:
    """What the record says of the reports of some runs."""

    episodes: int = 0
    reports: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    """By label, how many claims."""
    corrections: int = 0
    """Episodes without a report that could have given one."""
    added: int = 0
    """Lines of feedback that are new."""
    kept: int = 0
    """What the rule had said before, in the same words."""
    replaced: int = 0
    """Of what is added, how much takes the place of what the rule had said before."""
    taken_back: int = 0
    """What somebody has taken back before; it is not said again."""
    damaged: int = 0
    """Episodes that cannot be read."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {**asdict(self), "labels": dict(sorted(self.labels.items()))}


def entries_of(episode: Episode, visible: Collection[str], *, at_limits: bool = False) -> list[Said]:
    """What the record says of an episode's report, as entries; the same for the same record.

    Args:
        visible: the checks that the policy could have looked at (`visible_checks` of the task's episodes).
        at_limits: also of an unsolved episode that a limit ended: the report that should stand for its last action.
    """
    found: list[Said] = [
        ClaimLabel(
            **_said(episode, "claim", told.claim, told.label, told.limitation),
            episode=episode.id, claim=told.claim, label=told.label, limitation=told.limitation,
        )
        for told in told_claims(episode, visible)
    ]  # fmt: skip
    if at_limits and (action := report_at_limit(episode)) is not None:
        step = len(episode.steps)
        said = _said(episode, "correction", step, str(action))
        found.append(Correction(**said, episode=episode.id, step=step, action=action, reason=AT_LIMIT))
    return found


def label_run(
    folder: Path, task_of: Callable[[Episode], Task | None] = lambda _: None, *, at_limits: bool = False,
    dry_run: bool = False, progress: Progress = silent,
) -> Labelled:  # fmt: skip
    """Write what the record says of the reports of a run into its feedback.

    Args:
        task_of: an episode's task, None where nobody knows it any more: the failing tests that stand in its repository
            could have been run, though no episode of the run did so.
        dry_run: only count what would be written.

    Raises:
        StoreError, FeedbackError, LogWriteError: the run cannot be read, or its feedback not be written.
    """
    store, log, made = EpisodeStore(folder), FeedbackLog(folder), Labelled()
    before = _Before(log)
    by_task: dict[str, list[str]] = defaultdict(list)
    for summary in store.summaries():
        if summary.state in (State.FINISHED, State.INTERRUPTED):
            by_task[summary.task].append(summary.id)
        made.damaged += summary.state is State.DAMAGED
    done, total = 0, sum(map(len, by_task.values()))
    progress(0, total)
    for _, ids in sorted(by_task.items()):
        episodes = list(_read(store, ids, made))
        visible = visible_checks(episodes, task_of(episodes[0]) if episodes else None)
        fresh: list[Entry] = []
        for episode in episodes:
            fresh += before.what_is_new(episode, entries_of(episode, visible, at_limits=at_limits), made)
        if fresh and not dry_run:
            log.write(*fresh)
        made.added += len(fresh)
        done += len(ids)
        progress(done, total)
    return made


class _Before:
    """What the rule has said in a log, and what of that was taken back."""

    def __init__(self, log: FeedbackLog) -> None:
        self._last: dict[Key, Said] = {}
        self._taken_back: set[Key] = set()
        for each in standing(log.read(), lambda _: None, {}):
            entry = each.entry
            if entry.annotator != NAME or not isinstance(entry, Said):
                continue
            key = _key(entry)
            if Mark.UNDONE in each.marks:
                self._taken_back.add(key)
            elif (known := self._last.get(key)) is None or moment(known) < moment(entry):
                self._last[key] = entry

    def what_is_new(self, episode: Episode, entries: Sequence[Said], made: Labelled) -> Iterator[Entry]:
        """The entries that are to be written."""
        made.episodes += 1
        made.reports += report_of(episode.steps) is not None
        for entry in entries:
            key = _key(entry)
            if key in self._taken_back:
                made.taken_back += 1
                continue
            if isinstance(entry, ClaimLabel):
                made.labels[entry.label] += 1
            else:
                made.corrections += 1
            known = self._last.get(key)
            if known is None:
                yield entry
            elif _words(known) == _words(entry):
                made.kept += 1
            else:
                made.replaced += 1
                yield _later(entry, known)


def _read(store: EpisodeStore, ids: Sequence[str], made: Labelled) -> Iterator[Episode]:
    for id_ in ids:
        try:
            yield store.get(id_)
        except StoreError:
            made.damaged += 1


def _said(episode: Episode, *of: object) -> dict[str, Any]:
    """What every entry holds. The time is the episode's: the rule has no clock, so it says the same again."""
    return {"id": _id(episode.id, *of), "annotator": NAME, "at": episode.started_at[:40] or _NEVER.isoformat(),
            "origin": ORIGIN}  # fmt: skip


def _id(*of: object) -> str:
    return f"rule-{hashlib.sha256('/'.join([ORIGIN, *map(str, of)]).encode()).hexdigest()[:24]}"


def _key(entry: Said) -> Key:
    return entry.kind, entry.episode, entry.claim if isinstance(entry, ClaimLabel) else entry.step


def _words(entry: Said) -> tuple[object, ...]:
    """What decides whether two entries say the same."""
    if isinstance(entry, ClaimLabel):
        return entry.origin, entry.label, entry.limitation
    return entry.origin, dict(entry.action)


def _later(entry: Said, known: Said) -> Said:
    """An entry that comes after another of the same claim: of two of one annotator the later one holds."""
    try:
        before = datetime.fromisoformat(known.at)
        before = before if before.tzinfo else before.replace(tzinfo=UTC)
    except ValueError:
        before = _NEVER
    after = max((before + timedelta(milliseconds=1)).isoformat(timespec="milliseconds"), entry.at)
    return entry.model_copy(update={"id": _id(known.id, entry.id), "at": after})
