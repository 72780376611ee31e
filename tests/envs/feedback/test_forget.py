"""What one annotator said can be taken out of a log: whole, without a trace, while others write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.envs.feedback.entry import ENTRY, Entry, GuidelineRead, refers_to
from journeyman.envs.feedback.forget import NOBODY, forget
from journeyman.envs.feedback.log import FeedbackError, FeedbackLog
from journeyman.envs.guidelines.guideline import Guideline, Item
from journeyman.envs.lines import locked_lines
from tests.envs.feedback.anything import ENTRIES
from tests.envs.feedback.saying import label, said
from tests.processes import eventually

CONDUCT = Guideline(name="conduct", version=1, title="t", items=(Item(id="scope", kind="must", text="Change little."),))

WRITER = """
import sys
from journeyman.envs.feedback.log import FeedbackLog
from tests.envs.feedback.saying import label
name, log = sys.argv[2], FeedbackLog(sys.argv[1])
for n in range(int(sys.argv[3])):
    log.write(label(f"{name}{n}", by=name))
    print(n, flush=True)
"""

LATE = """
import sys
from pathlib import Path
from journeyman.envs.lines import locked_lines
with locked_lines(Path(sys.argv[1])) as file:
    file.append(b"late")
"""


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that says so many things and tells each that is kept."""
    command = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    house = Path(__file__).parents[3]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=house, env={**os.environ, "PYTHONPATH": str(house)}
    )


