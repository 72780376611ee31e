"""`journeyman bench sandbox`: what is measured, what is made of it, and what is said where something is missing."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from rich.console import Console

from journeyman.bench import rows
from journeyman.bench.bars import BARS, Bar, verdicts
from journeyman.bench.figures import Raw, as_json, figures
from journeyman.bench.materials import many_files, small_repository
from journeyman.bench.peers import host
from journeyman.bench.peers.bare import Bare
from journeyman.bench.peers.box import EDIT, Box, Peer, Ran, Setup
from journeyman.bench.peers.measure import hostile, one_round
from journeyman.bench.rows import BARE, DOCKER, NAMESPACE, REX_DOCKER, ROWS, SDK, chosen
from journeyman.bench.run import Plan, Result, measured
from journeyman.bench.table import report, shown, verdict_line
from journeyman.bench.workers import RowError, RowMissing, Worker
from tests.journeyman.conftest import Call

TINY = Plan(rounds=1, repeats=1, lanes=2, seconds=0.0, idle=2, few_and_many=(1, 2), files=(5, 50), changes=("bytes",))


def raw(**values: float) -> Raw:
    return Raw(values={name: [value] for name, value in values.items()})


def text(result: Result) -> str:
    console = Console(width=140, no_color=True, record=True)
    with console.capture() as capture:
        console.print(report(result))
    return capture.get()


def a_result() -> Result:
    """Ours is a hundred times as quick as SWE-ReX at opening, and not quick enough at `true`."""
    machine = {"cpu": "a processor", "cores": 2, "memory_gib": 8, "kernel": "6.1", "python": "3.11.0", "user": "root"}
    result = Result(Plan(), {**machine, "load_before": 0.1, "load_after": 0.2})
    result.raw[BARE.name] = raw(true_ms=1.0, pytest_ms=200, per_minute=300, suite_s=0.02)
    ours = raw(reset_ms=2, close_ms=2, true_ms=1.4, pytest_ms=210, warm_ms=50, per_minute=310, warm_per_minute=1200)
    result.raw[NAMESPACE.name] = ours
    ours.add("survivors", 0, 1, 0)
    ours.add("late_s", 0.01, 0.02, 0.03)
    result.raw[REX_DOCKER.name] = raw(reset_ms=500, close_ms=100, per_minute=60)
    result.missing[SDK.name] = "no engine answers"
    return result


def test_ratios_come_from_the_medians_of_one_run() -> None:
    found = figures({BARE.name: raw(pytest_ms=200), "x": Raw(values={"pytest_ms": [100, 300, 250]})}, BARE.name)
    assert found["x"] == {"pytest_ms": 250, "pytest_ratio": 1.25}
    assert "pytest_ratio" not in figures({"x": raw(pytest_ms=1)}, BARE.name)["x"], "nothing to compare with"


def test_one_survivor_in_any_round_is_one() -> None:
    assert a_result().rows[NAMESPACE.name]["survivors"] == 1


def test_each_bar_is_met_missed_or_says_what_it_lacks() -> None:
    found = {each.about: each for each in a_result().verdicts}
    assert {each.row for each in found.values()} == {NAMESPACE.name}, "the other backend was not chosen"
    assert len(found) == len(BARS)
    rex = found["reset + close vs SWE-ReX docker"]
    assert rex.met is True and rex.figure == 150
    assert found["`true` vs bare subprocess"].met is False
    assert found["warm pytest vs bare"].met is True and found["cold pytest vs bare"].met is True
    assert found["episodes/min vs the best without isolation"].figure == 4, "warm ours against the best of the others"
    assert found["survivors of a hostile tree"].met is False
    sdk = found["reset + close vs the docker SDK's run + remove"]
    assert sdk.met is None and "no engine answers" in sdk.why
    assert found["idle memory (PSS)"].met is None


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.about)
def test_a_limit_itself_is_within_it_on_both_sides(bar: Bar) -> None:
    def judged(figure: float) -> bool | None:
        one = replace(bar, figure=lambda own, others: figure)
        found = verdicts({DOCKER.name: {}}, {}, (one,))
        return found[0].met

    assert judged(bar.docker) is True
    assert judged(bar.docker - 0.01 if bar.at_least else bar.docker + 0.01) is False


def test_a_row_that_failed_is_not_judged_and_named() -> None:
    (first, *_) = verdicts({}, {DOCKER.name: "no engine answers"})
    assert first.row == DOCKER.name and first.met is None and "journeyman docker: no engine answers" in first.why


def test_the_report_has_the_table_the_verdicts_and_what_is_missing() -> None:
    seen = text(a_result())
    assert "a processor, 2 cores" in seen and "the suite itself takes 0.02 s" in seen
    assert "0.210 (1.05)" in seen and "0.050 (0.25)" in seen
    assert "not measured: docker sdk: no engine answers" in seen
    assert "MISSED" in seen and "met" in seen and "not judged" in seen
    assert "–" in next(row for row in seen.splitlines() if row.startswith(REX_DOCKER.name)), "no figure is none, not 0"


def test_what_others_say_cannot_act_on_the_terminal() -> None:
    result = a_result()
    result.missing["peer"] = "broken \x1b[2J"
    result.raw[NAMESPACE.name].version = "1\x1b"
    assert "\x1b" not in text(result)
    (verdict, *_) = verdicts({}, {NAMESPACE.name: "\x1b[31m"})
    assert "\x1b" not in verdict_line(verdict).plain


def test_numbers_have_the_digits_that_matter() -> None:
    assert [shown(each) for each in (0.004, 2.345, 12.34, 1234.5)] == ["0.00", "2.35", "12.3", "1,234"]


def test_json_keeps_every_single_measurement() -> None:
    result = a_result()
    found = json.loads(json.dumps(as_json(result.raw, result.rows)))
    assert found[NAMESPACE.name]["measured"]["late_s"] == [0.01, 0.02, 0.03]
    assert found[NAMESPACE.name]["medians"]["late_s"] == 0.02


def test_rows_are_chosen_by_parts_of_their_names() -> None:
    assert chosen("", "auto") == ROWS
    assert chosen("journeyman", "namespace") == (BARE, NAMESPACE)
    assert [row.name for row in chosen("swe-rex d,docker sdk", "auto")] == [
        "bare subprocess",
        REX_DOCKER.name,
        SDK.name,
    ]
    with pytest.raises(ValueError, match="no row is called 'swerex'"):
        chosen("swerex", "auto")
    with pytest.raises(ValueError, match="no backend 'podman'"):
        chosen("", "podman")


def test_a_wrong_row_is_one_line(call: Call) -> None:
    shown = call("bench", "sandbox", "--only", "nothing")
    assert shown.exit_code == 2 and "no row is called 'nothing'" in shown.stderr


def test_the_repository_is_the_one_that_is_spoken_of(tmp_path: Path) -> None:
    assert sum(path.is_file() for path in small_repository(tmp_path / "one").rglob("*")) == 57
    assert sum(path.is_file() for path in many_files(tmp_path / "two", 60).rglob("*")) == 60


class Scripted(Box, Peer):
    """A box that answers as it is told."""

    def __init__(self, answers: dict[str, Ran]) -> None:
        self.answers, self.closed = answers, False

    def open(self, repository: str = "") -> Box:
        return self

    def run(self, command: str, timeout_s: float) -> Ran:
        found = (answer for start, answer in self.answers.items() if command.startswith(start))
        return next(found, Ran(0, ""))

    def close(self) -> None:
        self.closed = True


def test_what_does_not_work_is_not_measured() -> None:
    broken = Scripted({"true": Ran(1, "no such thing")})
    with pytest.raises(RuntimeError, match="true ended with 1: no such thing"):
        one_round(broken)
    assert broken.closed
    with pytest.raises(RuntimeError, match="restore brought nothing back"):
        one_round(Scripted({"cat": Ran(0, EDIT)}))
    with pytest.raises(RuntimeError, match="pytest ended with 0: 4 passed"):
        one_round(Scripted({"cat": Ran(0, "n * 7"), "python -m pytest": Ran(0, "4 passed, 1 skipped")}))


def test_a_row_whose_package_is_not_there_says_so_and_one_that_dies_too(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        worker = Worker(sys.executable, log)
        setup = dict.fromkeys(Setup.__dataclass_fields__, "")
        with pytest.raises(RowMissing, match="nothing_of_that_name"):
            worker.ask("setup", peer="nothing_of_that_name:Peer", setup=setup, docker=False)
        with pytest.raises(RowError, match="AttributeError"):
            worker.ask("round")
        worker._process.kill()
        with pytest.raises(RowError, match="its process"):
            worker.ask("round")
        worker.end()


def test_survivors_are_counted_while_the_command_still_hangs(tmp_path: Path) -> None:
    """A bare subprocess kills its group alone, and waits for whoever holds its pipe."""
    pristine = small_repository(tmp_path / "pristine")
    (tmp_path / "scratch").mkdir()
    setup = Setup(str(pristine), "/usr/bin", "", str(tmp_path / "scratch"), "3.11", "")
    found = hostile(Bare(setup), "000000042")
    assert found["survivors"] == 2 and found["late_s"] > 1
    assert not host.saying("12.000000042"), "nothing is left of it"


def test_who_interrupts_it_gets_what_was_measured(tmp_path: Path) -> None:
    """And from the first moment on learns what it waits for."""
    for stage in ("preparing", "round 1 of 1"):
        told: list[str] = []

        def interrupted(what: str, told: list[str] = told, stage: str = stage) -> None:
            told.append(what)
            if what.startswith(stage):
                raise KeyboardInterrupt

        result = measured((BARE,), TINY, interrupted, tmp_path / "log")
        said = f"interrupted in {'the preparations' if stage == 'preparing' else stage}"
        assert told[0] == "preparing: an environment with pytest, which is built once and kept"
        assert result.cut_short == said and said in text(result)


@pytest.mark.slow
def test_a_whole_run_of_our_own_sandboxes(backend: str, tmp_path: Path) -> None:
    result = measured(chosen("journeyman", backend), TINY, lambda what: None, tmp_path / "log")
    name = f"journeyman {backend}"
    assert not result.missing and not result.raw[name].trouble, (tmp_path / "log").read_text()
    row = result.rows[name]
    assert row["survivors"] == 0 and row["per_minute"] > 0 and row["cpu_many_s"] > 0 and row["fork_bytes_ms"] > 0
    assert row["idle_mib"] > 0.1 and result.suite_s is not None
    judged = [each for each in result.verdicts if each.met is not None]
    assert len(judged) >= 7, "all that compares with no other project, but for what TINY leaves out"
    assert name in text(result)


def installed(distribution: str) -> bool:
    return any(True for _ in metadata.distributions(name=distribution))


PEERS = [row for row in ROWS if not row.ours and row is not BARE]


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=[pytest.mark.docker] if row.docker else [], id=row.name) for row in PEERS],
)
def test_peers_that_are_installed_are_measured(row: rows.Row, tmp_path: Path) -> None:
    if row.install and not installed(row.install):
        pytest.skip(f"{row.install} is not installed")
    result = measured((BARE, row), TINY, lambda what: None, tmp_path / "log")
    assert not result.missing and not result.raw[row.name].trouble, (tmp_path / "log").read_text()
    assert result.rows[row.name]["per_minute"] > 0
