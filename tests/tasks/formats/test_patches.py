"""Patches: what is made is applied again to the same bytes, git's own are understood, and nothing is guessed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.history import git
from journeyman.sandbox.sandbox import File
from journeyman.tasks.formats.format import FormatError
from journeyman.tasks.formats.patches import apply_patch, make_patch
from tests.tasks.formats.conftest import run_git

names = st.sampled_from(["a.py", "b.py", "deep/er/c.py", "with space.py", "ü.py"])
# All that ends a line somewhere stands among the letters: only "\n" may do it here.
lines = st.text(st.sampled_from("ab+- \\@\r\x0c\x0b\x1c\x85\u2028é"), max_size=4)
texts = st.lists(lines, max_size=8).flatmap(
    lambda found: st.sampled_from(["\n".join(found), "".join(f"{line}\n" for line in found)])
)
files = st.builds(lambda text, mode: File(text.encode(), mode), texts, st.sampled_from([0o644, 0o755]))
trees = st.dictionaries(names, files, max_size=4)


@given(before=trees, after=trees)
def test_a_made_patch_does_what_it_was_made_for(before: dict[str, File], after: dict[str, File]) -> None:
    patched = apply_patch(make_patch(before, after), before)
    assert patched.over(before) == after
    assert set(patched.removed) == set(before) - set(after)


@given(before=trees, after=trees, text=st.text(st.sampled_from("+- @\n\\a/b1,-"), max_size=40))
def test_a_damaged_patch_is_refused_or_gives_files(before: dict[str, File], after: dict[str, File], text: str) -> None:
    patch = make_patch(before, after)
    for damaged in (patch[: len(patch) // 2], patch.replace("@@ -", text, 1), text):
        with contextlib.suppress(FormatError):
            apply_patch(damaged, before)


@pytest.mark.skipif(not git(), reason="no git on this machine")
def test_git_s_own_patches_are_understood(tmp_path: Path) -> None:
    """A change, a new file, an empty one, a removed one, a rename with a change, a mode, no line end, odd names."""
    run_git(tmp_path, "init", "--quiet")
    long = "".join(f"line {n}\n" for n in range(40))
    start = {"a.py": "one\ntwo", "gone.py": "x\n", "old name.py": long, "tool.sh": "#!/bin/sh\n", "é ü.py": "e\n"}
    for name, text in start.items():
        (tmp_path / name).write_text(text)
    run_git(tmp_path, "add", "--all")
    run_git(tmp_path, "commit", "--quiet", "-m", "one")
    before = {name: File(text.encode()) for name, text in start.items()}
    (tmp_path / "gone.py").unlink()
    (tmp_path / "old name.py").rename(tmp_path / "new name.py")
    (tmp_path / "tool.sh").chmod(0o755)
    after = {"a.py": "one\ntwo\n", "new name.py": long.replace("line 7", "seven"), "é ü.py": "f", "empty.py": ""}
    for name, text in after.items():
        (tmp_path / name).write_text(text)
    run_git(tmp_path, "add", "--all")
    patched = apply_patch(run_git(tmp_path, "diff", "--cached", "-M"), before)
    wanted = {name: File(text.encode()) for name, text in after.items()} | {"tool.sh": File(b"#!/bin/sh\n", 0o755)}
    assert patched.over(before) == wanted
    assert sorted(patched.removed) == ["gone.py", "old name.py"] and not patched.unmapped


def test_binary_content_and_links_are_told(tmp_path: Path) -> None:
    binary = "diff --git a/x.png b/x.png\nindex 0a..1b 100644\nBinary files a/x.png and b/x.png differ\n"
    link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n"
    patched = apply_patch(binary + link, {"x.png": File(b"\x00")})
    assert not patched.changed and len(patched.unmapped) == 2
    with pytest.raises(FormatError, match="not UTF-8"):
        make_patch({}, {"x.png": File(b"\xff")})


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ".git/config", "a\\b", "x/", "./x"])
def test_no_patch_leaves_the_repository(name: str) -> None:
    with pytest.raises(FormatError):
        apply_patch(f"--- /dev/null\n+++ {name}\n@@ -0,0 +1 @@\n+x\n", {})
    with pytest.raises(FormatError):
        make_patch({}, {name: File(b"x")})


@pytest.mark.parametrize(
    "hunk,why",
    [
        ("@@ -2 +2 @@\n-one\n+1\n", "line 2 is not what it says"),
        ("@@ -9 +9 @@\n-one\n+1\n", "it names line 9"),
        ("@@ -2 +2 @@\n-two\n+2\n@@ -1 +1 @@\n-one\n+1\n", "it names line 1"),
        ("@@ -1,2 +1 @@\n-one\n", "not a unified diff"),
        ("@@ -1 +1 @@\n-one\n+1\n\\ No newline at end of file\n", "without its end"),
    ],
)
def test_a_hunk_that_does_not_fit_is_refused(hunk: str, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        apply_patch(f"--- a/x\n+++ b/x\n{hunk}", {"x": File(b"one\ntwo\nthree\n")})
