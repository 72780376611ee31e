"""What a report shows of a round is what decided it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.recorder import Recorder, new_episode_id
from journeyman.export.round_markdown import round_to_markdown
from journeyman.policies.job import Job
from journeyman.training.round_report import read_run
from journeyman.training.rounds import run_rounds
from journeyman.viewer.rounds import round_page
from tests.training.round_kit import Dealer, solves, workshop


class Unable(Dealer):
    """What the novice solves on held-out tasks, whoever is better cannot begin to play."""

    def run(self, job: Job, store: Recorder | None, cancelled: threading.Event) -> Episode:
        player: Any = job.make_policy(job.task)
        if player.skill == 2 or not solves(2, job.task.name, job.seed) or not job.task.name.startswith("heldout"):
            return super().run(job, store, cancelled)
        assert store is not None and isinstance(job.config, EnvConfig)
        episode = Episode(
            new_episode_id(), job.task.name, player.name, job.seed, Observation("Mend it."), (),
            StopReason.POLICY_ERROR, None, (), None, config=job.config.to_dict(), detail="no room left",
        )  # fmt: skip
        store.begin(episode)
        store.finish(episode)
        return episode


def test_what_the_candidate_could_not_play_is_lost_in_the_report_as_in_the_decision(tmp_path: Path) -> None:
    run_rounds(workshop(tmp_path, engine=Unable()), 1)
    (report,) = read_run(tmp_path / "rounds").rounds
    pairs = report.decision.pairs
    assert (pairs.only_second, pairs.only_first) == (len(report.gained), len(report.lost)) == (8, 1)
    assert report.lost[0].candidate.result.stop == StopReason.POLICY_ERROR
    assert report.rates is not None
    assert [(each.successes, each.trials) for each in report.rates] == [(1, 12), (8, 12)], "of the same tasks"
    for text in (round_to_markdown(report), round_page(report)):
        assert "8/12 = 66.7%" in text and "Got worse" in text
