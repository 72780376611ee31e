"""The losses are TRL's, over the policy's tokens alone: against a loss by hand, TRL itself, and other observations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.nn.functional import logsigmoid, sigmoid
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from journeyman.policies.models import load_model
from journeyman.training import trl_preferences
from journeyman.training.preference_rows import LabelRow, PairRow
from journeyman.training.sft import adapters
from journeyman.training.tokens import TokenRow
from journeyman.training.trl_preferences import (
    MaskedDpoTrainer,
    MaskedKtoTrainer,
    label_columns,
    log_probabilities,
    pair_columns,
)
from tests.training.preferring import row

BETA = 0.3
PAIRS = (
    PairRow("t", row((50, 51), (60, 61, 62), (52, 2), (90, 91)), row((50, 70), (60,), (71, 2), (92, 93))),
    PairRow("u", row((53, 2)), row((54, 55, 56, 2), prompt=(1, 40, 44, 45))),
)
LABELS = (
    *(LabelRow(pair.task, pair.chosen, True) for pair in PAIRS),
    *(LabelRow(pair.task, pair.rejected, False) for pair in PAIRS),
)


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "output_dir": str(folder), "per_device_train_batch_size": 4, "learning_rate": 1e-2, "num_train_epochs": 3,
        "max_length": None, "beta": BETA, "bf16": False, "use_cpu": True, "report_to": "none", "logging_steps": 1,
        "disable_tqdm": True, "save_strategy": "no", "remove_unused_columns": False, "activation_checkpointing": False,
        "precompute_ref_log_probs": True, "dataloader_pin_memory": False, **changes,
    }  # fmt: skip


def dpo(folder: Path, rows: tuple[PairRow, ...] = PAIRS, **changes: Any) -> MaskedDpoTrainer:
    model, tokenizer = load_model("tiny", to_train=True)
    return MaskedDpoTrainer(
        model=model, args=DPOConfig(**settings(folder)), pad_token_id=0, train_dataset=pair_columns(rows),
        processing_class=tokenizer, **changes,
    )  # fmt: skip


def kto(folder: Path, rows: tuple[LabelRow, ...] = LABELS, **changes: Any) -> MaskedKtoTrainer:
    model, tokenizer = load_model("tiny", to_train=True)
    weights = {"desirable_weight": 1.5, "undesirable_weight": 1.0}
    return MaskedKtoTrainer(
        model=model, args=KTOConfig(**settings(folder, **weights)), pad_token_id=0,
        train_dataset=label_columns(rows, 4), processing_class=tokenizer, **changes,
    )  # fmt: skip


def shaken(model: Any) -> Any:
    """The model some way off from where it was, always the same way."""
    torch.manual_seed(7)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.requires_grad:
                weights += 0.05 * torch.randn_like(weights)
    return model


def log_probability(model: Any, each: TokenRow) -> torch.Tensor:
    """Of a row's own tokens, one after the other."""
    logits_S_V = model(input_ids=torch.tensor([each.ids])).logits[0]
    logprobs = [logits_S_V[i - 1].log_softmax(-1)[each.ids[i]] for i, own in enumerate(each.trained) if own]
    return torch.stack(logprobs).sum()


