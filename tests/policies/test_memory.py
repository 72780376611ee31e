"""A process that trains keeps what it frees, and gives it back when it has trained."""

from __future__ import annotations

import subprocess
import sys

import pytest

from journeyman.policies.memory import gives_memory_back

TRAINS = """
import sys
import torch
from journeyman.policies.memory import gives_memory_back, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

@gives_memory_back
def train():
    keep_freed_memory()
    parts = [torch.ones(2**20) for _ in range(64)]  # 256 MiB, between things that stay
    kept = [bytes(100) for _ in range(1000)]
    parts.append(parts)  # as a trainer and its parts do
    del parts
    return kept, resident()

before = resident()
kept, held = train()
print(held - before > 200, resident() - before < 60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory is resident")
def test_memory_is_kept_while_training_and_given_back_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True)
    assert done.stdout == "True True\n", done.stdout + done.stderr


def test_what_is_trained_and_what_fails_come_through() -> None:
    @gives_memory_back
    def train(model: str, *, steps: int) -> str:
        """Train it."""
        if not steps:
            raise ValueError("no steps")
        return model * steps

    assert train("a", steps=2) == "aa" and train.__doc__ == "Train it."
    with pytest.raises(ValueError, match="no steps"):
        train("a", steps=0)
