"""`journeyman claims`: what reports claim against the record, and the benchmark for judges of it."""

from __future__ import annotations

import json
from pathlib import Path

from journeyman.envs.store import EpisodeStore
from tests.envs.feedback.saying import episode, step
from tests.journeyman.conftest import Call


def test_a_run_is_checked_claim_by_claim(call: Call, tmp_path: Path) -> None:
    report = step("report", summary="", claims=[{"kind": "tests_run"}, {"kind": "changed", "subject": "a\x1b[31m.py"}])
    with EpisodeStore(tmp_path / "runs" / "r") as store:
        store.add(episode([report], "0001-aaaa"))
        store.add(episode([step()], "0002-bbbb"))
    done = call("claims", "check", "r")
    assert done.exit_code == 1 and "tests_run: contradicted (no test run shows it)" in done.stdout
    assert "\x1b" not in done.stdout and "2 episodes, 1 without a claim; 0 supported, " in done.stdout
    found = json.loads(call("claims", "check", str(store.folder), "--json").stdout)
    assert found["episodes"][0]["claims"][0]["standing"] == "contradicted"
    assert call("claims", "check", "nowhere").exit_code == 2


def test_the_hand_labelled_claims_are_measured_without_a_sandbox(call: Call) -> None:
    done = call("claims", "bench", "--hand", "--split", "all", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0 and found["claims"] >= 100 and found["ms"]["median"] < 50
    assert set(found["by kind"]) == {"tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked"}
    assert "precision" in call("claims", "bench", "--hand").stdout


def test_a_data_set_is_exported_and_predictions_scored_on_it(call: Call, tmp_path: Path) -> None:
    out = tmp_path / "claims"
    done = call("claims", "export", str(out), "--hand")
    assert done.exit_code == 0 and "README.md is the card" in done.stdout
    rows = [json.loads(line) for line in (out / "data" / "test.jsonl").read_text().splitlines()]
    mine = tmp_path / "mine.jsonl"
    mine.write_text("".join(json.dumps({"id": row["id"], "label": "supported", "score": 0.5}) + "\n" for row in rows))
    found = json.loads(call("claims", "score", str(mine), "--data", str(out), "--json").stdout)
    assert found["auroc"] == 0.5 and found["labels"]["supported"]["recall"]["value"] == 1
    assert "AUROC 0.500" in call("claims", "score", str(mine), "--data", str(out)).stdout
    done = call("claims", "score", str(mine), "--data", str(out), "--split", "all")
    assert done.exit_code == 2 and "without a prediction" in done.stderr
    assert call("claims", "score", str(mine), "--data", str(tmp_path / "none")).exit_code == 2
    assert call("claims", "export", str(tmp_path), "--hand").exit_code == 2