def test_what_was_said_goes_with_what_speaks_of_it(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.write(
        label("a"), label("b", by="bob"), said("undo", "u", of="a"), label("d", by="critic", draft=True),
        said("adjudication", "j", by="cleo", of=["a", "b"], holds="b"), said("undo", "ju", by="cleo", of="j"),
        said("answer", "y", of="d", decision="accepted"), said("guideline", "g", guideline=CONDUCT.model_dump()),
        said("guideline", "g2", guideline=CONDUCT.model_dump()),
        said("guideline", "h", by="bob", guideline=CONDUCT.model_dump()),
        said("score", "s", by="bob", episode="e1", value=1),
        said("critique", "m", by="bob", episode="e1", body="as ada says"),
    )  # fmt: skip
    with log.path.open("ab") as file:
        file.write(
            b'{"kind":"of later","by":["ada"]}\n{"id":"x","annotator":"ada","at":"20\n{"kind":"of later"}\nnoise\n'
        )
    before = log.path.read_bytes()
    planned = forget(tmp_path, "ada", dry_run=True)
    assert log.path.read_bytes() == before
    assert forget(tmp_path, "ada") == planned
    assert [entry.id for entry in planned.entries] == ["a", "u", "y"]
    assert [entry.id for entry in planned.about] == ["j", "ju"]
    assert [each.number for each in planned.lines] == [13, 14]
    assert planned.mentioned == ("m",)
    left = log.read()
    assert [entry.id for entry in left.entries if not entry.id.startswith("guideline-")] == ["b", "d", "h", "s", "m"]
    assert [entry.guideline for entry in left.entries if isinstance(entry, GuidelineRead)] == [CONDUCT, CONDUCT]
    assert [each.text for each in left.unreadable] == ['{"kind":"of later"}', "noise"]
    assert log.path.read_bytes().replace(b"as ada says", b"").find(b"ada") == -1
    assert not forget(tmp_path, "ada") and NOBODY.encode() in log.path.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [log.path.name]


def test_a_namesake_and_a_shared_id_stay(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.write(label("a"), label("b", by="adam"))
    with log.path.open("ab") as file:
        file.write(log.path.read_bytes().splitlines()[0].replace(b"ada", b"bob") + b"\n")
    forget(tmp_path, "ada")
    assert [(entry.id, entry.annotator) for entry in log.read().entries] == [("b", "adam"), ("a", "bob")]


def test_nobody_in_particular_is_not_forgotten(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    log.path.write_bytes(b'{"kind":"of later","quote":""}\n')
    with pytest.raises(FeedbackError, match="name is empty"):
        forget(tmp_path, "")
    assert len(log.read().unreadable) == 1


def test_nothing_is_made_where_nothing_was_said(tmp_path: Path) -> None:
    assert not forget(tmp_path / "run", "ada")
    assert not list(tmp_path.iterdir())


def test_a_crash_before_the_rename_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FeedbackLog(tmp_path)
    log.write(label("a"), label("b", by="bob"))

    class Died(BaseException):
        """As kill -9 would."""

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(Path, "rename", die)
        forget(tmp_path, "ada")
    assert [entry.id for entry in log.read().entries] == ["a", "b"]
    log.write(label("c", by="bob"))
    forget(tmp_path, "ada")
    assert [entry.id for entry in log.read().entries] == ["b", "c"]
    assert [path.name for path in tmp_path.iterdir()] == [log.path.name]


def test_who_waited_writes_to_the_file_that_came_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with locked_lines(path) as file:
        file.append(b"old")
        waiting = subprocess.Popen([sys.executable, "-c", LATE, str(path)])
        locks = Path("/proc/locks")
        assert eventually(lambda: f"-> FLOCK  ADVISORY  WRITE {waiting.pid} " in locks.read_text(), 60)
        file.replace(b"new\n")
    assert waiting.wait(60) == 0
    assert path.read_bytes() == b"new\nlate\n"


@pytest.mark.slow
def test_writers_that_are_killed_and_a_log_that_is_rewritten_lose_nothing(tmp_path: Path) -> None:
    FeedbackLog(tmp_path).write(label("a"))
    steady = [writer(tmp_path, name, 30) for name in ("bob", "cleo")]
    with writer(tmp_path, "dora", 1_000_000) as doomed:
        assert doomed.stdout is not None
        told = [doomed.stdout.readline() for _ in range(5)]
        forget(tmp_path, "ada")
        doomed.kill()
        told += doomed.stdout.readlines()
    assert [process.communicate(timeout=120) and process.returncode for process in steady] == [0, 0]
    ids = [entry.id for entry in FeedbackLog(tmp_path).read().entries]
    assert "a" not in ids and len(ids) == len(set(ids))
    assert {f"{name}{n}" for name in ("bob", "cleo") for n in range(30)} <= set(ids)
    assert {f"dora{line.strip()}" for line in told if line.endswith("\n")} <= set(ids)


def test_what_json_cannot_say_is_refused(tmp_path: Path) -> None:
    wrong = said("correction", "x", episode="e1", step=1, action={"tool": "\ud800"})
    with pytest.raises(FeedbackError, match="x cannot be kept"):
        FeedbackLog(tmp_path).write(wrong)
    assert not (tmp_path / "feedback.jsonl").exists()


def test_a_log_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "feedback.jsonl").mkdir()
    with pytest.raises(FeedbackError, match="cannot read"):
        FeedbackLog(tmp_path).read()


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(ENTRIES, max_size=12))
def test_forgetting_leaves_no_trace_and_nothing_else_is_lost(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]
) -> None:
    log = FeedbackLog(tmp_path_factory.mktemp("run"))
    log.path.write_bytes(b"".join(ENTRY.dump_json(entry) + b"\n" for entry in entries))
    planned = forget(log.path.parent, "ada", dry_run=True)
    assert forget(log.path.parent, "ada") == planned
    left = log.read().entries
    assert b'"ada"' not in (log.path.read_bytes())
    gone = {entry.id for entry in entries if entry.annotator == "ada"}
    assert not any(gone.intersection(refers_to(entry)) for entry in left)
    going = set(map(ENTRY.dump_json, (*planned.entries, *planned.about)))
    said = map(ENTRY.dump_json, entries)
    assert [line for line in said if line not in going] == list(map(ENTRY.dump_json, left))
