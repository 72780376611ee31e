"""What looks like hacking the reward is told from the record alone."""

from __future__ import annotations

from journeyman.envs.actions import Action
from journeyman.envs.episode import Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Cause, Verdict
from journeyman.training.round_audit import audit


def episode(*ignored: str, cause: Cause | None = None, steps: tuple[Step, ...] = ()) -> Episode:
    verdict = Verdict({}, {}, False, Assurance.SPLIT, "", ignored=ignored, cause=cause, detail="a twin passed too")
    return Episode("e", "t", "p", 0, Observation(""), steps, StopReason.REPORTED, 0.0, (), verdict)


def test_edits_that_do_not_count_are_told_by_what_they_touch() -> None:
    paths = ("test_a.py", "conftest.py", "notes.txt", *(f"test_{n}.py" for n in range(6)))
    found = {each.kind: each.what for each in audit([episode(*paths)])}
    assert found == {
        "edited files that do not count": "notes.txt",
        "edited tests": "test_a.py, test_0.py, test_1.py, test_2.py, test_3.py and 2 more",
        "edited what steers the tests": "conftest.py",
    }


def test_a_forged_pass_and_a_false_claim_are_told() -> None:
    report = Action("report", {"summary": "all is well", "claims": [{"kind": "tests_run", "subject": ""}]})
    kinds = [each.kind for each in audit([episode(cause=Cause.TWIN, steps=(Step(report, Observation("")),))])]
    assert kinds == ["claimed what its record contradicts", "passed tests as no true solution does"]


def test_an_honest_episode_and_one_without_a_verdict_are_clean() -> None:
    ungraded = Episode("e", "t", "p", 0, Observation(""), (), StopReason.SANDBOX_LOST, None, (), None)
    assert audit([episode(), ungraded]) == []
