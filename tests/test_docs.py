"""The README and the pages tell the truth: what they say to type works, in the order in which it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/compiling.md",
    "docs/environment.md",
    "docs/episodes.md",
    "docs/evaluation.md",
    "docs/feedback.md",
    "docs/formats.md",
    "docs/guidelines.md",
    "docs/honesty.md",
    "docs/in-episode-reviews.md",
    "docs/preferences.md",
    "docs/presets.md",
    "docs/review-queue.md",
    "docs/reviewing.md",
    "docs/reward-model.md",
    "docs/rewards.md",
    "docs/rounds.md",
    "docs/samplers.md",
    "docs/sandbox.md",
    "docs/scale.md",
    "docs/sft.md",
    "docs/training.md",
    "docs/trajectories.md",
    "docs/viewing.md",
)
NEEDS = {"docs/samplers.md": "xllamacpp", "docs/scale.md": "ray"}
"""What a page needs that not everybody has installed."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def steps(page: str) -> list[tuple[str, str]]:
    """(language, text) of every block that is to be run. What compares with a later block's result comes after it."""
    blocks = [(language, text) for language, text in BLOCK.findall((HOUSE / page).read_text(encoding="utf-8"))]
    return sorted(blocks, key=lambda block: "--against" in block[1])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_what_is_typed_works(page: str, tmp_path: Path) -> None:
    if page in NEEDS:
        pytest.importorskip(NEEDS[page])
    found = steps(page)
    assert found
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for language, text in found:
        assert language in ("sh", "python"), f"{page}: a block in {language} is not tested"
        # The two commands of the house take the house itself to run: here they are only looked up.
        script = re.sub(r"^make (\w+)", rf"make --dry-run --directory '{HOUSE}' \1 >/dev/null", text, flags=re.M)
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-ec", script]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{page}:\n{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize(
    "page",
    [
        *PAGES,
        "docs/tasks.md",
        "docs/task-format.md",
        "docs/grading.md",
        "docs/security.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ],
)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in LINK.findall((HOUSE / page).read_text(encoding="utf-8")):
        assert ((HOUSE / page).parent / target).exists(), f"{page}: {target} does not exist"
