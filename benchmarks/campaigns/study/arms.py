"""How each policy of the study came about, and which it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

By = Literal[
    "nothing",
    "solutions",
    "lessons",
    "failures",
    "misreadings",
    "reports",
    "rankings",
    "record",
    "tests",
    "critiques",
    "flawed",
]


@dataclass(frozen=True, slots=True)
class Arm:
    """One policy."""

    name: str
    about: str
    by: By
    """What it learned from: nothing, demonstrations of solutions, those and other lessons, corrections of its own
    failures, those and names that were misread, those and its own reports put right, DPO on what critics ranked,
    DPO on this and on what the record says of its reports, GRPO by tests, GRPO by tests and critiques, or GRPO by tests
    and a reward model that is wrong on purpose."""
    parent: str = ""
    """The arm whose policy it was before."""
    changes: tuple[str, ...] = ()
    """Of GRPO's settings, each NAME=VALUE."""
    beside: str = ""
    """The arm that it is compared with; its parent by default."""
    fresh: bool = False
    """Whether GRPO plays tasks whose solutions no demonstration showed, instead of those that were shown."""
    rate: float = 1.0
    """GRPO's learning rate, in those of the other arms."""

    @property
    def rival(self) -> str:
        return self.beside or self.parent

    @property
    def lineage(self) -> list[Arm]:
        """Itself last, and before it all that its policy was."""
        before = ARMS[self.parent].lineage if self.parent else []
        return [*before, self]


_ALL = (
    Arm("base", "the model as it comes", "nothing"),
    Arm("sft", "SFT on solutions", "solutions", "base"),
    Arm("skills", "SFT on solutions, honest blocks, recoveries, personas", "lessons", "base", beside="sft"),
    Arm("mended", "then SFT on corrections of its own failures", "failures", "skills"),
    Arm("careful", "then SFT on these corrections and on names misread", "misreadings", "skills", beside="mended"),
    Arm("honest", "then SFT on these corrections and on its own reports", "reports", "skills", beside="mended"),
    Arm("rl", "then GRPO by tests", "tests", "skills"),
    Arm(
        "rl-fresh", "then GRPO by tests on tasks that it was not shown, at a higher rate", "tests", "skills",
        beside="rl", fresh=True, rate=2.5,
    ),
    Arm(
        "sft-rl", "SFT on solutions, then GRPO by tests on tasks that it was not shown, at a higher rate", "tests",
        "sft", fresh=True, rate=2.5,
    ),
    Arm("rl-critiques", "then GRPO by tests and critiques", "critiques", "skills", beside="rl"),
    Arm("dpo", "then DPO on the same critiques", "rankings", "skills", beside="rl"),
    Arm(
        "dpo-record", "then DPO on these and on what the record says of its own reports", "record", "skills",
        beside="dpo",
    ),
    Arm("rl-flawed", "then GRPO by tests and a reward model that is wrong on purpose", "flawed", "skills", beside="rl"),
    Arm("rl-graded", "GRPO, the graded reward alone", "tests", "skills", ("hybrid=none",), "rl"),
    Arm("rl-no-correction", "GRPO, no self-correction", "tests", "skills", ("hybrid.self_correction=0",), "rl"),
    Arm(
        "rl-no-milestones", "GRPO, no milestones", "tests", "skills",
        ("hybrid.milestones=0", "milestone_credit=false"), "rl",
    ),
    Arm(
        "rl-no-curriculum", "GRPO, no curriculum", "tests", "skills", ("curriculum=false", "from_within=false"), "rl",
    ),
    Arm("rl-no-refills", "GRPO, dull groups kept", "tests", "skills", ("refills=0",), "rl"),
    Arm("rl-whole", "GRPO, whole episodes compared", "tests", "skills", ("state_share=0",), "rl"),
)  # fmt: skip
ARMS = {arm.name: arm for arm in _ALL}
MAIN = ("base", "sft", "skills", "mended", "rl", "rl-critiques")
ABLATIONS = ("rl-no-milestones", "rl-no-correction", "rl-no-curriculum")


def named(names: str) -> list[Arm]:
    """The arms that are asked for, parents first; "main", "ablations" and "all" stand for several.

    Raises:
        ValueError: there is no such arm.
    """
    wanted: list[str] = []
    for name in names.split(","):
        wanted += {"main": MAIN, "ablations": ABLATIONS, "all": tuple(ARMS)}.get(name, (name,))
    if unknown := [name for name in wanted if name not in ARMS]:
        raise ValueError(f"no arm {unknown[0]!r}; there are: {', '.join(ARMS)}, main, ablations, all")
    return [arm for arm in _ALL if arm.name in wanted]
