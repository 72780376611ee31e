"""What is kept beside a training of the judgements that it learned from, for whoever asks where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from journeyman.envs.episode import Episode
from journeyman.training.feedback.compile import ids_of
from journeyman.training.feedback.compiled import Compiled, Imitated
from journeyman.training.feedback.provenance import TrainedRow, Use, note_rows, of_feedback
from journeyman.training.feedback.rows import LabelOf, PairOf, Row, ScoreOf, StepOf
from journeyman.training.preferences import Label, Preference


def note_preferences(
    run: Path, found: Sequence[Preference | Label], uses: Mapping[str, Use], feedback: Compiled | None
) -> None:
    """Keep beside a training run whose judgements it learned from.

    Args:
        uses: what became of each, by its name.
    """
    rows: list[Row] = []
    if feedback is not None:
        rows = [*feedback.rows(PairOf, "pairs.jsonl"), *feedback.rows(LabelOf, "labels.jsonl")]
    known = {row.id: row for row in rows}
    noted = []
    for each in found:
        use = uses.get(each.name, "not used")
        if feedback is not None and each.row:
            row = known[each.row]
            noted.append(of_feedback(row, ids_of(row), feedback.folder, run, use))
        else:
            of = (each.chosen, each.rejected) if isinstance(each, Preference) else (each.episode,)
            noted.append(_by_tests(of, each.source, use))
    note_rows(run, noted)


def note_imitated(
    run: Path, episodes: Sequence[Episode], corrected: Sequence[Imitated], learned: Sequence[bool],
    feedback: Compiled | None,
) -> None:  # fmt: skip
    """Keep beside a run of supervised training what it imitated.

    Args:
        learned: of each episode, and then of each correction, whether it was taken.
    """
    uses: list[Use] = ["trained" if each else "not used" for each in learned]
    noted = [_by_tests((each,), _why(each), use) for each, use in zip(episodes, uses, strict=False)]
    if feedback is not None:
        rows = [each.row for each in corrected]
        noted += [
            of_feedback(row, ids_of(row), feedback.folder, run, use)
            for row, use in zip(rows, uses[len(episodes) :], strict=True)
        ]
    note_rows(run, noted)


def note_voices(run: Path, feedback: Compiled) -> None:
    """Keep beside a run on its own episodes what its reward was told."""
    rows = [*feedback.rows(ScoreOf, "scores.jsonl"), *feedback.rows(StepOf, "steps.jsonl")]
    note_rows(run, [of_feedback(row, ids_of(row), feedback.folder, run, "in the reward") for row in rows])


def _by_tests(episodes: Sequence[Episode], said: str, use: Use) -> TrainedRow:
    ids = tuple(episode.id for episode in episodes)
    return TrainedRow(origin="test", task=episodes[0].task, episodes=ids, said=said, use=use)


def _why(episode: Episode) -> str:
    outcome = next((term.source for term in episode.terms if term.name == "outcome"), "")
    return outcome or ("resolved" if episode.resolved else "imported, verified by nobody here")
