"""Rows of keys and values of different lengths: written where they belong, joined, left and grown without a mix-up."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from hypothesis import given
from hypothesis import strategies as st

from journeyman.policies.kv_rows import KeyValueRows

LAYERS, HEADS, SIZE = 2, 3, 4


@dataclass
class Conversation:
    """What a row should hold, told by the numbers that were written."""

    name: int
    written: list[int] = field(default_factory=list)


def states(numbers: list[list[int]], layer: int, sign: int) -> torch.Tensor:
    """Keys (sign 1) or values (sign -1) of new tokens, aligned at the right; the padding is NaN: nobody may keep it."""
    longest = max(map(len, numbers))
    rows = [[float("nan")] * (longest - len(row)) + [sign * (n + layer / 10) for n in row] for row in numbers]
    return torch.tensor(rows)[:, None, :, None].expand(len(rows), HEADS, longest, SIZE)


def feed(rows: KeyValueRows, first: int, numbers: list[list[int]]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    rows.expect(first, [len(row) for row in numbers])
    return [rows.update(states(numbers, layer, 1), states(numbers, layer, -1), layer) for layer in range(LAYERS)]


def assert_holds(rows: KeyValueRows, row: int, written: list[int]) -> None:
    for layer, (keys, values) in enumerate(rows.copy_of(row)):
        assert torch.equal(keys[None], states([written], layer, 1))
        assert torch.equal(values[None], states([written], layer, -1))


@given(data=st.data())
def test_rows_keep_their_own_tokens_whatever_happens(data: st.DataObject) -> None:
    rows, talks, parked, names = KeyValueRows(), list[Conversation](), list[tuple[Conversation, list[object]]](), 0
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["join", "come back", "feed", "leave"])):
            case "join":
                names += 1
                rows.append([])
                talks.append(Conversation(names))
                new = [names * 1000 + n for n in range(data.draw(st.integers(1, 300)))]
                feed(rows, len(talks) - 1, [new])
                talks[-1].written += new
            case "come back" if parked:
                talk, cache = parked.pop()
                rows.append(cache)  # type: ignore[arg-type]
                talks.append(talk)
            case "feed" if talks:
                first = data.draw(st.integers(0, len(talks) - 1))
                end = data.draw(st.integers(first + 1, len(talks)))
                new_rows = [
                    [talk.name * 1000 + len(talk.written) + n for n in range(data.draw(st.integers(1, 5)))]
                    for talk in talks[first:end]
                ]
                for keys, _ in feed(rows, first, new_rows):
                    assert torch.isfinite(keys).all()
                for talk, new in zip(talks[first:end], new_rows, strict=True):
                    talk.written += new
            case "leave" if talks:
                row = data.draw(st.integers(0, len(talks) - 1))
                parked.append((talks[row], rows.copy_of(row)))  # type: ignore[arg-type]
                rows.remove(row)
                last = talks.pop()
                if row < len(talks):
                    talks[row] = last
        for row, talk in enumerate(talks):
            assert_holds(rows, row, talk.written)
    assert rows.get_seq_length() == max((len(talk.written) for talk in talks), default=0)


def test_what_a_pass_reads_ends_where_its_longest_row_ends() -> None:
    rows = KeyValueRows()
    for written in ([1, 2, 3], [4]):
        rows.append([])
        feed(rows, len(rows.lengths) - 1, [written])
    keys, values = feed(rows, 0, [[5], [6]])[0]
    assert keys.shape == values.shape == (2, HEADS, 4, SIZE)
    assert keys[1, 0, :2, 0].tolist() == [4, 6]