def loss_and_gradients(trainer: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    batch = trainer._prepare_inputs(trainer.data_collator(list(trainer.train_dataset)))
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return loss.detach(), gradients(trainer.model)


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {name: weights.grad for name, weights in model.named_parameters() if weights.grad is not None}


def dpo_by_hand(model: Any, reference: Any) -> torch.Tensor:
    with torch.no_grad():
        before = [log_probability(reference, p.chosen) - log_probability(reference, p.rejected) for p in PAIRS]
    now = [log_probability(model, pair.chosen) - log_probability(model, pair.rejected) for pair in PAIRS]
    return -logsigmoid(BETA * (torch.stack(now) - torch.stack(before))).mean()


def kto_by_hand(model: Any, reference: Any) -> torch.Tensor:
    """Equation 7 of the paper, with what follows one prompt read after the next one for the KL term."""
    mixed = []
    for number, each in enumerate(LABELS):
        prompt, other = each.row, LABELS[number - 1].row
        rest = slice(other.prompt_length, None)
        own = ((False,) * prompt.prompt_length) + other.trained[rest]
        mixed.append(TokenRow(prompt.ids[: prompt.prompt_length] + other.ids[rest], own, ()))
    with torch.no_grad():
        gone = [log_probability(model, each) - log_probability(reference, each) for each in mixed]
        kl = torch.stack(gone).mean().clamp(min=0)
        before = [log_probability(reference, label.row) for label in LABELS]
    losses = []
    for label, then in zip(LABELS, before, strict=True):
        gained = log_probability(model, label.row) - then
        losses.append(
            1.5 * (1 - sigmoid(BETA * (gained - kl))) if label.desirable else 1 - sigmoid(BETA * (kl - gained))
        )
    return torch.stack(losses).mean()


@pytest.mark.parametrize(("make", "by_hand"), [(dpo, dpo_by_hand), (kto, kto_by_hand)], ids=["dpo", "kto"])
def test_loss_and_gradients_are_those_of_the_policys_tokens(
    make: Callable[..., Any], by_hand: Callable[..., torch.Tensor], tmp_path: Path
) -> None:
    trainer = make(tmp_path)
    reference, model = load_model("tiny", to_train=True)[0], shaken(load_model("tiny", to_train=True)[0])
    trainer.model.load_state_dict(model.state_dict())
    loss, found = loss_and_gradients(trainer)
    expected = by_hand(model, reference)
    expected.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert abs(loss.item() - (0.6931 if make is dpo else 0.625)) > 1e-2, "the model is not where it began"
    wanted = gradients(model)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert torch.allclose(found[name], gradient, atol=1e-5), name


@pytest.mark.parametrize("make", [dpo, kto], ids=["dpo", "kto"])
def test_what_is_observed_last_changes_nothing(make: Callable[..., Any], tmp_path: Path) -> None:
    """No action follows it, so it could only matter as something that the policy is held to have said."""

    def other(each: TokenRow) -> TokenRow:
        said = max(i for i, own in enumerate(each.trained) if own) + 1
        return TokenRow(each.ids[:said] + (99,) * (len(each.ids) - said), each.trained, (), (), each.prompt_length)

    if make is dpo:
        changed: Any = tuple(PairRow(pair.task, other(pair.chosen), other(pair.rejected)) for pair in PAIRS)
    else:
        changed = tuple(LabelRow(label.task, other(label.row), label.desirable) for label in LABELS)
    results = []
    for rows in (PAIRS if make is dpo else LABELS, changed):
        trainer = make(tmp_path, rows)
        shaken(trainer.model)
        results.append(loss_and_gradients(trainer))
    (loss, found), (loss_changed, found_changed) = results
    assert loss == loss_changed
    assert all(found[name].equal(found_changed[name]) for name in found)


@pytest.mark.parametrize("make", [dpo, kto], ids=["dpo", "kto"])
def test_what_rows_begin_with_in_common_is_read_once(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, read = [], []
    for most in (0, trl_preferences.MOST_LOGITS):
        monkeypatch.setattr(trl_preferences, "MOST_LOGITS", most)
        trainer = make(tmp_path)
        shaken(trainer.model)
        tokens: list[int] = []
        hook = trainer.model.get_input_embeddings().register_forward_hook(
            lambda _, args, __, tokens=tokens: tokens.append(args[0].numel())
        )
        results.append((*loss_and_gradients(trainer), trainer._metrics["train"]))
        hook.remove()
        read.append(sum(tokens))
    (loss, found, metrics), (loss_once, found_once, metrics_once) = results
    assert loss_once.item() == pytest.approx(loss.item(), abs=1e-6)
    assert all(torch.allclose(found_once[name], found[name], atol=1e-6) for name in found)
    assert read[1] < read[0] / 1.3, read
    for name, values in metrics.items():
        assert metrics_once[name] == pytest.approx(values, abs=1e-4), name


@pytest.fixture
def read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read as TRL reads them, to the last bit: an optimiser makes much of a gradient that is nearly none."""
    monkeypatch.setattr(trl_preferences, "MOST_LOGITS", 0)


def unmasked(columns: Dataset, names: dict[str, str]) -> Dataset:
    """TRL's own columns, with masks that let everything count."""
    kept = columns.select_columns(["prompt_ids", *names, *({"label"} & {*columns.column_names})])
    for ids, mask in names.items():
        kept = kept.add_column(mask, [[1] * len(each) for each in columns[ids]])
    return kept


@pytest.mark.slow
@pytest.mark.parametrize("peft", [None, adapters(4)], ids=["all weights", "adapters"])
@pytest.mark.usefixtures("read_whole")
def test_dpo_with_nothing_masked_is_trls(peft: Any, tmp_path: Path) -> None:
    texts = [{"prompt": f"fix {i}: ", "chosen": f"return {i}", "rejected": "pass" * (i + 1)} for i in range(6)]
    model, tokenizer = load_model("tiny", to_train=True)
    plain = DPOTrainer(
        model=model, args=DPOConfig(**settings(tmp_path / "trl", precompute_ref_log_probs=False)), peft_config=peft,
        train_dataset=Dataset.from_list(texts), processing_class=tokenizer,
    )  # fmt: skip
    columns = unmasked(plain.train_dataset, {"chosen_ids": "chosen_mask", "rejected_ids": "rejected_mask"})
    model, tokenizer = load_model("tiny", to_train=True)
    ours = MaskedDpoTrainer(
        model=model, args=DPOConfig(**settings(tmp_path / "ours")), pad_token_id=0, train_dataset=columns,
        processing_class=tokenizer, peft_config=peft,
    )  # fmt: skip
    assert_alike(plain, ours)


@pytest.mark.slow
@pytest.mark.usefixtures("read_whole")
def test_kto_with_nothing_masked_is_trls(tmp_path: Path) -> None:
    texts = [{"prompt": f"fix {i}: ", "completion": f"return {i}", "label": i % 3 == 0} for i in range(8)]
    model, tokenizer = load_model("tiny", to_train=True)
    plain = KTOTrainer(
        model=model, args=KTOConfig(**settings(tmp_path / "trl", precompute_ref_log_probs=False)),
        train_dataset=Dataset.from_list(texts), processing_class=tokenizer,
    )  # fmt: skip
    names = {"completion_ids": "completion_own", "KL_completion_ids": "KL_completion_own"}
    columns: Any = plain.train_dataset
    model, tokenizer = load_model("tiny", to_train=True)
    ours = MaskedKtoTrainer(
        model=model, args=KTOConfig(**settings(tmp_path / "ours")), pad_token_id=0,
        train_dataset=unmasked(columns, names), processing_class=tokenizer,
    )  # fmt: skip
    rows = [
        LabelRow("t", row(tuple(done), prompt=tuple(prompt)), label)
        for prompt, done, label in zip(*(columns[n] for n in ("prompt_ids", "completion_ids", "label")), strict=True)
    ]
    assert label_columns(rows, 4)["KL_completion_ids"] == columns["KL_completion_ids"]
    assert_alike(plain, ours)


def assert_alike(plain: Any, ours: Any) -> None:
    plain.train()
    ours.train()
    losses = [[entry["loss"] for entry in each.state.log_history if "loss" in entry] for each in (plain, ours)]
    assert len(losses[0]) == 6 and losses[0][-1] < 0.9 * losses[0][0], "it learns something"
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    first, second = plain.model.state_dict(), ours.model.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.allclose(first[name], second[name], atol=1e-5) for name in first)


@pytest.mark.slow
def test_the_reference_of_adapters_is_the_model_without_them(tmp_path: Path) -> None:
    trainer: Any = dpo(tmp_path, peft_config=adapters(4))
    reference = load_model("tiny", to_train=True)[0]
    with torch.no_grad():
        expected = [log_probability(reference, pair.chosen).item() for pair in PAIRS]
    assert trainer.ref_model is None
    assert trainer.train_dataset["ref_chosen_logps"] == pytest.approx(expected, abs=1e-4)
    both = [*expected, *trainer.train_dataset["ref_rejected_logps"]]
    assert log_probabilities(trainer, trainer.train_dataset, 1, "") == pytest.approx(both, abs=1e-4), (
        "new ones do nothing"
    )
    shaken(trainer.model)
    batch = trainer._prepare_inputs(trainer.data_collator(list(trainer.train_dataset)))
    chosen, _ = trainer.compute_ref_log_probs(trainer.model, batch)
    assert chosen.tolist() == pytest.approx(expected, abs=1e-4), "adapters are off for the reference"
    now = log_probabilities(trainer, trainer.train_dataset, 1, "")
    assert abs(now[0] - expected[0]) > 1e-2, "and on for the policy"


def test_a_last_batch_of_one_row_takes_its_neighbours_completion() -> None:
    columns = label_columns(LABELS[:3], 2)
    ends = [label.row.ids[label.row.prompt_length :] for label in LABELS[:3]]
    assert [tuple(ids) for ids in columns["KL_completion_ids"]] == [ends[1], ends[0], ends[1]]
