"""What is known of a model's training is said, and so is what nobody can know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.tasks.sources.likeness import Likeness
from journeyman.training.contamination import Lineage, lineage_of, model_of, weights_digest
from journeyman.training.lineage import remember
from tests.making import tiny_task


def trained(run: Path, *tasks: str) -> str:
    """A training run as it stands when it is done; its model."""
    (run / "model").mkdir(parents=True)
    remember(run, [Likeness(task) for task in tasks], "")
    (run / "done.json").write_text(json.dumps({"settings": {"model": "smollm2-135m"}}))
    (run / "model" / "config.json").write_text("{}")
    return str(run / "model")


@pytest.mark.parametrize("policy", ["oracle", "noop", "mistaken", "random", "human"])
def test_where_no_model_acts_nothing_was_learned(policy: str) -> None:
    assert str(lineage_of(policy, [])) == "no model acts"


@pytest.mark.parametrize("policy", ["local:smollm2-135m", "local:org/model@json", "endpoint:http://here/v1#gpt"])
def test_what_published_weights_had_read_is_unknown(policy: str) -> None:
    lineage = lineage_of(policy, [])
    assert not lineage.origin_known
    assert str(lineage) == "none of its training is recorded; what its published weights had read is unknown"


def test_the_random_model_has_read_nothing() -> None:
    assert lineage_of("local:tiny", []) == Lineage("tiny", origin_known=True)


def test_kin_are_counted(tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "made")
    apart = lineage_of(f"local:{trained(tmp_path / 'apart', 'other')}@lines", [task])
    assert str(apart).startswith("trained here on 1 tasks, none of these is kin of them; what its published")
    kin = lineage_of(f"local:{trained(tmp_path / 'kin', task.name, 'other')}", [task])
    assert (kin.trained_on, kin.kin) == (2, 1)
    assert Lineage(**kin.to_dict()) == kin


def test_a_dialect_is_no_part_of_a_models_name() -> None:
    assert model_of("local:runs/a@b/model@json") == "runs/a@b/model"
    assert model_of("local:runs/a@b") == "runs/a@b"


def test_weights_are_told_apart_by_content(tmp_path: Path) -> None:
    first, second = trained(tmp_path / "a"), trained(tmp_path / "b")
    assert weights_digest(first) == weights_digest(second)
    (Path(second) / "model.safetensors").write_bytes(b"\x00")
    assert weights_digest(first) != weights_digest(second)
    assert weights_digest(first).startswith("sha256:")


@pytest.mark.slow
def test_published_weights_are_told_apart_by_their_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub's cache holds of a model, as its own library lays it out."""
    from transformers.utils.hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert weights_digest("org/never-fetched") == ""
    commit, cached = "0" * 39 + "1", tmp_path / "models--org--model"
    (cached / "snapshots" / commit).mkdir(parents=True)
    (cached / "snapshots" / commit / "config.json").write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    assert weights_digest("org/model") == f"revision:{commit}"
