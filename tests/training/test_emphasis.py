"""What decides in an edit is found in either notation: the line's number and the words that differ."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from journeyman.envs.actions import Action
from journeyman.policies.dialect import DIALECTS, dialect
from journeyman.training.emphasis import decisive_spans

DIFF = "--- a/pkg/mod.py\n+++ b/pkg/mod.py\n@@ -12 +12 @@\n-    if value < limit:\n+    if value <= limit:\n"


def edit(new: str, **where: object) -> Action:
    return Action("edit", {"path": "pkg/mod.py", "new": new, **({"line": 12} | where)})


def decisive(action: Action, diff: str, notation: str = "lines") -> set[str]:
    text = dialect(notation).format(action)
    return {text[start:end] for start, end in decisive_spans(action, text, diff)}


def test_the_line_and_the_words_that_differ_decide() -> None:
    for notation in DIALECTS:
        assert decisive(edit("    if value <= limit:"), DIFF, notation) == {"12", "="}


def test_where_words_were_taken_out_the_next_one_decides() -> None:
    diff = DIFF.replace("-    if value", "-    if not value")
    assert decisive(edit("    if value < limit:"), diff) == {"12", "value"}


def test_quotes_and_new_lines_are_found_in_json_too() -> None:
    diff = '--- a/m\n+++ b/m\n@@ -3,2 +3,2 @@\n-a = "x"\n-b = 1\n+a = "y"\n+b = 1\n'
    action = edit('a = "y"\nb = 1', line=3, end=4)
    for notation in DIALECTS:
        assert decisive(action, diff, notation) == {"3", "y"}


def test_an_exact_replacement_has_no_line() -> None:
    action = Action("edit", {"path": "pkg/mod.py", "old": "value < limit", "new": "value <= limit"})
    assert "=" in decisive(action, DIFF)


def test_other_actions_and_refused_edits_have_nothing() -> None:
    assert decisive(Action("view", {"path": "pkg/mod.py", "line": 12}), DIFF) == set()
    assert decisive(edit("    if value < limit:"), "") == set()


TEXT = st.text(max_size=60)


@given(old=TEXT, new=TEXT, line=st.integers(1, 999), notation=st.sampled_from([*DIALECTS]))
@example(old="", new="0", line=170, notation="json")
@example(old="1 ", new=" 0", line=1, notation="json")  # taken out before, and put in after, the same space
def test_spans_are_ordered_and_inside_the_text(old: str, new: str, line: int, notation: str) -> None:
    action = edit(new, line=line)
    text = dialect(notation).format(action)
    spans = decisive_spans(action, text, f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{old}\n+{new}\n")
    bounds = [bound for span in spans for bound in span]
    assert bounds == sorted(bounds)
    assert all(0 <= bound <= len(text) for bound in bounds)
