"""What an action changed is read back from its recorded diff."""

from __future__ import annotations

from journeyman.envs.changes import Changed, changes_of, files_of

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


def test_lines_that_changed_are_told_where_they_stood() -> None:
    assert changes_of(DIFF) == (
        Changed("p.py", 2, ("b",), ("B", "BB"), "a"),
        Changed("p.py", 5, ("-- x",), (), "d"),
        Changed("p.py", 7, (), ("f",), "e"),
        Changed("r.py", 1, ("x",), ()),
    )


def test_what_is_no_diff_of_lines_tells_nothing() -> None:
    for diff in ("", "and 5 more files, changed or not\n", "--- a/e\n+++ b/e\n", "@@ -1,9 +1,9 @@\n-x\n", "\x00\r\n"):
        assert changes_of(diff) == ()


def test_files_that_are_only_named_are_told_too() -> None:
    assert [(file.path, file.was_there, file.is_there, len(file.changes)) for file in files_of(DIFF)] == [
        ("p.py", True, True, 3), ("q.bin", True, True, 0), ("r.py", True, False, 1)
    ]  # fmt: skip
