"""Sampling by llama.cpp in this process, from a quantised export of the model: on a CPU faster where few talk at once.

The tokens are chosen here, from llama.cpp's logits, as `policies/batch.py` chooses them from transformers': the same
random numbers, and log-probabilities of the distribution that was sampled from. Those are the quantised model's; what
trains on them must correct for the difference.

A conversation's keys and values stay in a *sequence* of llama.cpp's memory from turn to turn. A new conversation that
begins like one that is there starts from a copy of it. There are as many sequences as turns are sampled at once; more
conversations than that take turns: the one that was silent for the longest time is read again when it speaks.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Sampling, Turn, alike, sample
from journeyman.policies.engine import Lane, LaneEngine, TurnBatch
from journeyman.policies.gguf_export import check_exportable, export_gguf
from journeyman.policies.llama_library import LlamaContext, version
from journeyman.policies.policy import PolicyError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_WORTH_COPYING = 32
"""A beginning of so many tokens is copied from another conversation; a shorter one is sooner read."""


class LlamaLane(Lane):
    """A conversation with llama.cpp."""

    def __init__(self, engine: LlamaCppEngine, seed: int) -> None:
        super().__init__(engine, seed)
        self._vocabulary, self._room = engine.context.vocabulary, engine.context.sequence_tokens
        self.read: list[int] = []
        """What its sequence holds, token by token."""
        self.sequence: int | None = None
        self.spoke = 0
        """When, by the batch's count of passes."""
        self.failed = False

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """See `Lane`.

        Raises:
            PolicyError: as there, or the turn does not fit, or something in the prompt is no token.
        """
        if self.failed:
            raise PolicyError("this conversation failed before; begin another")
        if odd := [id_ for id_ in prompt_ids if not 0 <= id_ < self._vocabulary]:
            raise PolicyError(f"sampling failed: the model has {self._vocabulary} tokens, none is {odd[0]}")
        if len(prompt_ids) + sampling.max_new_tokens > self._room:
            raise PolicyError("sampling failed: the turn does not fit into what is left of the conversation's room")
        turn = super().generate(prompt_ids, sampling)
        self._room -= len(turn.prompt_ids) + len(turn.sampled_ids)
        return turn


class LlamaBatch:
    """Turns on their way through llama.cpp."""

    def __init__(self, context: LlamaContext, eos_id: int) -> None:
        self._context, self._eos_id = context, eos_id
        self.turns: list[Turn] = []
        self._owners: list[LlamaLane | None] = [None] * context.sequences
        self._passes = count(1)

    def admit(self, turns: Sequence[Turn]) -> None:
        """Read the prompts of new turns and sample the first token of each; what is common is read once."""
        joining = []
        for turn in sorted(turns, key=lambda turn: turn.prompt_ids):
            self.turns.append(turn)
            seated = _lane(turn).sequence is not None
            if not seated:
                self._seat(turn)
            if seated or len(turn.unread) < _WORTH_COPYING:
                joining.append(turn)
            else:  # now, so that the next one may begin with a copy of it
                self._advance([turn])
        if joining:
            self._advance(joining)

    def step(self) -> None:
        """Sample one more token for each turn."""
        if self.turns:
            self._advance(self.turns)

    def finished(self) -> list[Turn]:
        """Take out the turns that are over; their lanes keep their sequences."""
        over = [turn for turn in self.turns if turn.is_over(self._eos_id)]
        self.turns = [turn for turn in self.turns if not turn.is_over(self._eos_id)]
        for turn in over:
            turn.lane.pending = turn.sampled[-1:]
        return over

    def abandon(self) -> None:
        """After a failure: forget what the turns on their way have read, in part perhaps."""
        for turn in self.turns:
            lane = _lane(turn)
            lane.failed = True
            if lane.sequence is not None:
                self._context.forget(lane.sequence)
                self._owners[lane.sequence] = None
                lane.sequence, lane.read = None, []
        self.turns = []

    def _advance(self, turns: Sequence[Turn]) -> None:
        """Read what the turns have unread and sample a token for each."""
        moment = next(self._passes)
        tokens: list[tuple[int, int, int]] = []
        ends = []
        for turn in turns:
            lane = _lane(turn)
            assert lane.sequence is not None
            lane.spoke = moment
            for id_ in turn.unread:
                tokens.append((id_, len(lane.read), lane.sequence))
                lane.read.append(id_)
            ends.append(len(tokens) - 1)
        logits = []
        for start in range(0, len(tokens), self._context.max_batch):
            part = tokens[start : start + self._context.max_batch]
            wanted = [end - start for end in ends if start <= end < start + len(part)]
            logits.append(self._context.read(part, wanted))
        sample(turns, torch.cat(logits))

    def _seat(self, turn: Turn) -> None:
        """Give a conversation a sequence, with a copy of what it has in common with another."""
        lane = _lane(turn)
        source, shared = self._most_alike(turn) if not lane.pending else (None, 0)
        target = self._free_sequence(rather_not=source)
        if source is None or source.sequence is None:
            self._context.forget(target)
        else:
            if source.sequence != target:
                self._context.forget(target)
                self._context.copy(source.sequence, target)
            self._context.forget(target, shared)
            lane.read, turn.shared = turn.prompt_ids[:shared], shared
        self._unseat(target)
        lane.sequence, self._owners[target] = target, lane

    def _most_alike(self, turn: Turn) -> tuple[LlamaLane | None, int]:
        """The conversation, open or closed, that begins most like this one, and how many tokens that are."""
        # The last token is read in any case: the first one sampled comes of it.
        pairs = [(alike(lane.read, turn.prompt_ids[:-1]), lane) for lane in self._owners if lane is not None]
        shared, lane = max(pairs, key=lambda pair: pair[0], default=(0, None))
        return (lane, shared) if shared >= _WORTH_COPYING else (None, 0)

    def _free_sequence(self, rather_not: LlamaLane | None) -> int:
        """One that nobody has, else that of a closed conversation, else of the one that was silent for the longest."""
        busy = {id(turn.lane) for turn in self.turns}

        def cost(sequence: int) -> tuple[bool, bool, bool, int]:
            lane = self._owners[sequence]
            if lane is None:
                return (False, False, False, 0)
            return (id(lane) in busy, not lane.closed, lane is rather_not, lane.spoke)

        return min(range(self._context.sequences), key=cost)

    def _unseat(self, sequence: int) -> None:
        """Its conversation, if it goes on, will be read again."""
        if (lane := self._owners[sequence]) is not None:
            if not lane.closed:
                lane.pending = [*lane.read, *lane.pending]
            lane.sequence, lane.read = None, []


