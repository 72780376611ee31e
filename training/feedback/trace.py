"""Where a row, or a unit of reward, comes from: a test, a rule or a person and a guideline's version.

And forwards: what became of what a person said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.envs.feedback.entry import Entry
from journeyman.envs.feedback.log import FeedbackLog, by_id
from journeyman.envs.feedback.references import moment
from journeyman.training.feedback.compile import ids_of
from journeyman.training.feedback.manifest import CompiledError, read_manifest, read_rows
from journeyman.training.feedback.provenance import TrainedRow, rows_of_run
from journeyman.training.feedback.rows import FILES, LeftOut, Row, Source
from journeyman.training.feedback.voices import Voice
from journeyman.training.reward_log import read_rewards

GONE = "the row is not in the compiled feedback any more as it was: somebody took back what they said, or judged anew"
ORIGINS: Mapping[str, str] = {
    "outcome": "test", "milestones": "test", "self_correction": "rule", "honesty": "rule", "cost": "rule",
    "learned:people": "person", "learned:simulated": "simulated", "step": "person",
}  # fmt: skip
"""What decides each term of a training's reward; other learned ones are a model's."""
TOLD = ("rule", "person", "simulated")
"""Which of them a term's source may tell by its first word and a colon."""


@dataclass(frozen=True, slots=True)
class From:
    """A source, with the words of who said it."""

    source: Source
    words: str
    """As they stand in the run's feedback; empty where it is not there any more."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A row, with where it comes from."""

    file: str
    row: Row
    sources: tuple[From, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """A row that a model was trained on."""

    row: TrainedRow
    sources: tuple[From, ...]
    """Empty where the tests decided, or where the row is gone."""
    why_gone: str = ""
    """Why nobody can say where it comes from."""


@dataclass(frozen=True, slots=True)
class Paid:
    """One term of what an episode was paid in training."""

    step: int
    episode: str
    task: str
    term: str
    """The reward's, or "step 3" for what was added to the advantage of that action."""
    amount: float
    origin: str
    """test, rule, person, simulated or model."""
    source: str
    trained: bool
    """Whether its group was trained on, or replaced by another."""


class Trace:
    """What was compiled in a folder, to be asked.

    Raises:
        CompiledError: nothing was, or it was changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = read_manifest(folder)
        self._said: dict[str, dict[str, Entry]] = {
            run.name: by_id(FeedbackLog(folder / run.folder).read().entries) for run in manifest.runs
        }
        found = {name: read_rows(folder, manifest, name) for name in FILES}
        self.rows = [self._traced(name, row) for name, rows in found.items() for row in rows if isinstance(row, Row)]
        self.left_out = [row for rows in found.values() for row in rows if isinstance(row, LeftOut)]

    def row(self, id_: str) -> Traced | None:
        return next((each for each in self.rows if each.row.id == id_), None)

    def of_entry(self, id_: str) -> tuple[list[Traced], list[LeftOut]]:
        """What an entry became, and why it is not in more."""
        rows = [each for each in self.rows if any(said.source.entry == id_ for said in each.sources)]
        return rows, [each for each in self.left_out if each.entry == id_]

    def of_episode(self, id_: str) -> list[Traced]:
        """The rows that an episode is in."""
        return [each for each in self.rows if id_ in ids_of(each.row)]

    def _traced(self, file: str, row: Row) -> Traced:
        said = (From(each, words(self._said.get(each.run, {}).get(each.entry))) for each in row.sources)
        return Traced(file, row, tuple(said))


def trained(run: Path) -> list[Trained]:
    """Every row that a training run took, with its sources.

    Raises:
        TrainingError: what was kept of it cannot be read.
    """
    opened: dict[str, Trace | CompiledError] = {}

    def trace(folder: str) -> Trace | CompiledError:
        if folder not in opened:
            try:
                opened[folder] = Trace(run / folder)
            except CompiledError as error:
                opened[folder] = error
        return opened[folder]

    return [_trained(each, trace(each.folder)) if each.row else Trained(each, ()) for each in rows_of_run(run)]


def _trained(noted: TrainedRow, compiled: Trace | CompiledError) -> Trained:
    if isinstance(compiled, CompiledError):
        return Trained(noted, (), f"nobody can tell who said it: {compiled}")
    row = compiled.row(noted.row)
    if row is None or not noted.is_still(row.row):
        return Trained(noted, (), GONE)
    return Trained(noted, row.sources)


def paid(run: Path) -> list[Paid]:
    """Every term that a run on its own episodes paid, in the order of its steps.

    Raises:
        TrainingError: what was kept of it cannot be read.
    """
    found = []
    for row in read_rewards(run):
        for term in row["terms"]:
            found.append(_paid(row, str(term["name"]), origin_of(str(term["name"]), term["source"]), term))
        for term in row["steps"]:
            found.append(_paid(row, f"step {term['step']}", origin_of("step", term["source"]), term))
    return found


def _paid(row: Mapping[str, Any], name: str, origin: str, term: Mapping[str, Any]) -> Paid:
    amount = float(term["weight"]) * float(term["value"])
    return Paid(row["step"], row["episode"], row["task"], name, amount, origin, term["source"], bool(row["trained"]))


def origin_of(term: str, source: str) -> str:
    """What decides a term: a test, a rule, a person, a program in a person's place, or a model."""
    said, is_told, _ = source.partition(":")
    return said if is_told and said in TOLD else ORIGINS.get(term, "model")


def rows_named(sources: Iterable[str], trace: Trace, noted: Iterable[TrainedRow] = ()) -> list[Traced]:
    """The rows of compiled feedback that terms name as their source.

    Args:
        noted: what was kept of them; those that have been judged anew since are left out.
    """
    told, taken = _told(sources), {each.row: each for each in noted}
    named = [each for each in trace.rows if each.row.id in told]
    return [each for each in named if each.row.id not in taken or taken[each.row.id].is_still(each.row)]


def comments_named(run: Path, sources: Iterable[str]) -> list[From]:
    """The comments, made while a training run's episodes ran, that terms name as their source."""
    told, folder = _told(sources), run / "episodes"
    found = []
    for entry in FeedbackLog(folder).read().entries:
        if entry.id in told:
            voice = Voice(folder.name, entry, entry.annotator, entry.simulated, moment(entry))
            found.append(From(voice.source, words(entry)))
    return found


def _told(sources: Iterable[str]) -> set[str]:
    return {word.rstrip(":;") for source in sources for word in source.split()}


def words(entry: Entry | None) -> str:
    """What somebody said, shortly."""
    if entry is None:
        return ""
    names = ("severity", "label", "value", "ranks", "body", "limitation", "reason", "action")
    said = ((name, getattr(entry, name, None)) for name in names)
    return ", ".join(f"{name} {value}" for name, value in said if value not in (None, ""))
