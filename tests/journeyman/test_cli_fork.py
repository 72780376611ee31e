"""`journeyman fork` and `journeyman value`, as people and scripts call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.journeyman.conftest import Call


@pytest.fixture
def run(call: Call, task_folder: Path, backend: str, tmp_path: Path) -> str:
    """A recorded run of one episode of the oracle; its id."""
    done = call("run", task_folder, "--policy", "oracle", "--backend", backend, "--json")
    assert done.exit_code == 0, done.output
    return str(json.loads(done.stdout)["episodes"][0]["id"])


@pytest.mark.slow
def test_an_episode_is_forked_replayed_verified_and_listed(call: Call, run: str) -> None:
    forked = call("fork", run, "--at", 1, "--policy", "noop", "--json")
    assert forked.exit_code == 0, forked.output
    child = json.loads(forked.stdout)["episode"]
    origin = {"episode": run, "step": 1, "change": "policy", "detail": "noop", "seed": None}
    assert child["ancestry"] == origin
    assert f"forked from {run} after step 1, policy: noop" in call("replay", child["id"]).output
    assert call("replay", child["id"], "--verify").exit_code == 0
    (listed,) = json.loads(call("episode", "list", "--parent", run, "--json").stdout)["episodes"]
    assert (listed["id"], listed["parent"], listed["forked_at"]) == (child["id"], run, 1)
    assert f"← {run} after 1" in call("episode", "list").output
    told = call("fork", run, "--at", 0, "--hint", "look twice")
    assert told.exit_code == 0 and f"forked from {run} after step 0" in told.output
    assert call(*told.output.rsplit("· journeyman ", 1)[1].split(), "--no-pager").exit_code == 0, "as it says"


@pytest.mark.slow
def test_a_step_is_given_a_value_that_is_kept(call: Call, run: str) -> None:
    valued = call("value", run, "--samples", 1, "--policy", "noop", "--json")
    assert valued.exit_code == 0, valued.output
    means = [each["mean"] for each in json.loads(valued.stdout)["values"]]
    assert means[0] == 0.0 and means[-1] == 1.0
    again = call("value", run, "--samples", 1, "--policy", "noop")
    assert again.exit_code == 0 and "the beginning" in again.output and "1 sample" in again.output


def test_what_cannot_be_forked_is_one_clear_line(call: Call, run: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"tool": "fly"}')
    for words, message in (
        (["fork", run, "--at", "99"], "steps: fork at 0"),
        (["fork", run, "--at", "0", "--human", "--hint", "x"], "you go on yourself"),
        (
            ["fork", run, "--at", "0", "--hint", "x", "--edit-action", "bad.json"],
            "differs from its parent in one thing",
        ),
        (["fork", run, "--at", "0", "--edit-action", "none.json"], "cannot be read"),
        (["fork", run, "--at", "0", "--edit-action", "bad.json"], "no tool 'fly'"),
        (["fork", run, "--at", "0", "--policy", "nobody"], "no policy 'nobody'"),
        (["value", "zzz"], "no episode begins with 'zzz'"),
    ):
        shown = call(*words)
        assert shown.exit_code == 2 and message in shown.stderr and shown.stderr.count("\n") == 1, shown.output
