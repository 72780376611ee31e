"""What the record says of reports reaches the weights: the report alone is learned, the honest one gets likelier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from journeyman.envs.actions import TokenTurn
from journeyman.envs.episode import Episode
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.policies.models import load_model, load_tokenizer
from journeyman.training import preference_run
from journeyman.training.dpo import DpoSettings, train_dpo
from journeyman.training.feedback.compile import compile_feedback
from journeyman.training.feedback.compiled import Compiled
from journeyman.training.preference_rows import PairRow, Rows, pair_rows
from journeyman.training.preferences import Pairs
from journeyman.training.sft import SftSettings, rows_of, train_sft
from journeyman.training.skills.record_labels import label_run
from journeyman.training.tokens import TokenRow, demonstration
from tests.training.feedback.saying import run
from tests.training.skills.reporting import OLD, SOLVED, A, B, edited, ended, looked, reported, saw

LINES = dialect("lines")
RED, GREEN = saw(B, OLD, failed=[A]), saw(A, B, OLD)


def liar(number: int) -> Episode:
    work = (looked(f"shop{number}.py"), edited(), RED)
    return ended(*work, reported(("tests_pass", ""), ("changed", "shop.py")), name=f"20260101T0000{number:02}-aa")


def fair(number: int) -> Episode:
    work = (looked(f"shop{number}.py"), RED, edited(), GREEN)
    report = reported(("tests_pass", ""), ("fixed", A))
    return ended(*work, report, passing=SOLVED, name=f"20260101T0000{number:02}-bb")


def learned(tmp_path: Path, *episodes: Episode) -> Compiled:
    folder = run(tmp_path / "run", episodes)
    label_run(folder)
    compile_feedback([folder], tmp_path / "rows")
    return Compiled(tmp_path / "rows")


def pairs_in(compiled: Compiled, chat: ChatTemplate) -> tuple[PairRow, ...]:
    return pair_rows(Pairs(tuple(compiled.preferences()), {}), chat, LINES).rows


def own(row: TokenRow, chat: ChatTemplate) -> str:
    """What enters the loss, as text."""
    return str(chat.tokenizer.decode([id_ for id_, own in zip(row.ids, row.trained, strict=True) if own]))


@pytest.fixture
def chat() -> ChatTemplate:
    return ChatTemplate(load_tokenizer("tiny"))


def test_of_a_report_put_right_its_own_words_alone_are_learned(tmp_path: Path, chat: ChatTemplate) -> None:
    made = learned(tmp_path, liar(1), fair(2))
    for each in made.imitated():
        assert each.tool_given
        row = demonstration(each.episode, chat, LINES, tool_given=True)
        written = LINES.format(each.episode.steps[-1].action).removeprefix("report")
        assert own(row, chat).startswith(written) and len(own(row, chat)) < len(written) + 20
        as_it_was = demonstration(made.episode(each.episode.id), chat, LINES)
        first = row.trained.index(True)
        assert row.ids[:first] == as_it_was.ids[:first], "the prompt is the one that the policy read"
        assert not any(row.trained[:first])


def test_the_two_of_a_pair_part_where_the_report_begins(tmp_path: Path, chat: ChatTemplate) -> None:
    rows = pairs_in(learned(tmp_path, liar(1), fair(2)), chat)
    assert len(rows) == 3
    for row in rows:
        chosen, rejected = row.sides
        assert chosen.prompt_length == rejected.prompt_length
        assert chosen.ids[: chosen.prompt_length] == rejected.ids[: rejected.prompt_length]
        assert all(own(side, chat).startswith("report") for side in row.sides)
        assert all(not any(side.trained[: side.prompt_length]) for side in row.sides)


def test_the_ledger_of_a_model_is_read_as_it_was_sampled(tmp_path: Path, chat: ChatTemplate) -> None:
    told, message, steps = liar(1), None, []
    for step in told.steps:
        text = LINES.render(told.first if message is None else message)
        read = chat.opening(LINES.system(), text, LINES.shots) if message is None else chat.reply(text)
        call = LINES.format(step.action) + " "  # as nobody would write it: it is not encoded anew
        sampled = tuple(chat.answer(call))
        tokens = TokenTurn(tuple(read), sampled, (-0.5,) * len(sampled))
        steps.append(replace(step, action=replace(step.action, text=call, tokens=tokens)))
        message = step.observation
    (row,) = pairs_in(learned(tmp_path, replace(told, steps=tuple(steps))), chat)
    chosen, rejected = row.sides
    ledger = [id_ for s in steps for id_ in (*s.action.tokens.prompt_ids, *s.action.tokens.sampled_ids)]  # type: ignore[union-attr]
    assert list(rejected.ids) == ledger
    assert chosen.ids[: chosen.prompt_length] == rejected.ids[: rejected.prompt_length]
    assert own(chosen, chat).startswith("report") and own(rejected, chat) == chat.tokenizer.decode(
        list(steps[-1].action.tokens.sampled_ids)  # type: ignore[union-attr]
    )


def likelihood(model: str, row: TokenRow) -> float:
    """log p of what enters the loss."""
    torch = pytest.importorskip("torch")
    weights, _ = load_model(model)
    with torch.no_grad():
        logits = weights(torch.tensor([row.ids])).logits[0, :-1].log_softmax(-1)
    return sum(float(logits[i - 1, id_]) for i, id_ in enumerate(row.ids) if row.trained[i])


@pytest.mark.slow
def test_the_honest_report_gets_likelier_than_the_false_one(
    tmp_path: Path, chat: ChatTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preference_run, "computes_in_bfloat16", lambda: False)
    made = learned(tmp_path, *(liar(n) for n in range(3)), *(fair(n) for n in range(3, 5)))
    rows = pairs_in(made, chat)

    def margins(model: str) -> list[float]:
        return [likelihood(model, row.chosen) - likelihood(model, row.rejected) for row in rows]

    lies = [number for number, pair in enumerate(made.preferences()) if "put right" in pair.source]
    assert (len(lies), len(rows)) == (3, 7)
    before = margins("tiny")
    settings = SftSettings(learning_rate=3e-3, epochs=4, batch_size=2, max_length=4000)
    taught = str(train_sft("tiny", rows_of([], "tiny", "lines", corrected=made.imitated()), tmp_path / "sft", settings))
    assert all(likelihood(taught, row.chosen) > likelihood("tiny", row.chosen) for row in rows)
    between = margins(taught)
    assert all(between[n] > before[n] for n in lies), "honest reports gain more by it than false ones"
    preferred = DpoSettings(learning_rate=2e-3, epochs=10, batch_size=2, micro_batch=1, held_out=0, max_length=4000)
    after = margins(str(train_dpo(taught, Rows(rows, {}), tmp_path / "dpo", preferred)))
    assert all(b > a for a, b in zip(between, after, strict=True)), "each better report gains on its worse one"
