"""Any policy's work in a persona's manner: the same changes and claims, other words, and only what the record shows."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import Action, Report, TokenTurn
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.envs.guidelines.rules import adherence
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import RepoEnv
from journeyman.policies.dialect import dialect
from journeyman.policies.oracle import MistakenOraclePolicy, OraclePolicy
from journeyman.policies.persona import PERSONAS, PersonaPolicy
from journeyman.policies.persona_record import Record
from journeyman.policies.persona_words import MENTOR, TERSE, summary
from journeyman.policies.policy import Policy, PolicyError
from journeyman.policies.rollout import rollout
from journeyman.policies.scripted import ScriptedPolicy
from journeyman.sandbox.backends import open_backend
from journeyman.tasks.task import Task
from tests.envs.sandboxed import require_sandbox
from tests.making import tiny_project, tiny_task

VIEW = Observation("shop.py:1-3\n1|def total(a, limit):\n2|    if a > limit:\n3|        return 1", "view", steps_left=9)
EDIT = Action("edit", {"path": "shop.py", "line": 2, "new": "    if a >= limit:"})
EDITED = Observation("edited shop.py:2", "edit", steps_left=7)
REPORT = {"summary": "Done.", "claims": [{"kind": "tests_pass"}]}


def play(policy: Policy, *observations: Observation, seed: int = 0) -> list[Action]:
    policy.start(seed=seed)
    return [policy.act(observation) for observation in observations]


def work(persona: str, tests: str, task: Task, seed: int = 0) -> list[Action]:
    """View, edit, test, report, with what the tests said."""
    inner = ScriptedPolicy([Action("view", {"path": "shop.py"}), EDIT, Action("test"), Action("report", REPORT)])
    policy, seen = PersonaPolicy(inner, persona, task), []
    policy.start(seed=seed)
    answers = {
        "view": VIEW, "edit": EDITED, "plan": Observation("plan of 2 subtasks", "plan", steps_left=8),
        "test": Observation(tests, "test", steps_left=5),
    }  # fmt: skip
    observation = Observation("Mend it.", steps_left=9)
    while not seen or seen[-1].tool != "report":
        seen.append(policy.act(observation))
        observation = answers.get(seen[-1].tool, observation)
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_a_senior_says_it_in_a_line(seed: int, tmp_path: Path) -> None:
    actions = work(TERSE, "3 passed", tiny_task(tmp_path), seed)
    assert [action.tool for action in actions] == ["view", "edit", "test", "report"]
    said = actions[-1].arguments["summary"]
    assert "`>`" in said and "`>=`" in said and "total" in said and len(said.split()) <= 20
    assert actions[-1].arguments["claims"] == REPORT["claims"], "claims are nobody's manner"


@pytest.mark.parametrize("seed", range(6))
def test_a_mentor_plans_explains_and_closes_the_plan(seed: int, tmp_path: Path) -> None:
    actions = work(MENTOR, "3 passed", tiny_task(tmp_path), seed)
    assert [action.tool for action in actions] == ["plan", "view", "edit", "test", "plan", "report"]
    assert {part["status"] for part in actions[4].arguments["subtasks"]} == {"done"}
    said = actions[-1].arguments["summary"]
    assert "shop.py" in said and "total" in said and "because" in said and "pass" in said
    assert len({word.casefold() for word in said.split()}) >= 18


def test_words_hold_no_more_than_the_record(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    for persona in PERSONAS:
        for seed in range(8):
            failed = work(persona, "1 failed, 2 passed", task, seed)
            assert [action.tool for action in failed].count("plan") == (persona == MENTOR), "an open part stays open"
            said = failed[-1].arguments["summary"].lower()
            assert "fail" in said or "not all tests pass" in said
            assert "tests pass." not in said.replace("not all tests pass.", "")


def test_the_seed_chooses_the_words(tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    for persona in PERSONAS:
        said = [work(persona, "3 passed", task, seed)[-1].arguments["summary"] for seed in range(20)]
        assert len(set(said)) > 3
        assert said[0] == work(persona, "3 passed", task, 0)[-1].arguments["summary"]


def test_what_could_not_be_done_is_said_in_the_policys_own_words(tmp_path: Path) -> None:
    claims = [{"kind": "blocked", "subject": "no SMTP server"}]
    for persona in PERSONAS:
        inner = ScriptedPolicy([Action("report", {"summary": "There is no SMTP server here", "claims": claims})])
        (report,) = play(PersonaPolicy(inner, persona, tiny_task(tmp_path)), Observation("Send it.", steps_left=9))
        assert report.arguments["summary"].startswith("There is no SMTP server here")
        assert report.arguments["claims"] == claims
    assert "because what the work needs" in report.arguments["summary"] or "because the work" in str(report.arguments)


def test_what_a_model_did_not_write_carries_no_tokens_of_its(tmp_path: Path) -> None:
    tokens = TokenTurn((1,), (2,), (0.0,))
    inner = ScriptedPolicy([Action("report", {"summary": "x"}, "report x", tokens)])
    (report,) = play(PersonaPolicy(inner, TERSE, tiny_task(tmp_path)), Observation("Mend it.", steps_left=9))
    assert report.tokens is None and report.text == ""
    with pytest.raises(PolicyError, match="no persona 'pirate'; there are: terse-senior"):
        PersonaPolicy(inner, "pirate", tiny_task(tmp_path))


def test_without_room_the_mentor_only_tells(tmp_path: Path) -> None:
    inner = ScriptedPolicy([EDIT, Action("report", REPORT)])
    actions = play(
        PersonaPolicy(inner, MENTOR, tiny_task(tmp_path)), Observation("x", steps_left=2),
        Observation("edited shop.py:2", "edit", steps_left=1),
    )  # fmt: skip
    assert [action.tool for action in actions] == ["edit", "report"]


def test_on_a_project_one_file_is_tested_before_another_even_where_no_test_runs(tmp_path: Path) -> None:
    edits = [Action("write", {"path": f"{name}.py", "content": "x = 1"}) for name in "ab"]
    policy = PersonaPolicy(ScriptedPolicy([*edits, Action("report", REPORT)]), MENTOR, tiny_project(tmp_path))
    done = Observation("wrote", "write", steps_left=30)
    actions = play(
        policy, Observation("x", steps_left=33), Observation("plan", "plan", steps_left=32), done,
        Observation("timed out", "test", ok=False, steps_left=29), done, Observation("plan", "plan", steps_left=5),
    )  # fmt: skip
    assert [action.tool for action in actions] == ["plan", "write", "test", "write", "report", "report"]


# What was changed, from actions and observations alone.


def test_what_was_put_back_is_no_change() -> None:
    record = Record()
    record.read(Action("view", {"path": "shop.py"}), VIEW)
    record.read(EDIT, EDITED)
    assert record.changes[0].quoted == (">", ">=") and record.changes[0].function == "total"
    record.read(Action("edit", {"path": "shop.py", "line": 2, "new": "    if a > limit:"}), EDITED)
    assert record.changes == []


def test_an_edit_over_an_edit_is_one_change() -> None:
    record = Record()
    record.read(Action("view", {"path": "shop.py"}), VIEW)
    record.read(Action("edit", {"path": "shop.py", "line": 3, "new": "        return 2\n        # so"}), EDITED)
    record.read(
        Action("edit", {"path": "shop.py", "line": 2, "end": 4, "new": "    if a > limit:\n        return 4"}), EDITED
    )
    (change,) = record.changes
    assert change.old == ("    if a > limit:", "        return 1")
    assert change.quoted == ("1", "4")


def test_edits_over_several_edits_find_what_stood_there_first() -> None:
    record = Record()
    rows = "\n".join(f"{number}|{'abcdef'[number - 1]}" for number in range(1, 7))
    record.read(Action("view", {"path": "a.py"}), Observation(f"a.py:1-6\n{rows}", "view"))
    answer = Observation("edited a.py:1", "edit")
    record.read(Action("edit", {"path": "a.py", "line": 2, "new": "b1\nb2"}), answer)
    record.read(Action("edit", {"path": "a.py", "line": 5, "new": "d1\nd2"}), answer)
    assert [(change.line, change.old) for change in record.changes] == [(2, ("b",)), (5, ("d",))]
    record.read(Action("edit", {"path": "a.py", "line": 1, "end": 8, "new": "x"}), answer)
    (change,) = record.changes
    assert change.old == ("a", "b", "c", "d", "e", "f") and change.new == ("x",)
    record.read(Action("edit", {"path": "a.py", "line": 1, "new": "a\nb\nc\nd\ne\nf"}), answer)
    assert record.changes == []


def test_who_has_not_seen_it_pass_says_nothing_is_fixed(tmp_path: Path) -> None:
    inner = [EDIT, Action("report", REPORT)]
    for seed in range(12):
        for persona, words in (
            (TERSE, ("fixed", "mended", "needs")),
            (MENTOR, ("is needed", "i wrote", "all tests pass")),
        ):
            policy = PersonaPolicy(ScriptedPolicy(list(inner)), persona, tiny_task(tmp_path))
            said = play(policy, Observation("x", steps_left=2), EDITED, seed=seed)[-1].arguments["summary"].lower()
            assert not [word for word in words if word in said], said


def test_lines_that_nobody_saw_are_not_quoted() -> None:
    record = Record()
    record.read(EDIT, EDITED)
    assert record.changes[0].old is None and record.changes[0].quoted is None
    record.read(Action("edit", {"path": "b.py", "old": "x = 1", "new": "x = 2"}), Observation("edited b.py:1", "edit"))
    assert record.changes[1].quoted == ("1", "2")
    record.read(Action("edit", {"path": "c.py", "line": 1, "new": "x"}), Observation("no such file", "edit", ok=False))
    assert record.files == ["shop.py", "b.py"]


odd = st.text(st.sampled_from("ab \t\n\\`\"'|:0129>=-é\u2028\x00"), max_size=60)
calls = st.one_of(
    st.builds(
        lambda path, line, more, new: Action("edit", {"path": path, "line": line, "end": line + more, "new": new}),
        st.sampled_from(["a.py", "b/c.py"]), st.integers(1, 6), st.integers(0, 4), odd,
    ),
    st.builds(lambda old, new: Action("edit", {"path": "a.py", "old": old, "new": new}), odd, odd),
    st.builds(lambda content: Action("write", {"path": "a.py", "content": content}), odd),
    st.just(Action("test")), st.just(Action("view", {"path": "a.py"})),
    st.builds(lambda why: Action("edit", {"path": why}), odd),
)  # fmt: skip
shown = st.builds(
    Observation,
    odd | st.just("a.py:1-4\n1|def f(a):\n2|    b = 1\n3|\n4|    return b") | st.just("1 failed, 2 passed"),
    st.sampled_from(["view", "edit", "test", "write"]), st.booleans(),
)  # fmt: skip


@given(st.lists(st.tuples(calls, shown), max_size=12), st.sampled_from(PERSONAS), odd, st.integers(0, 9))
def test_whatever_was_done_can_be_told_in_one_line(
    exchanges: list[tuple[Action, Observation]], persona: str, said: str, seed: int
) -> None:
    record = Record()
    for action, observation in exchanges:
        record.read(action, observation)
    for claims in ([], [{"kind": "not_done", "subject": "x"}]):
        report = Report.model_validate({"summary": said, "claims": claims})
        told = summary(persona, report, record, Random(seed))
        assert told and "\n" not in told
        if persona == TERSE:
            assert len(told) < 2000
        action = Action("report", {"summary": told, "claims": claims})
        lines = dialect("lines")
        assert lines.parse(lines.format(action)).arguments["summary"] == told


# In a real sandbox.


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("kind", [OraclePolicy, MistakenOraclePolicy])
def test_the_work_is_the_same_and_the_guideline_is_kept(persona: str, kind: type[OraclePolicy], tmp_path: Path) -> None:
    backend = open_backend(require_sandbox())
    for make in (tiny_task, tiny_project):
        task = make(tmp_path / make.__name__)
        plain = rollout(RepoEnv(task, backend), kind(task), seed=3)
        told = rollout(RepoEnv(task, backend), PersonaPolicy(kind(task), persona, task), seed=3)
        assert plain.reward == told.reward == 1
        assert told.steps[-1].action.arguments["claims"] == plain.steps[-1].action.arguments["claims"]
        assert told.steps[-1].tree_hash == plain.steps[-1].tree_hash
        found = adherence(load_guideline(persona), told)
        assert found.score == 1, [each.finding for each in found.items if each.finding.kept is False]
        assert told.versions["persona"] == persona and told.policy == f"{plain.policy}+{persona}"
