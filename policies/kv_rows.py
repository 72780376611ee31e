"""Keys and values of many conversations in one set of buffers, each row with a length of its own.

transformers' own growing cache copies everything at every token, which on a CPU costs as much as the model itself.
Here a token is written where it belongs, a row joins or leaves without touching the others, and no padding stands
between a row's tokens.

Dimension suffixes: R rows, H heads, T positions, D head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import Cache

LayerCache = tuple[torch.Tensor, torch.Tensor]
"""Keys and values of one layer and one row, each (H, T, D)."""

_ROW_CHUNK, _POSITION_CHUNK = 8, 256
"""Buffers grow by so much, so that they grow seldom."""


class KeyValueRows(Cache):
    """What transformers calls a cache. Before each forward pass, `expect` says which rows it will add to."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.lengths: list[int] = []
        """Tokens of each row."""
        self._buffers: list[LayerCache] = []  # for each layer, both (R, H, T, D)
        self._first, self._counts = 0, [0]

    def append(self, cached: Sequence[LayerCache]) -> None:
        """Add a row that holds what `cached` does (nothing, if it is empty)."""
        length = cached[0][0].shape[1] if cached else 0
        row = len(self.lengths)
        self.lengths.append(length)
        for layer, pair in enumerate(cached):
            self._reserve(layer, pair, rows=row + 1, positions=length)
            for buffer_R_H_T_D, part_H_T_D in zip(self._buffers[layer], pair, strict=True):
                buffer_R_H_T_D[row, :, :length] = part_H_T_D

    def copy_of(self, row: int) -> list[LayerCache]:
        """What a row holds, to be given to `append` later."""
        length = self.lengths[row]
        return [(keys[row, :, :length].clone(), values[row, :, :length].clone()) for keys, values in self._buffers]

    def remove(self, row: int) -> None:
        """Drop a row. The last one takes its place."""
        length = self.lengths.pop()
        last = len(self.lengths)
        if row != last:
            self.lengths[row] = length
            for pair in self._buffers:
                for buffer_R_H_T_D in pair:
                    buffer_R_H_T_D[row, :, :length] = buffer_R_H_T_D[last, :, :length]

    def expect(self, first: int, counts: Sequence[int]) -> None:
        """The next forward pass is of the rows from `first` on and brings them so many tokens, aligned at the right."""
        self._first, self._counts = first, list(counts)
        for row, count in enumerate(counts, first):
            self.lengths[row] += count

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one layer's new keys and values and return all of the rows', (rows, H, longest, D).

        What stands behind a shorter row's end is finite and has to be masked.
        """
        end = self._first + len(self._counts)
        longest = max(self.lengths[self._first : end])
        self._reserve(layer_idx, (key_states[0], value_states[0]), rows=end, positions=longest)
        keys, values = self._buffers[layer_idx]
        for buffer_R_H_T_D, new_R_H_T_D in ((keys, key_states), (values, value_states)):
            for i, count in enumerate(self._counts):
                row, length = self._first + i, self.lengths[self._first + i]
                buffer_R_H_T_D[row, :, length - count : length] = new_R_H_T_D[i, :, -count:]
        return keys[self._first : end, :, :longest], values[self._first : end, :, :longest]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Positions of the longest row."""
        return max(self.lengths, default=0)

    def _reserve(self, layer: int, like: LayerCache, *, rows: int, positions: int) -> None:
        """See to it that a layer's buffers have so many rows and positions."""
        if layer == len(self._buffers):
            self._buffers.append(tuple(part.new_zeros(0, part.shape[0], 0, part.shape[2]) for part in like))  # type: ignore[arg-type]
        has_rows, _, has_positions, _ = self._buffers[layer][0].shape
        if rows > has_rows or positions > has_positions:
            rows = max(has_rows, -(-rows // _ROW_CHUNK) * _ROW_CHUNK)
            positions = max(has_positions, -(-positions // _POSITION_CHUNK) * _POSITION_CHUNK)
            self._buffers[layer] = tuple(_grown(buffer, rows, positions) for buffer in self._buffers[layer])  # type: ignore[assignment]


def _grown(buffer_R_H_T_D: torch.Tensor, rows: int, positions: int) -> torch.Tensor:
    has_rows, heads, has_positions, size = buffer_R_H_T_D.shape
    grown = buffer_R_H_T_D.new_zeros(rows, heads, positions, size)  # zeros: what is masked must still be finite
    grown[:has_rows, :, :has_positions] = buffer_R_H_T_D
    return grown
