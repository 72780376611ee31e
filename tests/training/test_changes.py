"""What a recorded diff tells: which lines became which, and whether they are still so at the end."""

from __future__ import annotations

from journeyman.envs.actions import Action
from journeyman.envs.episode import Step
from journeyman.envs.observation import Observation
from journeyman.training.changes import Changed, changes_of, stands

DIFF = """--- a/p.py
+++ b/p.py
@@ -1,7 +1,8 @@
 a
-b
+B
+BB
 c
 d
--- x
 e
+f
 g
mode of q changed: executable
--- a/q.bin
+++ b/q.bin
Binary or large file, now 5 bytes
--- a/r.py
+++ /dev/null
@@ -1 +0,0 @@
-x
\\ No newline at end of file
"""


def changed(old: str, new: str, path: str = "a.py") -> Step:
    rows = [f"-{old}"] * bool(old) + [f"+{new}"] * bool(new)
    head = f"@@ -{1 if old else 0},{int(bool(old))} +{1 if new else 0},{int(bool(new))} @@"
    diff = "\n".join([f"--- a/{path}", f"+++ b/{path}", head, *rows, ""])
    return Step(Action("edit", {"path": path, "line": 1, "new": new}), Observation("edited", "edit"), diff=diff)


def test_lines_that_changed_are_told_where_they_stood() -> None:
    assert changes_of(DIFF) == (
        Changed("p.py", 2, ("b",), ("B", "BB")),
        Changed("p.py", 5, ("-- x",), ()),
        Changed("p.py", 7, (), ("f",)),
        Changed("r.py", 1, ("x",), ()),
    )


def test_what_is_no_diff_of_lines_tells_nothing() -> None:
    for diff in ("", "and 5 more files, changed or not\n", "--- a/e\n+++ b/e\n", "@@ -1,9 +1,9 @@\n-x\n", "\x00\r\n"):
        assert changes_of(diff) == ()


def test_a_change_stands_until_it_is_taken_back() -> None:
    first, over, back, beside = changed("x", "y"), changed("y", "z"), changed("", "x"), changed("y", "z", "b.py")
    assert stands(0, [first])
    assert stands(0, [first, beside]), "the same line of another file is another line"
    assert not stands(0, [first, over])
    assert not stands(0, [first, back])
    assert not stands(0, [Step(Action("edit"), Observation("edited"))]), "nobody knows what it changed"
