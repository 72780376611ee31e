"""Episodes as tokens: what was sampled stays what was sampled, and of a fork its own part alone is learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Change, Episode, Step, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.envs.store import EpisodeStore
from journeyman.policies.fork import Branch, Different
from journeyman.policies.local import LocalModel
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.training.preference_rows import PairRow, Rows, conversation, pair_rows
from journeyman.training.preferences import NoPreferencesError, pairs_of
from journeyman.training.tokens import TokenRow, demonstration, sampled
from tests.making import FIX, tiny_task
from tests.training.preferring import episode, forked, report, view


@pytest.fixture
def model(tiny: tuple[Any, Any]) -> Iterator[LocalModel]:
    settings = LocalSettings(dialect="lines", max_turn_tokens=5, max_episode_tokens=8000, temperature=1.0)
    with LocalModel(*tiny, name="tiny", settings=settings) as made:
        yield made


def play(policy: Any, *, steps: int, parent: Episode | None = None, at: int = 0, seed: int = 0) -> Episode:
    """A policy's episode against a wall that always answers alike, or its continuation of another's first steps."""
    policy.start(seed=seed)
    first = seen = Observation("Fix it.")
    done: list[Step] = []
    for step in parent.steps[:at] if parent is not None else ():
        if hasattr(policy, "remember"):
            policy.remember(seen, step.action)
        done.append(step)
        seen = step.observation
    while len(done) < steps:
        done.append(Step(policy.act(seen), seen := Observation(f"seen {len(done)}", step=len(done) + 1)))
    policy.close()
    made = Episode("e", "t", "p", seed, first, tuple(done), StopReason.REPORTED, 1.0, (), None)
    return made if parent is None else replace(made, ancestry=forked(parent.id, at))


def own(row: TokenRow) -> list[int]:
    return [token for token, trained in zip(row.ids, row.trained, strict=True) if trained]


def sampled_ids(shown: Episode, start: int = 0) -> list[int]:
    return [token for step in shown.steps[start:] if step.action.tokens for token in step.action.tokens.sampled_ids]


def test_what_a_model_sampled_is_its_ledger(model: LocalModel) -> None:
    shown = play(model.policy(), steps=3)
    row = conversation(shown, model.chat, model.dialect)
    ledger = sampled(shown)
    assert (row.ids, row.trained, row.turns, row.prompt_length) == (
        ledger.ids, ledger.trained, ledger.turns, ledger.prompt_length,
    )  # fmt: skip
    assert own(conversation(shown, model.chat, model.dialect, shared=1)) == sampled_ids(shown, 1)


def test_what_others_wrote_is_rendered_with_what_went_wrong(model: LocalModel) -> None:
    refused = Step(view("nowhere"), Observation("no such file", ok=False))
    shown = replace(episode("e", 1.0), steps=(refused, Step(report("done"), Observation(""))))
    row = conversation(shown, model.chat, model.dialect)
    assert row.ids == demonstration(shown, model.chat, model.dialect).ids
    assert own(row) == [*model.chat.answer("view nowhere"), *model.chat.answer("report done")]


def test_a_model_that_goes_on_has_read_the_past_once(model: LocalModel) -> None:
    for parent in (play(model.policy(), steps=3), play(ScriptedPolicy([view("a"), view("b")]), steps=3)):
        child = play(model.policy(), steps=4, parent=parent, at=2, seed=5)
        row = conversation(child, model.chat, model.dialect, shared=2)
        turn = child.steps[2].action.tokens
        assert turn is not None and row.ids[: row.prompt_length] == turn.prompt_ids
        assert own(row) == sampled_ids(child, 2)
        assert set(row.turns) == {-1, 2, 3}
        assert str(model.tokenizer.decode(list(row.ids))).count("Fix it.") == 1


def test_somebody_who_goes_on_adds_to_the_models_own_tokens(model: LocalModel) -> None:
    parent = play(model.policy(), steps=3)
    child = play(ScriptedPolicy([view("c")]), steps=4, parent=parent, at=2)
    row = conversation(child, model.chat, model.dialect, shared=2)
    shared = sampled(replace(parent, steps=parent.steps[:2]))
    assert row.ids[: len(shared.ids)] == shared.ids
    written = [model.chat.answer(model.dialect.format(step.action)) for step in child.steps[2:]]
    assert own(row) == [token for answer in written for token in answer]
    between = row.ids[len(shared.ids) : row.prompt_length]
    closing = [model.chat.eos_id] if parent.steps[1].action.tokens and parent.steps[1].action.tokens.truncated else []
    assert list(between) == [*closing, *model.chat.reply(model.dialect.render(parent.steps[1].observation))]
    parents = conversation(parent, model.chat, model.dialect, shared=2)
    assert parents.ids[: parents.prompt_length] == row.ids[: row.prompt_length], "both read the same before they part"


def test_an_action_that_was_given_counts_as_the_forks_own(model: LocalModel) -> None:
    parent = play(model.policy(), steps=3)
    given = replace(parent, steps=(parent.steps[0], Step(view("given"), Observation("seen it"))))
    child = play(model.policy(), steps=4, parent=given, at=2, seed=3)
    child = replace(child, ancestry=forked(parent.id, 1, Change.ACTION))
    row = conversation(child, model.chat, model.dialect, shared=1)
    assert own(row) == [*model.chat.answer("view given"), *sampled_ids(child, 2)]


def test_a_ledger_of_another_tokenizer_is_not_taken_for_ones_own(model: LocalModel) -> None:
    foreign = Action("view", {"path": "a"}, "view a", TokenTurn((900, 901), (902, 903), (-0.1, -0.1)))
    shown = replace(episode("e", 1.0), steps=(Step(foreign, Observation("seen")),))
    row = conversation(shown, model.chat, model.dialect)
    assert own(row) == model.chat.answer("view a")


@pytest.mark.slow
def test_a_fork_that_mends_what_its_parent_did_not(backend: SandboxFactory, model: LocalModel, tmp_path: Path) -> None:
    task = tiny_task(tmp_path / "task")
    parent = rollout(RepoEnv(task, backend), ScriptedPolicy([view("parcel.py")]), seed=0)
    with EpisodeStore(tmp_path / "run") as store, Branch(RepoEnv(task, backend), parent, 1) as branch:
        mend = Action("edit", {"path": "parcel.py", **FIX})
        branch.run(Different(ScriptedPolicy([mend])), store=store)
        branch.run(Different(model.policy()), store=store)  # it knows nothing, and is cut short by its mistakes
        found = pairs_of([parent, *store.episodes()])
    assert {(pair.chosen.policy, pair.rejected.policy, pair.shared) for pair in found.found} == {
        ("scripted", "scripted", 1), ("scripted", "local:tiny", 1),
    }  # fmt: skip
    for row in pair_rows(found, model.chat, model.dialect).rows:
        prompt = row.chosen.ids[: row.chosen.prompt_length]
        assert prompt == row.rejected.ids[: row.rejected.prompt_length], "both read the same before they part"
        assert str(model.tokenizer.decode(own(row.chosen), skip_special_tokens=True)).startswith("edit parcel.py:22")


def test_pairs_become_rows_and_what_is_too_long_is_said(model: LocalModel) -> None:
    found = pairs_of([episode("good", 1.0, view("a")), episode("bad", 0.0), episode("lonely", None, task="u")])
    rows = pair_rows(found, model.chat, model.dialect)
    (row,) = rows.rows
    assert row.chosen.ids[: row.chosen.prompt_length] == row.rejected.ids[: row.rejected.prompt_length]
    longest = max(len(side.ids) for side in row.sides)
    assert rows.within(longest) == rows
    why = rf"longer than 9 tokens \(the shortest has {longest}\): 1, unscored"
    with pytest.raises(NoPreferencesError, match=why):
        rows.within(9)
    nothing: Rows[PairRow] = Rows((), {})
    with pytest.raises(
        NoPreferencesError, match=r"nothing to learn from \(there are no episodes and no rows of feedback\)"
    ):
        nothing.within(9)
