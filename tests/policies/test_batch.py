"""How turns share forward passes, and how a token is drawn."""

from __future__ import annotations

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from journeyman.policies.batch import _MAX_PADDING, _draw, _read_together


@given(lengths=st.lists(st.integers(1, 1500), max_size=40).map(sorted), most=st.sampled_from([1024, 16384]))
def test_runs_cover_all_rows_in_order_and_waste_little(lengths: list[int], most: int) -> None:
    runs = list(_read_together(lengths, most))
    assert [row for begin, end in runs for row in range(begin, end)] == list(range(len(lengths)))
    for begin, end in runs:
        run = lengths[begin:end]
        padding = len(run) * run[-1] - sum(run)
        assert len(run) == 1 or len(run) * run[-1] <= most
        assert len(run) == 1 or padding <= _MAX_PADDING * len(run) * run[-1]


def test_tokens_are_drawn_by_their_probability() -> None:
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2])
    generator = torch.Generator().manual_seed(0)
    tokens = _draw(probabilities.log().expand(4000, 4), [generator] * 4000).tolist()
    drawn = Counter(tokens)
    assert drawn[1] == 0
    for token in (0, 2, 3):
        assert abs(drawn[token] / 4000 - float(probabilities[token])) < 0.03
