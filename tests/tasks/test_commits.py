"""From a git history to proven tasks: the whole way, on a real repository that a test can read whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.harbor import load_task, load_tasks
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.commits import LEDGER, CommitsReport, make_commits
from journeyman.tasks.sources.git_history import Blob, History, Unfit
from journeyman.tasks.sources.sdist import SourceError
from journeyman.tasks.task import TaskFormatError
from journeyman.tasks.validation import check_task
from journeyman.tasks.verdict import Assurance
from tests.tasks.histories import ROUNDING, Repo, shop_history

REASONS = {
    "first": "first commit",
    "tests only": "tests only",
    "binary": "neither source nor tests",
    "leaks": "too little is left of the message",
    "says nothing": "too little is left of the message",
    "new name": "its tests need names that only the fix has",
    "no source": "neither source nor tests",
    "no tests": "source without tests",
    "merge": "merge",
    "rename": "removes or renames source",
    "no difference": "no test fails before and passes after",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repo, dict[str, str]]:
    return shop_history(tmp_path_factory.mktemp("history") / "shop")


@pytest.fixture(scope="module")
def made(
    shop: tuple[Repo, dict[str, str]], tmp_path_factory: pytest.TempPathFactory, sandboxes: SandboxFactory
) -> tuple[CommitsReport, dict[str, dict[str, Any]]]:
    """All of the history, with what the record says of each commit."""
    out = tmp_path_factory.mktemp("out") / "tasks"
    report = make_commits(shop[0].folder, count=20, out=out, sandboxes=sandboxes)
    rows = [json.loads(line) for line in (out / LEDGER).read_text(encoding="utf-8").splitlines()]
    by_commit = {row["commit"]: row for row in rows}
    return report, {what: by_commit[commit] for what, commit in shop[1].items()}


@pytest.mark.parametrize("what", REASONS)
def test_a_commit_that_makes_no_task_says_why(what: str, made: tuple[CommitsReport, dict[str, dict[str, Any]]]) -> None:
    row = made[1][what]
    assert (row["reason"], row["task"]) == (REASONS[what], ""), row.get("detail")


def test_each_commit_is_counted_once(made: tuple[CommitsReport, dict[str, dict[str, Any]]]) -> None:
    report, rows = made
    assert report.looked == report.commits == len(rows) == len(report.kept) + report.rejected.total()
    assert sorted(report.kept) == sorted(rows[what]["task"] for what in ("good", "latin-1"))
    left = {path.name for path in report.out.iterdir()}
    assert left == {*report.kept, LEDGER, ".files"}, "nothing half-made is left"


def test_a_mended_fault_becomes_a_task_that_says_the_trouble_and_not_the_way(
    made: tuple[CommitsReport, dict[str, dict[str, Any]]],
) -> None:
    report, rows = made
    task = load_task(report.out / rows["good"]["task"])
    assert task.instruction == (
        "half a cent of a discounted price goes up\n\n"
        "A discount of 50 percent on 105 cents came out too low.\n\n"
        "For example, this fails:\n\n"
        "    assert discount(105, 50) == 53\n"
        "    assert 52 == 53\n"
        "    +  where 52 = discount(105, 50)"
    )
    assert task.fail_to_pass == ("tests/test_prices.py::test_discount_of_half_a_cent",)
    assert task.pass_to_pass == tuple(
        f"tests/test_prices.py::test_{name}" for name in ("line_price", "discount", "total")
    )
    assert task.editable == ("shop/**/*.py",) and task.test_paths == ("tests/test_prices.py",)
    assert task.assurance is Assurance.SPLIT


def test_a_policy_sees_the_parent_and_its_tests_and_no_history(
    shop: tuple[Repo, dict[str, str]], made: tuple[CommitsReport, dict[str, dict[str, Any]]]
) -> None:
    report, rows = made
    task = load_task(report.out / rows["good"]["task"])
    seen = dict(walk(task.repository))
    assert sorted(seen) == ["README.md", "logo.png", "shop/__init__.py", "shop/prices.py", "tests/test_prices.py"]
    assert b"half_a_cent" not in seen["tests/test_prices.py"].read_bytes()
    assert ROUNDING.encode() not in seen["shop/prices.py"].read_bytes()
    assert task.solution is not None and task.hidden is not None
    assert ROUNDING.encode() in (task.solution / "shop/prices.py").read_bytes()
    assert b"half_a_cent" in (task.hidden / "tests/test_prices.py").read_bytes()
    assert shop[1]["good"][:7] not in task.name + task.instruction


def test_a_message_in_another_encoding_is_read(made: tuple[CommitsReport, dict[str, dict[str, Any]]]) -> None:
    report, rows = made
    task = load_task(report.out / rows["latin-1"]["task"])
    assert task.instruction.startswith("Die Steuer fällt zu niedrig aus, Bruchteile zählen ganz\n")


def test_the_tasks_prove_themselves_again_and_share_their_files(
    made: tuple[CommitsReport, dict[str, dict[str, Any]]], sandboxes: SandboxFactory
) -> None:
    tasks = load_tasks(made[0].out)
    assert [check_task(task, sandboxes, 1).reasons for task in tasks] == [(), ()]
    logos = {(task.repository / "logo.png").stat().st_ino for task in tasks}
    assert len(logos) == len({(task.repository / "logo.png").read_bytes() for task in tasks})


def test_a_second_run_goes_on_where_the_first_ended(
    shop: tuple[Repo, dict[str, str]], tmp_path: Path, sandboxes: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, names = shop
    out = tmp_path / "tasks"

    def stop(report: CommitsReport) -> None:
        if report.looked == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_commits(repo.folder, count=1, out=out, sandboxes=sandboxes, since=names["rename"] + "~1", progress=stop)
    with (out / LEDGER).open("a", encoding="utf-8") as file:
        file.write('{"commit":"torn')
    (out / ".commit-left").mkdir()
    before = (out / LEDGER).read_text(encoding="utf-8").splitlines()[:-1]
    report = make_commits(repo.folder, count=9, out=out, sandboxes=sandboxes, since=names["rename"] + "~1")
    after = (out / LEDGER).read_text(encoding="utf-8").splitlines()
    assert after[: len(before)] == before and len(after) == report.commits == 3
    assert report.resumed == len(report.kept) == 1 and not (out / ".commit-left").exists()


def test_the_repository_is_only_read_and_runs_nothing(
    tmp_path: Path, sandboxes: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that would run a program, a changed work tree, and an environment that points elsewhere."""
    repo, names = shop_history(tmp_path / "shop")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (repo.folder / ".git" / "hooks").mkdir(exist_ok=True)
        (repo.folder / ".git" / "hooks" / name).symlink_to(trap)
    for name in ("core.fsmonitor", "diff.external", "core.pager", "core.sshCommand", "gpg.program"):
        repo.git("config", name, str(trap))
    (repo.folder / "shop" / "prices.py").write_text("my own unfinished work\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    state = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in _files(repo.folder)}
    with History(repo.folder) as history:
        assert len(history.commits()) == len(names)
        assert ROUNDING.encode() in history.data(history.change(names["good"]).changed["shop/prices.py"])
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in _files(repo.folder)} == state
    assert not (tmp_path / "sprung").exists()


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names)


