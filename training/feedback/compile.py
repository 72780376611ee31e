"""From what people said of episodes to what training eats: rows of six kinds, each of which names its sources."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from journeyman.envs.episode import Episode
from journeyman.envs.guidelines.guideline import Guideline
from journeyman.training.feedback.conflicts import OUTVOTED, RULES, TIE
from journeyman.training.feedback.corrected import claims_said, corrections_said, honest_reports
from journeyman.training.feedback.labels import labels_said
from journeyman.training.feedback.manifest import EpisodeRead, GuidelineNow, Manifest, RunRead, lines, write, written
from journeyman.training.feedback.pairs import pairs_said
from journeyman.training.feedback.rows import LeftOut, PairOf, Row
from journeyman.training.feedback.scores import scores_said
from journeyman.training.feedback.steps import steps_said
from journeyman.training.feedback.voices import Episodes, Heard, hear
from journeyman.training.progress import Progress, silent

NOTHING = "nothing follows from it alone"


def compile_feedback(
    runs: Sequence[Path],
    out: Path,
    guidelines: Sequence[Guideline] = (),
    *,
    simulated: bool = False,
    progress: Progress = silent,
) -> Manifest:
    """Compile what was said in some runs into a folder of rows; what was compiled there before is replaced.

    The same feedback of the same episodes gives the same bytes.

    Args:
        guidelines: as they are now; see `hear`.
        simulated: take what programs said in the place of people, too. A row names it, and persons come first.
        progress: told of the episodes that were read, which is what takes long.

    Raises:
        CompiledError: the folder cannot be written, or holds something else.
    """
    episodes = Episodes(runs, progress)
    heard = hear(runs, episodes, guidelines, simulated=simulated)
    scores, ranked = scores_said(heard), pairs_said(heard)
    claims = claims_said(heard)
    labels, undecided = labels_said(heard, scores, ranked, claims)
    reports, told_anew = honest_reports(heard, claims)
    made: dict[str, Sequence[Row]] = {
        "pairs.jsonl": [*ranked, *told_anew], "labels.jsonl": labels, "steps.jsonl": steps_said(heard),
        "scores.jsonl": scores, "corrected.jsonl": [*corrections_said(heard), *reports], "claims.jsonl": claims,
    }  # fmt: skip
    rows = [row for each in made.values() for row in each]
    left_out = _left_out(heard, rows)
    texts = {name: lines(each) for name, each in made.items()} | {"left_out.jsonl": lines(left_out)}
    manifest = Manifest(
        runs=tuple(
            RunRead(
                name=run.name, folder=Path(os.path.relpath(run.folder.resolve(), out.resolve())).as_posix(),
                sha256=run.sha256, entries=len(run.logged.entries),
            )
            for run in heard.runs
        ),
        episodes=_episodes(rows, heard, episodes),
        guidelines={name: _now(each) for name, each in sorted(heard.guidelines.items())},
        rules=RULES,
        simulated=simulated,
        files={name: written(made.get(name, left_out), text) for name, text in sorted(texts.items())},
        left_out=dict(sorted(Counter(each.reason for each in left_out).items())),
        undecided=tuple(undecided),
    )  # fmt: skip
    write(out, manifest, texts)
    return manifest


def digest_of(episode: Episode) -> str:
    """Names an episode as it is read in training: what was asked, done, seen and decided."""
    steps = [
        [s.action.tool, s.action.text, dict(s.action.arguments), s.observation.text, s.tree_hash] for s in episode.steps
    ]
    told = [episode.id, episode.task, episode.first.text, steps, episode.stop, episode.reward]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _left_out(heard: Heard, rows: Sequence[Row]) -> list[LeftOut]:
    """Every entry that is in no row, once for each reason; of those that are in one, what lost a vote there."""
    used = {(source.run, source.entry) for row in rows for source in row.sources}
    kept = {
        (each.run, each.entry, each.reason, each.why): each
        for each in heard.left_out if (each.run, each.entry) not in used or each.reason in (TIE, OUTVOTED)
    }  # fmt: skip
    told = used | {(each.run, each.entry) for each in kept.values()}
    heard.left_out.clear()
    heard.drop([voice for voice in heard.voices if (voice.run, voice.entry.id) not in told], NOTHING)
    return sorted([*kept.values(), *heard.left_out], key=lambda each: (each.run, each.entry, each.reason, each.why))


def _episodes(rows: Sequence[Row], heard: Heard, episodes: Episodes) -> dict[str, EpisodeRead]:
    names = [run.name for run in heard.runs]
    used = sorted({id_ for row in rows for id_ in ids_of(row)})
    found = {id_: episodes.find(id_) for id_ in used}
    return {
        id_: EpisodeRead(run=names[episodes.run_of(id_)], digest=digest_of(episode))
        for id_, episode in found.items() if episode is not None
    }  # fmt: skip


def ids_of(row: Row) -> tuple[str, ...]:
    """The episodes that a row is about."""
    if isinstance(row, PairOf):
        return tuple(dict.fromkeys((row.chosen.episode, row.rejected.episode)))
    return (str(getattr(row, "episode", "")),)


def _now(guideline: Guideline) -> GuidelineNow:
    return GuidelineNow(
        version=guideline.version,
        items={item.id: item.digest for item in guideline.items},
        weights={item.id: item.weight for item in guideline.items},
    )
