"""What an episode's own runs show: broken when it came, broken by itself, mended, or left."""

from __future__ import annotations

from journeyman.envs.episode import Step
from journeyman.training.mended import corrections, shown, sightings
from tests.training.groups import A, B, did, edited, ran


def mended(*steps: Step) -> list[tuple[str, int, int]]:
    return [(each.check, each.failed.step, each.passed.step) for each in corrections(sightings(steps))]


def test_failing_then_passing_by_its_own_further_change_is_a_correction() -> None:
    assert mended(edited(), ran(failed=[A]), edited(), ran(A)) == [(A, 2, 4)]


def test_what_failed_before_any_own_change_was_no_mistake_of_its_own() -> None:
    assert mended(ran(failed=[A]), edited(), ran(A)) == []


def test_a_test_that_passes_when_run_again_was_not_mended() -> None:
    assert mended(edited(), ran(failed=[A]), ran(A)) == [], "flaky, or the clock"
    litter = did("test", "--- /dev/null\n+++ b/.coverage\n", ran(failed=[A]).tests)
    assert mended(edited(), litter, ran(A)) == [], "what a test run leaves is no change of the policy's"


def test_a_file_that_cannot_be_collected_fails_all_of_its_checks() -> None:
    steps = edited(), ran(errors=["tests/test_shop.py"]), edited(), ran(A, B)
    assert mended(*steps) == [(A, 2, 4), (B, 2, 4)]


def test_each_round_of_breaking_and_mending_is_seen_once() -> None:
    once = edited(), ran(failed=[A]), edited(), ran(A), ran(A)
    assert mended(*once) == [(A, 2, 4)]
    assert mended(*once, edited(), ran(failed=[A]), edited(), ran(A)) == [(A, 2, 4), (A, 7, 9)]


def test_only_the_last_run_shows_and_only_after_a_change() -> None:
    def shows(*steps: Step) -> bool:
        return shown(sightings(steps, {A}).get(A, ()))

    assert shows(edited(), ran(A))
    assert shows(edited(), ran(A), ran(B)), "a run of something else says nothing of it"
    assert not shows(ran(A)), "it did nothing for it"
    assert not shows(edited(), ran(A), edited(), ran(failed=[A]))
    assert not shows(edited())
    assert sightings([edited(), ran(B)], {A}) == {}
