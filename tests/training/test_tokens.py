"""What enters the loss: the policy's own tokens, all of them where sampled, the good ones where demonstrated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.episode import Ancestry, Change, Episode, Step, StopReason, TestRun
from journeyman.envs.observation import Observation
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import dialect
from journeyman.training.tokens import IGNORED, demonstration, sampled, worth_imitating
from tests.training.test_changes import changed


def step(tool: str, answer: str, *, ok: bool = True, tests: TestRun | None = None, **arguments: Any) -> Step:
    return Step(Action.checked(tool, arguments), Observation(answer, tool, ok), tests=tests)


def episode(*steps: Step) -> Episode:
    return Episode("e1", "t", "p", 0, Observation("Fix it."), steps, StopReason.REPORTED, 1.0, (), None)


RECOVERY = (
    changed("x", "wrong"),
    step("test", "1 failed", tests=TestRun(failed=("t",))),
    changed("wrong", "right"),
    step("test", "1 passed", tests=TestRun(passed=("t",))),
    step("report", "done", summary="Fixed."),
)


def test_a_demonstration_trains_what_the_policy_wrote_and_nothing_else(tiny: tuple[Any, Any]) -> None:
    chat, lines = ChatTemplate(tiny[1]), dialect("lines")
    shown = episode(step("view", "1|x = 1", path="a.py"), step("report", "done", summary="Fixed."))
    row = demonstration(shown, chat, lines)
    written = [token for token, trained in zip(row.ids, row.trained, strict=True) if trained]
    assert written == [*chat.answer("view a.py"), *chat.answer("report Fixed.")]
    assert row.labels.count(IGNORED) == len(row.ids) - len(written)
    assert row.ids[: row.prompt_length] == tuple(chat.opening(lines.system(), "Fix it."))
    assert tiny[1].decode(row.ids).count("1|x = 1") == 1


def test_a_contradicted_change_is_read_but_not_learned(tiny: tuple[Any, Any]) -> None:
    assert worth_imitating(RECOVERY) == [False, True, True, True, True]
    row = demonstration(episode(*RECOVERY), ChatTemplate(tiny[1]), dialect("lines"))
    text = tiny[1].decode([token for token, trained in zip(row.ids, row.trained, strict=True) if trained])
    assert "right" in text and "wrong" not in text
    assert "wrong" in tiny[1].decode(row.ids)


def test_refused_and_unreadable_actions_are_not_learned() -> None:
    steps = (step("view", "no such file", ok=False, path="b.py"), Step(Action.malformed("?", "why"), Observation("no")))
    assert worth_imitating(steps) == [False, False]


def test_who_ends_blocked_learns_the_look_that_found_nothing() -> None:
    look, wrote = (
        step("view", "no file b.py", ok=False, path="b.py"),
        step("write", "no", ok=False, path="/", content=""),
    )
    blocked = step("report", "reported", summary="", claims=[{"kind": "blocked", "subject": "no file b.py"}])
    assert worth_imitating([look, wrote, blocked]) == [True, False, True]
    assert worth_imitating([look, step("report", "reported", summary="Fixed.")]) == [False, True]


def test_a_timed_out_call_is_not_learned() -> None:
    hung = step("run", "timed out after 60 s", ok=False, command="sleep 99")
    assert worth_imitating([hung, step("test", "no end", ok=False, tests=TestRun())]) == [False, False]


def test_of_several_changes_those_that_stand_were_right_and_the_failing_test_meant_another() -> None:
    right, wrong, mend = changed("a", "b", "x.py"), changed("c", "d"), changed("d", "e")
    failing = step("test", "1 failed", tests=TestRun(failed=("t",)))
    assert worth_imitating([right, wrong, failing, mend]) == [True, False, True, True]
    by_hand = replace(wrong, action=Action("run", {"command": "sed -i s/c/d/ a.py"}))
    assert worth_imitating([by_hand, failing, mend]) == [False, True, True]


def test_of_a_fork_only_its_own_steps_are_learned(tiny: tuple[Any, Any]) -> None:
    parent = episode(*RECOVERY)
    fork = replace(parent, ancestry=Ancestry("e0", 3, Change.POLICY, "oracle"))
    row = demonstration(fork, ChatTemplate(tiny[1]), dialect("lines"))
    written = tiny[1].decode([token for token, trained in zip(row.ids, row.trained, strict=True) if trained])
    assert "test" in written and "report" in written
    assert "right" not in written, "its parent's edit"
    assert row.prompt_length == demonstration(parent, ChatTemplate(tiny[1]), dialect("lines")).prompt_length


@pytest.mark.parametrize("notation", ["lines", "json"])
def test_where_the_tool_was_given_only_what_it_is_called_with_is_learned(tiny: tuple[Any, Any], notation: str) -> None:
    chat, written = ChatTemplate(tiny[1]), dialect(notation)
    shown = episode(*RECOVERY)
    plain, given = (demonstration(shown, chat, written, tool_given=each) for each in (False, True))
    assert given.ids == plain.ids
    begin = plain.turns.index(len(shown.steps) - 1)
    assert given.trained[:begin] == plain.trained[:begin]
    first = given.trained.index(True, begin)
    assert not any(given.trained[begin:first]) and all(given.trained[first:])
    assert tiny[1].decode(given.ids[begin:first]).endswith("report")
    call = written.format(shown.steps[-1].action)
    assert tiny[1].decode(given.ids[begin:], skip_special_tokens=True) == call


def test_a_diagnosis_stands_before_the_mend_and_is_learned_with_it(tiny: tuple[Any, Any]) -> None:
    log = "1 failed\nt\n  assert 3 == 2"
    steps = (
        step("test", log, tests=TestRun(failed=("t",))),
        changed("return x", "return y"),
        step("test", "1 passed", tests=TestRun(passed=("t",))),
    )
    chat, lines = ChatTemplate(tiny[1]), dialect("lines")
    said = "assert 3 == 2: line 1 still reads `return x`\n"
    plain, told = (demonstration(episode(*steps), chat, lines, diagnose=each) for each in (False, True))
    written = tiny[1].decode([token for token, trained in zip(told.ids, told.trained, strict=True) if trained])
    assert said + "edit a.py:1\nreturn y" in written
    assert len(told.ids) == len(plain.ids) + len(chat.text_ids(said))
    marked = [[i for i, d in zip(row.ids, row.decisive, strict=True) if d] for row in (plain, told)]
    assert marked[0] == marked[1] and marked[0], "what decides is in the call"
    short = demonstration(episode(*steps), chat, lines, diagnose=True, max_turn_tokens=len(said))
    assert short == plain, "a turn has no room for it"


def test_a_sampled_episode_is_its_ledger() -> None:
    turns = (TokenTurn((1, 2, 3), (7, 8), (-0.1, -0.2)), TokenTurn((4,), (9,), (-0.3,)))
    steps = [Step(Action("view", {"path": "."}, "x", turn), Observation("y")) for turn in turns]
    row = sampled(episode(*steps))
    assert row.ids == (1, 2, 3, 7, 8, 4, 9)
    assert row.trained == (False, False, False, True, True, False, True)
    assert row.turns == (-1, -1, -1, 0, 0, -1, 1)
    assert row.logprobs == (0.0, 0.0, 0.0, -0.1, -0.2, 0.0, -0.3)
    assert row.prompt_length == 3


def test_an_episode_without_a_ledger_is_refused() -> None:
    with pytest.raises(ValueError, match="carries no tokens"):
        sampled(episode(*RECOVERY))
