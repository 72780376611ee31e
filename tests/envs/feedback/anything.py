"""Whatever several annotators may say, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from journeyman.envs.feedback.entry import ENTRY, Entry

IDS = st.sampled_from(["a", "b", "c", "d", "e"])
COMMON = {
    "id": IDS, "annotator": st.sampled_from(["ada", "bob"]), "draft": st.booleans(),
    "at": st.sampled_from(["", "2026-01-01T09:00:00Z", "2026-01-01T09:00:01+02:00", "yesterday", "2026-01-01"]),
}  # fmt: skip
EPISODE = st.sampled_from(["e1", "e2", "gone"])


def _entries(kind: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Entry]:
    return st.fixed_dictionaries({"kind": st.just(kind), **COMMON, **fields}).map(ENTRY.validate_python)


ENTRIES = st.one_of(
    _entries("step", episode=EPISODE, step=st.integers(1, 4), label=st.sampled_from(["good", "bad"])),
    _entries(
        "critique",
        episode=EPISODE,
        body=st.text(min_size=1, max_size=5),
        place=st.fixed_dictionaries({"path": st.just("a"), "line": st.integers(1, 3), "quote": st.text(max_size=4)}),
    ),
    _entries("undo", of=IDS),
    _entries("answer", of=IDS, decision=st.sampled_from(["accepted", "rejected"])),
    _entries("adjudication", of=st.lists(IDS, min_size=2, max_size=3), holds=st.none()),
    _entries("resolution", of=IDS, resolved=st.booleans()),
    _entries("ranking", episodes=st.permutations(["e1", "e2", "gone"]), ranks=st.just([1, 1, 2])),
    _entries("correction", episode=EPISODE, step=st.just(1), action=st.dictionaries(st.text(), st.integers())),
)
