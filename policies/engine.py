"""Sampling for many episodes at once, with the KV cache kept across turns.

Each episode holds a `Lane`: the cache and the random numbers of its conversation. Whoever wants a turn calls
`Lane.generate` from its own thread; one worker samples for all who wait, token by token. A turn joins the others at
the next token and leaves when it is over, so nobody waits for a longer turn, and a turn costs the tokens that are new,
never the whole conversation again. The callers need no knowledge of each other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Batch, Sampling, Turn
from journeyman.policies.kv_rows import LayerCache
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Lane:
    """One conversation. Use it from one thread at a time."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self.generator = torch.Generator().manual_seed(seed)
        self.cache: list[LayerCache] = []
        self.pending: list[int] = []

    def generate(self, prompt_ids: Sequence[int], sampling: Sampling) -> TokenTurn:
        """Append `prompt_ids` to the conversation and sample the model's turn.

        Raises:
            PolicyError: the engine was closed or sampling failed.
        """
        return self._engine.submit(Turn(self, list(prompt_ids), sampling))

    def close(self) -> None:
        """Give the conversation's memory back."""
        self.cache, self.pending = [], []


class Engine:
    """A model that samples for many lanes. Thread-safe; one worker thread, which ends with `close`.

    Raises:
        ModelError: the model has layers that see only a part of the conversation, or keep no keys and values.
    """

    def __init__(self, model: PreTrainedModel, eos_id: int, *, max_batch: int | None = None) -> None:
        """`max_batch`: turns that are sampled at once; more wait. By default 32 on a CPU and 128 on a GPU."""
        kinds = set(getattr(model.config, "layer_types", None) or ()) - {"full_attention"}
        if kinds:
            raise ModelError(f"only models with full attention can be sampled here; this one has {', '.join(kinds)}")
        self.model, self.eos_id = model, eos_id
        self.max_batch = max_batch or (32 if model.device.type == "cpu" else 128)
        self._waiting: list[Turn] = []
        self._changed = threading.Condition()
        self._closed = False
        self._worker = threading.Thread(target=self._work, name="sampling", daemon=True)
        self._worker.start()

    def open_lane(self, seed: int) -> Lane:
        return Lane(self, seed)

    def submit(self, turn: Turn) -> TokenTurn:
        with self._changed:
            if self._closed:
                raise PolicyError("the sampling engine is closed")
            self._waiting.append(turn)
            self._changed.notify_all()
        return turn.done.result()

    def close(self) -> None:
        """End the worker; whoever still waits gets a `PolicyError`. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._worker.join()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed and not self._waiting:
                    return
            with torch.inference_mode(), _evaluating(self.model):
                self._serve(Batch(self.model, self.eos_id))

    def _serve(self, batch: Batch) -> None:
        """Sample until nobody waits any more."""
        joining: list[Turn] = []
        try:
            while (joining := self._take(self.max_batch - len(batch.turns))) or batch.turns:
                if self._closed:
                    raise PolicyError("the sampling engine was closed")
                if joining:
                    batch.admit(joining)
                else:
                    batch.step()
                for turn in batch.finished():
                    turn.done.set_result(turn.result(self.eos_id))
        except Exception as error:  # the model's fault must end the episodes, not hang their threads
            why = str(error) if isinstance(error, PolicyError) else f"sampling failed: {error}"
            for turn in {id(turn): turn for turn in (*joining, *batch.turns)}.values():
                if not turn.done.done():
                    turn.done.set_exception(PolicyError(why))

    def _take(self, room: int) -> list[Turn]:
        """Up to `room` of the turns that wait; all of them once the engine is closed."""
        with self._changed:
            room = len(self._waiting) if self._closed else room
            taken, self._waiting = self._waiting[:room], self._waiting[room:]
            return taken


@contextlib.contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """The model in evaluation mode, and back to what it was (a trainer may own it)."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
