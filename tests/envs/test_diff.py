"""What an action changed, as people read it."""

from __future__ import annotations

from pathlib import Path

from journeyman.envs.diff import MAX_FILE_LINES, MAX_FILES, MAX_LINES, diff_between
from journeyman.sandbox.sandbox import File, Snapshot


def state(name: str, changed: dict[str, bytes] | None = None, removed: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(name, "base", {p: File(d) for p, d in (changed or {}).items()}, frozenset(removed))


def test_a_changed_a_new_and_a_removed_file(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("one\ntwo\n")
    after = state("after", {"a.py": b"one\n2", "new.py": b"hello\n"}, ("b.py",))
    assert diff_between(state("base"), after, tmp_path) == (
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n\\ No newline at end of file\n"
        "--- a/b.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-two\n"
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+hello\n"
    )


def test_only_the_last_action_is_told_and_undoing_it_too(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    first, second = state("1", {"a.py": b"uno\n"}), state("2", {"a.py": b"uno\n", "b.py": b""})
    assert diff_between(first, second, tmp_path) == "--- /dev/null\n+++ b/b.py\n"
    assert diff_between(first, state("base"), tmp_path) == "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-uno\n+one\n"


def test_what_would_take_long_to_compare_is_only_named(tmp_path: Path) -> None:
    after = state("after", {"data.bin": b"\x00\x01", "long.txt": b"x\n" * (MAX_FILE_LINES + 1)})
    assert diff_between(state("base"), after, tmp_path).count("Binary or large file") == 2


def test_many_files_are_named_then_counted(tmp_path: Path) -> None:
    """Else one action could keep the supervisor busy for hours: 25,000 files of 5,000 lines fit into a snapshot."""
    lines = [b"%d\n" % (n % 100) for n in range(MAX_FILE_LINES)]
    names = [f"f{n:04}" for n in range(MAX_FILES + 9)]
    before = state("before", {name: b"".join(lines) for name in names})
    after = state("after", {name: b"".join(lines[::-1]) for name in names})
    text = diff_between(before, after, tmp_path)
    assert MAX_LINES < text.count("\n") < MAX_LINES + 2 * MAX_FILE_LINES + 3 * MAX_FILES
    assert text.count("Binary or large file") > MAX_FILES - 20
    assert text.endswith("and 9 more files, changed or not\n")


def test_long_lines_count_as_several(tmp_path: Path) -> None:
    after = state("after", {f"f{n:03}": b"x" * 200_000 for n in range(200)})
    assert len(diff_between(state("before"), after, tmp_path)) < 5_000_000


def test_a_changed_mode_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("true\n")
    after = Snapshot("after", "base", {"run.sh": File(b"true\n", 0o755)})
    assert diff_between(state("base"), after, tmp_path) == "mode of run.sh changed: executable\n"
