"""What a recorded diff tells: which lines became which, and whether they are still so at the end."""

from __future__ import annotations

from journeyman.envs.actions import Action
from journeyman.envs.episode import Step
from journeyman.envs.observation import Observation
from journeyman.training.changes import stands


def changed(old: str, new: str, path: str = "a.py") -> Step:
    rows = [f"-{old}"] * bool(old) + [f"+{new}"] * bool(new)
    head = f"@@ -{1 if old else 0},{int(bool(old))} +{1 if new else 0},{int(bool(new))} @@"
    diff = "\n".join([f"--- a/{path}", f"+++ b/{path}", head, *rows, ""])
    return Step(Action("edit", {"path": path, "line": 1, "new": new}), Observation("edited", "edit"), diff=diff)


def test_a_change_stands_until_it_is_taken_back() -> None:
    first, over, back, beside = changed("x", "y"), changed("y", "z"), changed("", "x"), changed("y", "z", "b.py")
    assert stands(0, [first])
    assert stands(0, [first, beside]), "the same line of another file is another line"
    assert not stands(0, [first, over])
    assert not stands(0, [first, back])
    assert not stands(0, [Step(Action("edit"), Observation("edited"))]), "nobody knows what it changed"
