"""Nothing of a sandbox is left when it ends, whatever ran in it and whoever ended it: a short run of the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("backend", ["namespace", pytest.param("docker", marks=pytest.mark.docker)])
def test_nothing_is_left(backend: str, house: Path) -> None:
    words = [sys.executable, str(house / "benchmarks/teardown.py"), "--backend", backend, "--times", "18", "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not any(json.loads(done.stdout)["left"].values()), done.stdout
