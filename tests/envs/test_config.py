"""Settings are part of the record: they travel as plain data, and a wrong one is named."""

from __future__ import annotations

import json

import pytest

from journeyman.envs.config import ConfigError, EnvConfig


def test_settings_come_back_from_json() -> None:
    config = EnvConfig(max_steps=7, window_lines=24, test_scope="failing", milestone_weight=0.25)
    assert EnvConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"windows": 3}, "windows"),
        ({"malformed_limit": 1}, "malformed_limit"),
        ({"milestone_weight": 2}, "milestone_weight"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        EnvConfig.from_dict(settings)