class LlamaCppEngine(LaneEngine):
    """llama.cpp, sampling for many lanes from an export of a transformers model.

    Raises:
        ModelError: the package xllamacpp is missing, or the model cannot be exported.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        eos_id: int,
        *,
        quantization: str = "q8_0",
        conversation_tokens: int = 1536,
        max_batch: int = 32,
    ) -> None:
        """
        Args:
            quantization: of the weights: q8_0, f16 or f32. With f32 nothing is rounded but in the order of sums.
            conversation_tokens: room of one conversation, kept in memory for each of `max_batch`.
        """
        self.version = f"llamacpp {quantization}, xllamacpp {version()}"
        check_exportable(model.config, quantization)
        self._tokenizer, self._quantization = tokenizer, quantization
        self._conversation_tokens, self._sequences = conversation_tokens, max_batch
        self._in_use = threading.Lock()
        self._take_weights(model, eos_id)
        super().__init__(eos_id, max_batch=max_batch)

    def refresh(self, model: PreTrainedModel) -> None:
        """Export this model and sample from it from now on.

        Raises:
            PolicyError: a conversation is open: it would go on with other weights than it began with.
        """
        with self._between_conversations(), self._in_use:
            before = self.context
            self._take_weights(model, self.eos_id)
            before.close()

    def close(self) -> None:
        super().close()
        self.context.close()

    def _lane(self, seed: int) -> Lane:
        return LlamaLane(self, seed)

    def _take_weights(self, model: PreTrainedModel, eos_id: int) -> None:
        with TemporaryDirectory(prefix="journeyman-gguf-") as folder:
            path = Path(folder) / "model.gguf"
            export_gguf(model, self._tokenizer, path, quantization=self._quantization)
            # llama.cpp maps the file; it stays there until the mapping ends, though its name goes now.
            self.context = LlamaContext(
                path,
                sequences=self._sequences,
                sequence_tokens=self._conversation_tokens,
                threads=torch.get_num_threads(),
                exact=self._quantization == "f32",
            )
        self._turns = LlamaBatch(self.context, eos_id)

    @contextlib.contextmanager
    def _batch(self) -> Iterator[TurnBatch]:
        with self._in_use:
            yield self._turns
            self._turns.abandon()


def _lane(turn: Turn) -> LlamaLane:
    return cast("LlamaLane", turn.lane)
