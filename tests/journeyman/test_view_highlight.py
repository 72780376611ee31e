"""A diff on a page: rows by what became of them, code by its syntax, and not a character lost on the way."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.terminal import visible
from journeyman.viewer.highlight import HUNK, LEXERS, MOST, diff_rows

EDIT = '''--- a/till/change.py
+++ b/till/change.py
@@ -1,3 +1,4 @@
 def total(coins):
-    """All of them
+    """All of <them>,
+    in pence
     """
@@ -9 +10 @@
-    return 1
+    return sum(coins)  # pence
'''


def test_code_is_coloured_as_the_file_was_and_as_it_became() -> None:
    shown = dict(enumerate(diff_rows(EDIT)))
    assert [kind for kind, _ in shown.values()] == ["head", "hunk", "same", "del", "add", "same", "hunk", "del", "add"]
    assert shown[2][1] == ' <span class="c-keyword">def</span> <span class="c-defined">total</span>(coins):'
    assert shown[3][1] == '-    <span class="c-string">&#34;&#34;&#34;All of them</span>'
    assert shown[4][1].endswith('&lt;them&gt;,</span>\n+<span class="c-string">    in pence</span>'), (
        "still a docstring"
    )
    assert shown[8][1].endswith('<span class="c-comment"># pence</span>')


def test_a_file_of_another_kind_has_no_syntax_also_behind_one_that_has() -> None:
    other = "--- a/notes\n+++ b/notes\n@@ -1 +1 @@\n-def f\n+return 1\n"
    assert [row for _, row in diff_rows(EDIT + other)][-1] == "+return 1"
    binary = "--- /dev/null\n+++ b/x.py\nBinary or large file, now 9 bytes\n"
    assert [row for _, row in diff_rows(binary)][-1] == "Binary or large file, now 9 bytes"
    created = "--- /dev/null\n+++ b/x.go\n@@ -0,0 +1 @@\n+func main() {}\n"
    assert '<span class="c-keyword">func</span>' in [row for _, row in diff_rows(created)][-1]


def test_what_is_long_is_shown_without_syntax() -> None:
    def hunk(size: int) -> str:
        return "@@ -0,0 +1 @@\n+" + "return ".ljust(size - 2, "1") + "\n"

    head = "--- a/x.py\n+++ b/x.py\n"
    assert "<span" in [row for _, row in diff_rows(head + hunk(HUNK))][-1]
    assert "<span" not in [row for _, row in diff_rows(head + hunk(HUNK + 1))][-1]
    many = [row for kind, row in diff_rows(head + hunk(HUNK) * (MOST // HUNK + 1)) if kind == "add"]
    assert ["<span" in row for row in many] == [True] * (MOST // HUNK) + [False]


@given(
    st.text(alphabet=st.characters() | st.sampled_from("+-@ \n\"'<&\\`$#{}\r\x1b\u202e\ud800")),
    st.sampled_from(list(LEXERS)),
)
@pytest.mark.parametrize("headed", [True, False])
def test_every_character_is_shown_and_no_markup_is_the_diffs_own(headed: bool, text: str, suffix: str) -> None:
    diff = f"--- a/x{suffix}\n+++ b/x{suffix}\n@@ -1 +1 @@\n" * headed + text
    rows = "\n".join(row for _, row in diff_rows(diff))
    plain = re.sub(r'<span class="c-[a-z]+">|</span>', "", rows)
    assert "<" not in plain
    assert html.unescape(plain) == html.unescape(html.escape(visible(diff.removesuffix("\n"))))
