"""Running tests: what pytest saw comes back by id, compactly told; what hostile code writes is only data."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import Completed, Environment, Sandbox, SandboxFactory
from journeyman.tasks.runner import read_report, run_tests

REPOSITORY = {
    "calc.py": "def add(a, b):\n    return a - b\n\n\ndef get(key):\n    return {}[key]\n",
    # A file named like a module that pytest needs: it must not be imported in its place.
    "json.py": "raise SystemExit('taken')\n",
    # Options of plugins that are not there must not stop the run; the ini's other settings must hold.
    "pytest.ini": "[pytest]\naddopts = --cov=calc\npython_files = test_*.py check_*.py\n",
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef broken():\n    raise ValueError('no ledger')\n",
    "tests/test_calc.py": (
        "import pytest\nfrom calc import add, get\n\n\n"
        "@pytest.mark.parametrize('n', [0, 1])\ndef test_add(n):\n    assert add(n, n) == 2 * n\n\n\n"
        "def test_get():\n    get('a')\n\n\n"
        "@pytest.mark.xfail\ndef test_expected():\n    assert 0\n\n\n"
        "@pytest.mark.xfail\ndef test_unexpected():\n    assert 1\n\n\n"
        "@pytest.mark.skip\ndef test_skipped():\n    assert 0\n\n\n"
        "def test_set_up(broken):\n    pass\n"
    ),
    "tests/check_more.py": "def test_more():\n    pass\n",
    "tests/test_gone.py": "import nowhere\n\n\ndef test_never():\n    pass\n",
}


@pytest.fixture(scope="module")
def sandbox(sandboxes: SandboxFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("calc")
    for name, text in REPOSITORY.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with sandboxes.create(Environment(requirements=("pytest",)), folder) as made:
        yield made


def test_each_test_s_outcome_comes_back(sandbox: Sandbox) -> None:
    report = run_tests(sandbox, timeout_s=30)
    assert {result.id.partition("::")[2]: result.outcome for result in report.results} == {
        "test_add[0]": "passed",
        "test_add[1]": "failed",
        "test_get": "failed",
        "test_expected": "xfailed",
        "test_unexpected": "xpassed",
        "test_skipped": "skipped",
        "test_set_up": "error",
        "test_more": "passed",
    }
    assert report.complete
    assert report.exit_status == 1
    assert set(report.collected) == {result.id for result in report.results}


def test_a_failure_is_told_with_its_place_and_words(sandbox: Sandbox) -> None:
    report = run_tests(sandbox, target="tests/test_calc.py", timeout_s=30)
    failed = report.by_id["tests/test_calc.py::test_add[1]"].crash
    assert failed is not None
    assert failed.place == "tests/test_calc.py:7"
    assert failed.message.startswith("assert 0 == (2 * 1)")
    raised = report.by_id["tests/test_calc.py::test_get"].crash
    assert raised is not None
    assert raised.frames == ("tests/test_calc.py:11", "calc.py:6")
    summary = report.summary(max_failures=1)
    assert summary.splitlines()[:3] == [
        "2 failed, 1 error, 1 passed, 1 skipped, 1 xfailed, 1 xpassed",
        "FAILED tests/test_calc.py::test_add[1]",
        "  at tests/test_calc.py:7",
    ]
    assert summary.endswith("… and 2 more")


def test_a_file_that_cannot_be_imported_costs_only_its_own_tests(sandbox: Sandbox) -> None:
    report = run_tests(sandbox, timeout_s=30)
    [(path, crash)] = report.broken_files
    assert path == "tests/test_gone.py"
    assert crash.message == "ModuleNotFoundError: No module named 'nowhere'"
    assert crash.frames == ("tests/test_gone.py:1",)
    assert "tests/check_more.py::test_more" in report.passed


def test_ids_are_run_and_nothing_else(sandbox: Sandbox) -> None:
    wanted = ["tests/test_calc.py::test_add[0]", "tests/check_more.py::test_more"]
    report = run_tests(
        sandbox, ids=[*wanted, "tests/not_there.py::test_x", "tests/test_calc.py::test_no"], timeout_s=30
    )
    assert sorted(report.passed) == sorted(wanted)
    assert len(report.results) == 2
    assert report.exit_status == 0


@pytest.mark.parametrize(
    ("target", "headline"),
    [
        ("tests/check_more.py", "1 passed"),
        ("tests/test_calc.py::test_add[0]", "1 passed"),
        ("-k more", "1 passed, 1 error"),
        ("tests/nope.py", "no tests ran"),
        ("--version", "no tests ran"),
    ],
)  # fmt: skip
def test_a_target_is_a_file_an_id_or_an_expression(target: str, headline: str, sandbox: Sandbox) -> None:
    report = run_tests(sandbox, target=target, timeout_s=30)
    assert sorted(report.headline().split(", ")) == sorted(headline.split(", "))


def test_a_bad_target_is_answered_in_pytest_s_words(sandbox: Sandbox) -> None:
    assert "not found: tests/nope.py" in run_tests(sandbox, target="tests/nope.py", timeout_s=30).summary()
    with pytest.raises(ValueError, match="either"):
        run_tests(sandbox, ids=["a::b"], target="a", timeout_s=1)


def test_nothing_is_left_in_the_workspace(sandbox: Sandbox) -> None:
    run_tests(sandbox, timeout_s=30)
    assert sandbox.snapshot().is_pristine


# --- hostile reports ---------------------------------------------------------------------


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def phase(when: str, outcome: str = "passed", id_: str = "t.py::a") -> dict[str, object]:
    return {"kind": "phase", "id": id_, "when": when, "outcome": outcome, "duration": 0.1, "crash": None}


ENDED = Completed(0, b"", 1.0)


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        ([phase("setup"), phase("call"), phase("teardown")], "passed"),
        ([phase("setup"), phase("teardown")], "error"),
        ([phase("setup"), phase("call")], "unfinished"),
        ([phase("setup")], "unfinished"),
        ([phase("setup"), phase("call"), phase("teardown", "failed")], "error"),
        ([phase("setup"), phase("call", "failed"), phase("teardown")], "failed"),
        ([phase("call", "PASSED"), phase("teardown")], "error"),
        ([phase("setup", "skipped"), phase("teardown")], "skipped"),
    ],
)
def test_the_worst_phase_decides(records: list[object], outcome: str) -> None:
    assert read_report(lines(*records), ENDED).by_id["t.py::a"].outcome == outcome


def test_a_test_that_ran_twice_says_so() -> None:
    once = [phase("setup"), phase("call"), phase("teardown")]
    assert read_report(lines(*once, *once), ENDED).by_id["t.py::a"].runs == 2


def test_a_torn_tail_keeps_what_came_before() -> None:
    ids = ["t.py::a", "t.py::b"]
    whole = lines({"kind": "collected", "ids": ids}, phase("setup"), phase("call"), phase("teardown"))
    torn = lines(phase("setup", id_="t.py::b")) + b'{"kind": "phase", "id'
    report = read_report(whole + torn, Completed(137, b"", 1.0))
    assert report.passed == ("t.py::a",)
    assert report.ids("unfinished") == ("t.py::b",)
    assert "FAILED t.py::b\n  did not finish" in report.summary()
    assert not report.complete
    assert "died before its end" in report.headline()


json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["phase", "end"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "id", "ids", "when", "outcome", "crash", "exit", "path"]), inner)
    ),
    max_leaves=8,
)


@given(st.binary() | st.lists(json_values, max_size=5).map(lambda values: lines(*values)) | st.just(b"[" * 200_000))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    report = read_report(data, ENDED)
    assert isinstance(report.summary(), str)
    assert set(report.passed) <= set(report.by_id)