def test_what_is_no_repository_is_said_in_one_line(tmp_path: Path, shop: tuple[Repo, dict[str, str]]) -> None:
    with pytest.raises(SourceError, match=r"no git repository; give the folder that holds \.git"):
        History(tmp_path)
    with History(shop[0].folder) as history:
        with pytest.raises(SourceError, match="it has no commit v9"):
            history.commits("v9")
        with pytest.raises(SourceError, match="name one commit"):
            history.commits("--output=/tmp/x")
        with pytest.raises(SourceError, match="no commits after HEAD"):
            history.commits("HEAD")
    with History(Repo(tmp_path / "empty").folder) as history, pytest.raises(SourceError, match="it has no commits"):
        history.commits()


def test_a_shallow_clone_gives_what_it_has(tmp_path: Path, shop: tuple[Repo, dict[str, str]]) -> None:
    shop[0].git("clone", "--quiet", "--depth=2", f"file://{shop[0].folder}", str(tmp_path / "shallow"))
    with History(tmp_path / "shallow") as history:
        newest, last = history.commits()
        assert history.change(newest).changed.keys() == {"shop/taxes.py", "tests/test_tax.py"}
        with pytest.raises(Unfit, match="cannot be read"):
            history.change(last)


def test_links_and_odd_names_are_told(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "odd")
    repo.write({"a.py": "a = 1\n"})
    repo.commit("one")
    (repo.folder / "link.py").symlink_to("a.py")
    sub = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{sub},sub")
    repo.git("add", "link.py")
    repo.git("commit", "--quiet", "-m", "two")
    commit = repo.git("rev-parse", "HEAD")
    (repo.folder / os.fsdecode(b"caf\xe9.txt")).write_text("coffee\n")
    odd = repo.commit("three")
    tree = repo.git("mktree", stdin=f"040000 tree {repo.git('rev-parse', sub + ':')}\t..\n".encode())
    outside = repo.git("commit-tree", "-p", sub, "-m", "four", tree)
    with History(repo.folder) as history:
        assert history.change(commit).special == ("link.py", "sub")
        assert history.files(commit).keys() == {"a.py"}
        with pytest.raises(Unfit, match="a file's name is not plain UTF-8"):
            history.files(odd)
        with pytest.raises(Unfit, match=r"leads elsewhere|cannot be read"):
            history.change(outside)
        with pytest.raises(Unfit, match="cannot be read"):
            history.data(Blob("0" * 39 + "1", executable=False))


def test_a_record_of_something_else_is_refused(
    tmp_path: Path, shop: tuple[Repo, dict[str, str]], sandboxes: SandboxFactory
) -> None:
    (tmp_path / LEDGER).write_text('{"other": 1}\n')
    with pytest.raises(TaskFormatError, match=r"commits\.jsonl:1: not a line of its record"):
        make_commits(shop[0].folder, count=1, out=tmp_path, sandboxes=sandboxes)


def test_the_command_says_what_it_made_and_what_not(
    tmp_path: Path, shop: tuple[Repo, dict[str, str]], made: tuple[CommitsReport, dict[str, dict[str, Any]]]
) -> None:
    words = ["task", "commits", str(shop[0].folder), "--out", str(made[0].out)]
    said = CliRunner().invoke(app, [*words, "--count", "2", "--json"])
    assert said.exit_code == 0 and json.loads(said.stdout)["kept"] == made[0].kept, "all of it was made before"
    told = CliRunner().invoke(app, [*words, "--count", "3"])
    assert told.exit_code == 1 and "2 tasks in" in told.stdout and "rejected: merge" in told.stdout
    wrong = CliRunner().invoke(app, ["task", "commits", str(tmp_path)])
    assert wrong.exit_code == 2 and "no git repository" in wrong.stderr
