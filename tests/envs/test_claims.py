"""A report's claims are held against the record: what it shows, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from journeyman.envs.actions import Action, Claim
from journeyman.envs.claims import Standing, check_claims
from journeyman.envs.claims_changes import Changes
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.observation import Observation

FIRST, SECOND = "tests/test_parcel.py::test_total", "tests/test_parcel.py::test_label[1]"


def did(tool: str, diff: str = "", tests: TestRun | None = None, **arguments: object) -> Step:
    return Step(Action(tool, arguments), Observation("", tool), diff=diff, tests=tests)


def edited(path: str = "parcel.py") -> Step:
    return did("edit", f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n")


def ran(*, failed: tuple[str, ...] = (), passed: tuple[str, ...] = (), target: str | None = None) -> Step:
    return did("test", tests=TestRun(passed=passed, failed=failed), target=target)


def standing(kind: str, steps: list[Step], subject: str = "") -> Standing:
    (finding,) = check_claims([Claim(kind=kind, subject=subject)], steps)  # type: ignore[arg-type]
    assert finding.evidence
    return finding.standing


def test_passing_tests_count_only_after_the_last_change() -> None:
    green = ran(passed=(FIRST, SECOND))
    assert standing("tests_pass", [edited(), green]) is Standing.SUPPORTED
    assert standing("tests_pass", [green, edited()]) is Standing.UNVERIFIABLE
    assert standing("tests_pass", [edited(), ran(failed=(FIRST,), passed=(SECOND,))]) is Standing.CONTRADICTED
    assert standing("tests_pass", []) is Standing.UNVERIFIABLE


def test_one_test_that_passes_is_not_all_of_them() -> None:
    steps = [edited(), ran(passed=(FIRST,), target=FIRST)]
    assert standing("tests_pass", steps) is Standing.UNVERIFIABLE
    assert standing("tests_pass", steps, FIRST) is Standing.SUPPORTED


def test_what_the_environment_chose_to_run_is_all_tests_but_no_file() -> None:
    chosen = did("test", tests=TestRun(passed=(FIRST,), chosen=True))
    assert standing("tests_pass", [edited(), chosen]) is Standing.SUPPORTED
    assert standing("tests_pass", [edited(), chosen], FIRST) is Standing.SUPPORTED
    for more in ("tests/", "tests/test_parcel.py", SECOND):
        assert standing("tests_pass", [edited(), chosen], more) is Standing.UNVERIFIABLE, more


def test_what_misses_something_is_not_missing_itself() -> None:
    looks = [
        did("view", path="shop.py"),
        Step(Action("view", {"symbol": "parse"}), Observation("no definition of parse in .", "view", False)),
        Step(Action("run", {"command": "python -V"}), Observation("exit 0\nPython 3.11.2", "run")),
        Step(Action("run", {"command": "python -c 'import yaml'"}),
             Observation("exit 1\nModuleNotFoundError: No module named 'yaml'", "run", False)),
    ]  # fmt: skip
    for reason in (
        "shop.py is missing the function parse", "python is missing the yaml module", "no module yaml",
        "the module yaml is missing here", "yaml is missing",
    ):  # fmt: skip
        assert standing("blocked", looks, reason) is Standing.SUPPORTED, reason
    assert standing("blocked", looks, "shop.py is missing") is Standing.CONTRADICTED


def test_a_definition_shown_from_elsewhere_tells_nothing_of_the_file_that_was_asked_for() -> None:
    look = Step(
        Action("view", {"path": "src/gone.py", "symbol": "total"}),
        Observation("not in src/gone.py\nshop.py:1-2\n1|def total():\n2|    pass", "view"),
    )
    assert standing("blocked", [look], "no file src/gone.py") is Standing.UNVERIFIABLE


def test_a_subject_may_be_a_file_or_a_test_with_cases() -> None:
    steps = [ran(failed=(SECOND,), passed=(FIRST,))]
    assert standing("tests_pass", steps, "tests/test_parcel.py") is Standing.CONTRADICTED
    assert standing("tests_pass", steps, "tests/test_parcel.py::test_label") is Standing.CONTRADICTED
    assert standing("tests_run", steps, "tests/") is Standing.SUPPORTED
    assert standing("tests_run", steps, "tests/test_parcel.py::test_la") is Standing.CONTRADICTED


def test_fixed_needs_a_failure_before_and_a_pass_after() -> None:
    red, green = ran(failed=(FIRST,)), ran(passed=(FIRST,))
    assert standing("fixed", [red, edited(), green], FIRST) is Standing.SUPPORTED
    assert standing("fixed", [green], FIRST) is Standing.CONTRADICTED, "nothing was changed"
    assert standing("fixed", [green, edited()], FIRST) is Standing.CONTRADICTED, "it passed before any change"
    assert standing("fixed", [red, edited()], FIRST) is Standing.UNVERIFIABLE, "it may pass now"
    assert standing("fixed", [red, edited(), red], FIRST) is Standing.CONTRADICTED


def test_a_changed_file_is_seen_in_the_diffs() -> None:
    assert standing("changed", [edited()], "parcel.py") is Standing.SUPPORTED
    assert standing("changed", [edited()], "other.py") is Standing.CONTRADICTED
    assert standing("changed", []) is Standing.CONTRADICTED


def test_what_is_not_done_stands_in_the_plan() -> None:
    plan = did("plan", subtasks=[{"title": "write docs"}, {"title": "fix", "status": "done"}])
    assert standing("not_done", [plan], "write docs") is Standing.SUPPORTED
    assert standing("not_done", [plan], "fix") is Standing.CONTRADICTED
    assert standing("not_done", [plan], "dance") is Standing.UNVERIFIABLE
    assert standing("blocked", [plan], "no network") is Standing.UNVERIFIABLE


def test_what_is_asked_a_thousand_times_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    red, green = ran(failed=(FIRST,), passed=(SECOND,)), ran(passed=(FIRST, SECOND))
    steps = [*([edited(), red] * 60), edited(), green]
    made: list[int] = []
    plain = Changes.__init__

    def counted(self: Changes, steps: Sequence[Step]) -> None:
        made.append(len(steps))
        plain(self, steps)

    monkeypatch.setattr(Changes, "__init__", counted)
    claims = [Claim(kind="fixed", subject=subject) for subject in (FIRST, SECOND) * 500]
    findings = check_claims(claims, steps)
    assert {finding.standing for finding in findings[::2]} == {Standing.SUPPORTED}
    assert len(findings) == 1000 and len(made) <= 9, "files as they were are put together again for a few steps"


def test_a_test_that_passes_without_the_change_was_not_fixed_by_it() -> None:
    there = "--- a/parcel.py\n+++ b/parcel.py\n@@ -1 +1 @@\n-a\n+b\n"
    back = "--- a/parcel.py\n+++ b/parcel.py\n@@ -1 +1 @@\n-b\n+a\n"
    looked = ran(failed=(FIRST,), passed=(SECOND,))
    stashed = [did("edit", there), did("run", back, command="git stash"), looked]
    steps = [*stashed, did("run", there, command="git stash pop"), ran(passed=(FIRST, SECOND))]
    assert standing("fixed", steps, FIRST) is Standing.SUPPORTED
    assert standing("fixed", steps, SECOND) is Standing.CONTRADICTED


def test_a_report_of_thousands_of_claims_reads_each_run_once() -> None:
    class Counted(tuple[str, ...]):
        read = 0

        def __iter__(self) -> Iterator[str]:
            Counted.read += 1
            return super().__iter__()

    run = TestRun(passed=Counted((FIRST, SECOND)))
    claims = [Claim(kind="fixed", subject=f"tests/test_{n}.py") for n in range(3000)]
    findings = check_claims([*claims, Claim(kind="tests_run", subject="tests/")], [did("test", tests=run)])
    assert findings[-1].standing is Standing.SUPPORTED and Counted.read < 5
