"""`edit` and `write`: exactly what was asked, told briefly; a mistake comes back with what would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from journeyman.envs.repo_env import RepoEnv
from tests.envs.sandboxed import act, see
from tests.making import FIX, tiny_task

OpenEnv = Callable[..., RepoEnv]
NUMBERS = "".join(f"line {n}\n" for n in range(1, 31))


def written(env: RepoEnv, content: str, path: str = "file.txt") -> RepoEnv:
    see(env, "write", path=path, content=content)
    return env


def read(env: RepoEnv, path: str = "file.txt") -> str:
    return see(env, "run", command=f"cat -A {path}").removeprefix("exit 0\n").replace("$\n", "\n").removesuffix("$")


def test_a_line_is_replaced_and_shown_with_its_neighbours(env: RepoEnv) -> None:
    assert see(env, "edit", path="parcel.py", **FIX) == (
        'edited parcel.py:22\n21|        """Whether sending it is free: from FREE_FROM on."""\n'
        "22|        return total(self.prices) >= FREE_FROM\n23|"
    )


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ({"line": 2, "new": "two"}, "a\ntwo\nc"),
        ({"line": 2, "new": "two\n"}, "a\ntwo\nc"),
        ({"line": 2, "new": "x\ny\n"}, "a\nx\ny\nc"),
        ({"line": 2, "new": ""}, "a\nc"),
        ({"line": 1, "end": 2, "new": "z"}, "z\nc"),
        ({"line": 4, "new": "d"}, "a\nb\nc\nd"),
        ({"line": 2, "new": "\n"}, "a\n\nc"),
        ({"old": "b\n", "new": ""}, "a\nc"),
        ({"old": "a\nb", "new": "one"}, "one\nc"),
    ],
)
def test_what_is_asked_is_done(env: RepoEnv, arguments: dict[str, object], after: str) -> None:
    written(env, "a\nb\nc\n")
    assert see(env, "edit", path="file.txt", **arguments).startswith("edited file.txt:")
    assert read(env) == after


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"line": 31, "end": 32, "new": "x"}, "file.txt has 30 lines; there is no line 32"),
        ({"line": 99, "new": "x"}, "file.txt has 30 lines; there is no line 99"),
        ({"line": 3, "new": "line 3"}, "the edit changes nothing: the new text is what stands there already"),
        ({"old": "line 2", "line": 11, "new": "x"}, "`old` stands more than once just as near to line 11 of file.txt"),
        ({"old": "", "new": "x"}, "`old` is empty: give the text to replace, or a line number"),
        ({"old": "line 3", "new": "x"}, "`old` stands 2 times in file.txt, at lines 3, 30: give more of it"),
        ({"old": "lime 12", "new": "x"}, "`old` does not stand in file.txt; the nearest:\n1|line 1\n12|line 12"),
        (
            {"old": "  line 7\nlein 8", "new": "x"},
            "`old` does not stand in file.txt; its first line stands at line 7, but the text differs:\n7|line 7\n8|",
        ),
        ({"old": "entirely other", "new": "x"}, "`old` does not stand in file.txt"),
    ],
)  # fmt: skip
def test_an_edit_that_cannot_be_done_says_why(env: RepoEnv, arguments: dict[str, object], said: str) -> None:
    before = act(written(env, NUMBERS), "view")[4]["tree_hash"]
    text, _, _, _, info = act(env, "edit", path="file.txt", **arguments)
    assert text.startswith(said)
    assert len(text) < 400
    assert (info["observation"].ok, info["tree_hash"], info["diff"]) == (False, before, "")


@pytest.mark.parametrize(("line", "edited"), [(1, 3), (16, 3), (17, 30), (900, 30)])
def test_of_several_places_the_nearest_to_a_line_is_meant(env: RepoEnv, line: int, edited: int) -> None:
    written(env, NUMBERS)
    text = see(env, "edit", path="file.txt", old="line 3", line=line, new="LINE 3")
    assert text.startswith(f"edited file.txt:{edited}\n")


def test_a_syntax_error_is_told_at_once_and_the_edit_stands(env: RepoEnv) -> None:
    text, _, _, _, info = act(env, "edit", path="parcel.py", line=22, new="return total(self.prices)")
    assert text.endswith("\nsyntax error at line 22: 'return' outside a function: return total(self.prices)")
    assert info["observation"].ok
    assert "syntax error" not in see(env, "edit", path="parcel.py", **FIX)
    assert "syntax error at line 1: invalid syntax" in see(env, "write", path="new.py", content="def (:\n")
    assert "syntax error" not in see(env, "write", path="new.txt", content="def (:\n")


def test_the_middle_of_a_long_change_is_left_out(env: RepoEnv) -> None:
    text = see(written(env, "a\nb\n"), "edit", path="file.txt", line=1, new=NUMBERS)
    assert text.split("\n")[:2] == ["edited file.txt:1", "1|line 1"]
    assert "… 19 lines …" in text
    assert text.endswith("30|line 30\n31|b")


def test_what_an_edit_does_not_touch_stays_to_the_byte(open_env: OpenEnv, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "t")
    script = task.repository / "run.sh"
    script.write_bytes(b"\xef\xbb\xbf#!/bin/sh\r\necho \xff\r\nexit")
    script.chmod(0o755)
    env = open_env(task)
    env.reset(seed=0)
    see(env, "edit", path="run.sh", line=2, new="echo two\necho three\n")
    assert see(env, "run", command="od -c run.sh | head; test -x run.sh && echo executable").split("\n")[1:] == [
        "0000000 357 273 277   #   !   /   b   i   n   /   s   h  \\r  \\n   e   c",
        "0000020   h   o       t   w   o  \\r  \\n   e   c   h   o       t   h   r",
        "0000040   e   e  \\r  \\n   e   x   i   t",
        "0000050",
        "executable",
    ]


def test_the_echo_can_be_left_out(open_env: OpenEnv) -> None:
    env = open_env(config={"echo_lines": 0})
    env.reset(seed=0)
    assert see(env, "edit", path="parcel.py", **FIX) == "edited parcel.py:22"


def test_writing_creates_and_replaces(env: RepoEnv) -> None:
    assert see(env, "write", path="src/deep/new.py", content="x = 1\ny = 2\n") == "created src/deep/new.py (2 lines)"
    assert see(env, "write", path="./src/deep/new.py", content="x = 1\n") == "replaced src/deep/new.py (1 line)"
    assert see(env, "write", path="empty.py", content="") == "created empty.py (0 lines)"
    assert see(env, "edit", path="empty.py", line=1, new="z = 3") == "edited empty.py:1\n1|z = 3"


@pytest.mark.parametrize("path", [".", "tests", "tests/", "../x", "/etc/x", "parcel.py/x", "x" * 300, "a\x00b"])
def test_where_nothing_can_be_written(env: RepoEnv, path: str) -> None:
    text, _, _, _, info = act(env, "write", path=path, content="x")
    assert not info["observation"].ok
    assert info["diff"] == ""
    assert text


def test_a_link_out_of_the_repository_is_not_followed(env: RepoEnv) -> None:
    see(env, "run", command="ln -s /etc/hostname out; ln -s /usr folder")
    for path in ("out", "folder/x"):
        assert not act(env, "write", path=path, content="x")[4]["observation"].ok
