"""Settings by name."""

from __future__ import annotations

import pytest

from journeyman.training.checkpoint import TrainingError
from journeyman.training.grpo import GrpoSettings
from journeyman.training.hybrid import HybridSettings
from journeyman.training.overrides import with_changes


def test_values_take_the_kind_of_their_setting() -> None:
    found = with_changes(GrpoSettings(steps=3), ["state_share=0", "curriculum=false", "refills=5", "hybrid.cost=0.1"])
    assert found == GrpoSettings(
        steps=3, state_share=0.0, curriculum=False, refills=5, hybrid=HybridSettings(cost=0.1)
    )  # fmt: skip
    assert with_changes(found, ["hybrid=none"]).hybrid is None
    assert with_changes(found, []) == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("refills", "write NAME=VALUE"),
        ("refill=1", "no setting 'refill'; there are: .*refills"),
        ("refills=many", "refills: .*integer.*given 'many'"),
        ("hybrid.costs=1", "no setting 'hybrid.costs'; there are: .*hybrid.cost"),
        ("steps.more=1", "steps holds no others"),
        ("state_share=2", "state_share must be between 0 and 1"),
        ("hybrid.learned=0.9", "learned"),
        ("group_size=1", "at least 2"),
    ],
)
def test_what_is_no_setting_is_told_in_a_line(change: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said) as error:
        with_changes(GrpoSettings(), [change])
    assert "\n" not in str(error.value)
