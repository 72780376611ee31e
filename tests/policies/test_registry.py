"""Policies are named on the command line; a wrong name or option says what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.policies.endpoint import EndpointPolicy
from journeyman.policies.policy import Policy, PolicyError
from journeyman.policies.registry import make_policy, read_local
from tests.making import tiny_task


@pytest.mark.parametrize(
    "spec",
    ["noop", "random", "oracle", "mistaken", "misreading", "human", "oracle+terse-senior", "mistaken+patient-mentor"],
)
def test_a_policy_is_made_by_its_name(spec: str, tmp_path: Path) -> None:
    policy = make_policy(spec, tiny_task(tmp_path))
    assert isinstance(policy, Policy)
    assert policy.name == spec


def test_an_endpoint_is_named_by_address_and_model(tmp_path: Path) -> None:
    policy = make_policy("endpoint:http://localhost:8000/v1#org/coder", tiny_task(tmp_path), dialect="lines")
    assert isinstance(policy, EndpointPolicy)
    assert policy.name == "endpoint:org/coder"


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("oracel", {}, r"no policy 'oracel'; there are: noop, random, oracle"),
        ("oracle+pirate", {}, "no policy 'oracle.pirate'"),
        ("noop:x", {}, "no policy 'noop:x'"),
        ("local:", {}, "no policy 'local:'"),
        ("noop", {"speed": 3}, "policy noop: options are none, not speed"),
        ("oracle", {"test_first": True}, "options are with_test_first, not test_first"),
        ("endpoint:localhost#coder", {}, "needs an http"),
        ("endpoint:http://localhost:8000/v1", {}, "needs an http"),
        ("endpoint:http://localhost#m", {"dialect": "xml"}, "no dialect 'xml'"),
        ("endpoint:http://localhost#m", {"temprature": 1}, "options are dialect, temperature"),
    ],
)
def test_a_wrong_name_or_option_says_what_there_is(
    spec: str, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        make_policy(spec, tiny_task(tmp_path), **options)


def test_an_oracle_needs_a_solution(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no reference solution"):
        make_policy("oracle", tiny_task(tmp_path, solution=None))


@pytest.mark.parametrize(
    ("rest", "model", "settings"),
    [
        ("tiny", "tiny", {}),
        ("runs/sft/model@json", "runs/sft/model", {"dialect": "json"}),
        ("org/coder@lines@llamacpp", "org/coder", {"dialect": "lines", "sampler": "llamacpp"}),
        ("org/coder@llamacpp", "org/coder", {"sampler": "llamacpp"}),
        ("a@b/model", "a@b/model", {}),
    ],
)
def test_a_local_models_name_may_end_with_how_it_talks_and_samples(
    rest: str, model: str, settings: dict[str, str]
) -> None:
    assert read_local(rest) == (model, settings)
