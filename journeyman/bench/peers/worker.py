"""The process in which one row is measured: JSON lines in, JSON lines out.

    {"op": "setup", "peer": "bare:Bare", "setup": {…}, "docker": false}   → version, warm, group
    {"op": "round"} {"op": "rate", "lanes": 16, "seconds": 8, "warm": true} {"op": "idle", "count": 8}
    {"op": "hostile", "token": "000123"} {"op": "fork", "change": "bytes"} {"op": "reset", "repository": "…"}

An answer is {"ok": …} or {"error": what}. It ends at the end of its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from . import measure
from .box import Peer, Setup
from .host import Processor


class Worker:
    peer: Peer
    processor: Processor

    def setup(self, peer: str, setup: dict[str, str], docker: bool) -> dict[str, Any]:
        self.processor = Processor(self._containers if docker else None)
        module, _, name = peer.partition(":")
        self.peer = getattr(importlib.import_module(f".{module}", __package__), name)(Setup(**setup))
        return {
            "version": self.peer.version(),
            "warm": self.peer.has_warm_tests(),
            "group": self.processor.group,
        }

    def _containers(self) -> set[str]:
        return self.peer.containers()

    def round(self) -> dict[str, Any]:
        return measure.one_round(self.peer)

    def rate(self, lanes: int, seconds: float, warm: bool) -> dict[str, float]:
        return measure.rate(self.peer, self.processor, lanes, seconds, warm=warm)

    def idle(self, count: int) -> dict[str, float | None]:
        return measure.idle(self.peer, count)

    def hostile(self, token: str) -> dict[str, float]:
        return measure.hostile(self.peer, token)

    def fork(self, change: str) -> float:
        return measure.forked(self.peer, change)

    def reset(self, repository: str) -> float:
        return measure.opened(self.peer, repository)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is no answer
    worker = Worker()
    for row in sys.stdin:
        request: dict[str, Any] = json.loads(row)
        call: Callable[..., Any] = getattr(worker, request.pop("op"))
        try:
            answer: dict[str, Any] = {"ok": call(**request)}
        except Exception as error:
            traceback.print_exc()
            kind = "missing" if isinstance(error, ImportError) else "error"
            answer = {kind: f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    if hasattr(worker, "peer"):
        worker.peer.end()
