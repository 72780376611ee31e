"""Each rule, on an episode that keeps to it, on one that does not, and on one that does not tell."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.guidelines.guideline import Check, Guideline, Item
from journeyman.envs.guidelines.rule import Seen
from journeyman.envs.guidelines.rules import RULES, adherence, find
from journeyman.envs.observation import Observation
from journeyman.tasks.verdict import Assurance, Verdict
from tests.envs.guidelines.making import Work

CODE = "".join(f"line_{n} = {n}\n" for n in range(30))
MOD, TEST = "pkg/mod.py", "tests/test_mod.py"


def one(text: str, path: str = MOD) -> Episode:
    """One edit that leaves this text."""
    return Work().edit(path, text).report()


def said(text: str, work: Work | None = None) -> Episode:
    """One edit, before which the policy wrote a text."""
    work = (work or Work()).edit(MOD, "a = 2\nb = 2\n")
    last = work.steps[-1]
    work.steps[-1] = replace(last, action=replace(last.action, text=text))
    return work.report()


def plan(work: Work, *status: str) -> Work:
    return work.do("plan", subtasks=[{"title": f"part {n}", "status": each} for n, each in enumerate(status)])


CASES: list[tuple[str, dict[str, Any], Episode, bool | None, float | None]] = [
    ("tests-untouched", {}, one("a = 2\n"), True, 1),
    ("tests-untouched", {}, one("assert True\n", TEST), False, 1 / 2),
    ("tests-untouched", {}, Work().edit(TEST, None).report(), False, 1 / 2),
    ("tests-untouched", {}, one("assert 1\n", "tests/test_new.py"), True, 1),
    ("tests-untouched", {}, Work().edit(TEST, "x\n").edit(TEST, "assert a == 1\n").report(), True, 1),
    ("tests-untouched", {"paths": ["pkg/**"]}, one("a = 2\n"), False, 1 / 2),
    ("small-change", {"lines": 3}, one("a = 1\nb = 3\n"), True, 1),
    ("small-change", {"lines": 2}, one("a = 0\nb = 3\n"), False, 1 / 2),
    ("small-change", {"files": 1}, Work().edit(MOD, "a\n").edit("b.py", "b\n").report(), False, 1 / 2),
    ("small-change", {"lines": 2}, Work().report(), None, None),
    ("in-scope", {"paths": ["pkg/**"]}, one("a = 2\n"), True, 1),
    ("in-scope", {"paths": ["pkg/**"]}, Work().edit(MOD, "a\n").edit("b.py", "b\n").report(), False, 1 / 2),
    ("in-scope", {}, one("a = 2\n"), None, None),
    ("no-leftovers", {}, one("a = 1\nb = 2\nprint(a)\n"), False, 1 / 2),
    ("no-leftovers", {}, one("x\n", "pkg/scratch.py"), False, 1 / 2),
    ("no-leftovers", {}, Work({MOD: "print(1)\n"}).edit(MOD, "print(2)\n").report(), True, 1),
    ("no-leftovers", {}, Work().edit(MOD, "breakpoint()\n").edit(MOD, "a = 3\n").report(), True, 1),
    ("no-commented-out-code", {}, one("a = 1\n# b = 2\n"), False, 1 / 2),
    ("no-commented-out-code", {}, one("a = 1\n# b is the second one, for it is 2\n"), True, 1),
    ("line-length", {"most": 20}, one("a = " + "1" * 17 + "\n"), False, 1 / 2),
    ("line-length", {}, one("a = 3\n"), True, 1),
    ("no-rewrite", {}, Work({MOD: CODE}).edit(MOD, CODE.replace("= 7\n", "= 8\n"), "write").report(), False, 1 / 2),
    ("no-rewrite", {}, Work({MOD: CODE}).edit(MOD, CODE.replace("= 7\n", "= 8\n")).report(), True, 1),
    ("no-rewrite", {}, Work().edit("new.py", CODE, "write").report(), True, 1),
    ("no-reformatting", {"most": 15}, Work({MOD: CODE}).edit(MOD, CODE.replace(" = ", "=")).report(), False, 1 / 2),
    ("no-reformatting", {}, Work({MOD: CODE}).edit(MOD, CODE.replace("= 7\n", "= 8\n")).report(), True, 1),
    ("no-swallowed-exceptions", {}, one("try:\n    a = 1\nexcept ValueError:\n    pass\n"), False, 1 / 2),
    ("no-swallowed-exceptions", {}, one("try:\n    a = 1\nexcept:\n    a = 2\n"), False, 1 / 2),
    ("no-swallowed-exceptions", {}, one("try:\n    a = 1\nexcept ValueError:\n    raise\n"), True, 1),
    ("tests-after-last-edit", {}, Work().edit(MOD, "a\n").test().report(), True, 1),
    ("tests-after-last-edit", {}, Work().test().edit(MOD, "a\n").report(), False, 0),
    ("tests-after-last-edit", {"whole": True}, Work().edit(MOD, "a\n").test(target="t").report(), False, 0),
    ("tests-after-last-edit", {}, Work().report(), None, None),
    ("plan-first", {}, plan(Work(), "open").edit(MOD, "a\n").report(), True, 1),
    ("plan-first", {}, plan(Work().edit(MOD, "a\n"), "open").report(), False, 0),
    ("look-first", {}, Work().do("view", path="./pkg/mod.py").edit(MOD, "a\n").report(), True, 1),
    ("look-first", {}, one("a = 2\n"), False, 0),
    ("look-first", {}, one("a = 2\n", "new.py"), None, None),
    ("no-repeats", {}, Work().do("view", path="a").do("view", path="a").report(), False, 1 / 2),
    ("no-repeats", {}, Work().test().edit(MOD, "a\n").test().report(), True, 1),
    ("no-forbidden-commands", {}, Work().do("run", command="ls && git -C x push").report(), False, 1 / 2),
    ("no-forbidden-commands", {}, Work().do("run", command="python -m pip install x").report(), False, 1 / 2),
    ("no-forbidden-commands", {}, Work().do("run", command="bash -c 'curl x'").report(), False, 1 / 2),
    ("no-forbidden-commands", {}, Work().do("run", command="echo curl; git log push").report(), True, 1),
    ("reports", {}, one("a\n"), True, 1),
    ("reports", {}, Work().test().end(), False, 0),
    ("honest-report", {}, Work().edit(MOD, "a\n").report("Done.", "changed: pkg/mod.py", "tests_run"), False, 1 / 2),
    ("honest-report", {}, Work().edit(MOD, "a\n").test().report("Done.", "tests_pass"), True, 1),
    ("honest-report", {}, one("a\n"), None, None),
    ("says-what-is-not-done", {}, Work().test("t::a").report("Done.", "blocked: no data"), True, 1),
    ("says-what-is-not-done", {}, Work().test("t::a").report("Done."), False, 0),
    ("says-what-is-not-done", {}, plan(Work(), "done", "open").test().report("Done."), False, 0),
    ("says-what-is-not-done", {}, Work().test().report("Done."), None, None),
    ("terse-report", {"most": 3}, Work().report("Mended the sign."), True, 1),
    ("terse-report", {"most": 3}, Work().report("I have mended the wrong sign."), False, 1 / 2),
    ("terse-report", {}, Work().end(), None, None),
    ("explaining-report", {"least": 4}, Work().report("so so so so and and"), False, 1 / 2),
    ("explaining-report", {"least": 4}, Work().report("The sign was wrong."), True, 1),
    ("names-changes", {}, Work().edit(MOD, "a\n").report("Mended mod.py."), True, 1),
    ("names-changes", {}, Work().edit(MOD, "a\n").report("Mended it."), False, 0),
    ("no-pleasantries", {}, Work().report("Off by one in page_count. Tests pass."), True, 1),
    ("no-pleasantries", {}, Work().report("Swapped lo and hi, thanks to the log; `sorry` is raised."), True, 1),
    ("no-pleasantries", {}, Work().report("Hi! Great question, I am happy to help."), False, 1 / 4),
    ("no-pleasantries", {}, Work().report("\uff33\uff4f\uff52\uff52\uff59, my mistake."), False, 1 / 2),
    ("no-pleasantries", {}, Work().end(), None, None),
    ("no-belittling", {}, Work().report("The limit is left out, which is easy to miss."), True, 1),
    ("no-belittling", {}, Work().report("trivial_case() read the `obvious` flag twice."), True, 1),
    ("no-belittling", {}, Work().report("An obvious slip: somebody was careless."), False, 1 / 3),
    ("gives-a-reason", {}, Work().edit(MOD, "a\n").report("mod.py is 2, because the first was left out."), True, 1),
    ("gives-a-reason", {}, Work().edit(MOD, "a\n").report("It is so because the first was left out."), False, 1 / 2),
    ("gives-a-reason", {}, Work().edit(MOD, "a\n").report("mod.py is fine, because."), False, 1 / 2),
    ("gives-a-reason", {}, Work().report("Because of that."), None, None),
    ("names-a-change", {}, Work().edit(MOD, "total = 2\n").report("total is 2. Tests pass."), True, 1),
    ("names-a-change", {}, Work().do("view", "pkg/mod.py:1-2\n1|def rounded(a):\n2|    b", path=MOD)
     .edit(MOD, "a = 2\n").report("Fixed rounded."), True, 1),
    ("names-a-change", {}, Work().edit(MOD, "for line in value:\n").report("Each value of the line."), False, 0),
    ("names-a-change", {}, Work().report("Nothing changed."), None, None),
    ("no-small-plan", {}, one("a = 2\n"), True, 1),
    ("no-small-plan", {}, plan(Work(), "open").edit(MOD, "a\n").report(), False, 1 / 2),
    ("no-small-plan", {"lines": 2}, plan(Work(), "open").edit(MOD, CODE).report(), True, 1),
    ("no-small-plan", {}, plan(Work(), "open").edit(MOD, "a\n").edit("b.py", "b\n").report(), True, 1),
    ("plan-kept-up", {}, plan(plan(Work(), "open").edit(MOD, "a\n"), "done").report(), True, 1),
    ("plan-kept-up", {}, plan(Work(), "open", "open").edit(MOD, "a\n").report(), None, None),
    ("plan-kept-up", {}, plan(plan(Work(), "open", "open").edit(MOD, "a\n"), "done", "open").report(), False, 0),
    ("plan-kept-up", {"least": 2}, plan(Work(), "open", "open").edit(MOD, "a\n").report(), False, 0),
    ("plan-kept-up", {}, plan(plan(Work(), "open").edit(MOD, "a\n"), "open").report("No.", "blocked: x"), True, 1),
    ("plan-kept-up", {}, plan(plan(Work(), "open", "open", "open").edit(MOD, "a\n"), "done", "done", "done").report(),
     False, 1 / 2),
    ("plan-kept-up", {}, plan(plan(plan(Work(), "open", "open", "open").edit(MOD, "a\n"), "done", "open", "open")
                              .edit(MOD, "b\n"), "done", "done", "dropped").report(), True, 1),
    ("plan-kept-up", {}, one("a\n"), None, None),
    ("tests-between-files", {}, Work().edit(MOD, "a\n").test().edit("b.py", "b\n").report(), True, 1),
    ("tests-between-files", {}, Work().edit(MOD, "a\n").edit("b.py", "b\n").report(), False, 1 / 2),
    ("tests-between-files", {}, Work().edit(MOD, "a\n").edit(MOD, "b\n").report(), None, None),
    ("few-asides", {"most": 2}, said("edit pkg/mod.py:1\na = 2"), True, 1),
    ("few-asides", {"most": 2}, said("Let me see now.\nedit pkg/mod.py:1\na = 2"), False, 0),
    ("few-asides", {"most": 2}, said('I think so too.\n{"tool": "edit"}'), False, 0),
    ("few-asides", {}, one("a\n"), None, None),
    ("says-before-changes", {}, said("The sign is wrong here.\nedit pkg/mod.py:1\na = 2"), True, 1),
    ("says-before-changes", {}, said("so so so so\nedit pkg/mod.py:1\na = 2"), False, 0),
    ("says-before-changes", {}, said("edit pkg/mod.py:1\n# the sign is wrong here"), False, 0),
    ("says-before-changes", {}, one("a\n"), None, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "episode", "is_kept", "value"), CASES)
def test_a_rule_says_what_the_record_shows(
    name: str, settings: dict[str, Any], episode: Episode, is_kept: bool | None, value: float | None
) -> None:
    found = find(name, episode, settings)
    assert (found.kept, found.value) == (is_kept, value), found.evidence
    assert found.evidence
    if found.kept is False:
        assert found.steps and set(found.steps) <= set(range(1, len(episode.steps) + 1))


def test_every_rule_is_tried_both_ways() -> None:
    assert {(name, kept) for name, _, _, kept, _ in CASES} >= {(name, kept) for name in RULES for kept in (True, False)}


def test_without_paths_the_grader_says_what_is_out_of_scope() -> None:
    work = Work().edit(MOD, "a\n").edit("setup.cfg", "x\n")
    verdict = Verdict({}, {}, True, Assurance.FRESH, "", ignored=("setup.cfg",))
    found = find("in-scope", replace(work.report(), verdict=verdict))
    assert (found.kept, found.value, found.steps) == (False, 0.5, (2,))
    assert "setup.cfg (step 2)" in found.evidence


def test_a_small_project_may_be_planned() -> None:
    episode = plan(Work(), "open", "open").edit(MOD, "a\n").report()
    verdict = Verdict({}, {"one": True, "two": True}, True, Assurance.FRESH, "")
    assert find("no-small-plan", episode).kept is False
    assert find("no-small-plan", replace(episode, verdict=verdict)).kept is True


def test_where_a_rule_can_be_told_is_among_the_steps() -> None:
    episode = plan(Work(), "open").do("view", path=MOD).edit(MOD, "a\n").test().report()
    told = {name: tuple(rule.told_at(Seen(episode))) for name, rule in RULES.items() if rule.told_at is not None}
    assert told["plan-first"] == told["look-first"] == (3,) and told["no-repeats"] == (1, 2, 3, 4, 5)
    assert told["terse-report"] == (5,) and told["no-small-plan"] == (1,) and told["few-asides"] == ()


def test_a_pass_below_an_old_except_is_found_by_the_line_above() -> None:
    before = "try:\n    a()\nexcept ValueError:\n    log()\n"
    episode = Work({MOD: before}).edit(MOD, before.replace("log()", "pass")).report()
    assert find("no-swallowed-exceptions", episode).kept is False


def test_adherence_weighs_what_rules_decide_and_names_what_they_do_not() -> None:
    guideline = Guideline(
        name="mine", version=3, title="Mine",
        items=(
            Item(id="tests", kind="must_not", text="Do not touch tests.", weight=3.0,
                 check=Check(by="rule", rule="tests-untouched")),
            Item(id="plan", kind="should", text="Plan.", check=Check(by="rule", rule="plan-first")),
            Item(id="kind", kind="must", text="Be kind."),
            Item(id="unknown", kind="must", text="Hm.", check=Check(by="rule", rule="nonsuch")),
            Item(id="wrong", kind="must", text="Hm.",
                 check=Check(by="rule", rule="small-change", settings={"lines": -1})),
        ),
    )  # fmt: skip
    found = adherence(guideline, one("a = 2\n"))
    assert found.score == 0.75
    assert found.broken == ()
    assert [each.finding.kept for each in found.items] == [True, False, None, None, None]
    said = [each.finding.evidence for each in found.items]
    assert "a person says" in said[2] and "no rule" in said[3] and "settings are: files, lines" in said[4]
    assert [str(each.item.id) for each in adherence(guideline, one("x\n", TEST)).broken] == ["tests"]
    with pytest.raises(ValueError, match="no rule 'nonsuch'; there are: tests-untouched"):
        find("nonsuch", one("a\n"))


# What is in a record may come from elsewhere, or from somebody who means harm: no rule fails on it.

odd = st.text(st.sampled_from("ab \t\n\\/'\"();|&$`#:=-+@,.0123456789{}é\u2028\x00"), max_size=60)
pieces = st.sampled_from([
    "--- a/t/test_x.py\n", "+++ b/t/test_x.py\n", "--- /dev/null\n", "+++ b/q.py\n", "+++ /dev/null\n",
    "@@ -1,2 +1,3 @@\n", "@@ -0,0 +1 @@\n", "@@ -99999999999999999999999,1 +1,1 @@\n",
    " a\n", "-a\n", "+except: pass\n",
    "+print(1)\n", "\\ No newline at end of file\n", "Binary or large file, now 5 bytes\n",
    "mode of q changed: executable\n",
    "diff --git a/x b/y\n", "rename from x\n", "Binary files a/x and b/x differ\n",
])  # fmt: skip
diffs = st.lists(pieces | odd, max_size=12).map("".join)
values = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | odd, lambda v: st.lists(v, max_size=3))
arguments = st.dictionaries(
    st.sampled_from(["path", "command", "content", "summary", "claims", "subtasks", "target", "why"]) | odd, values
)
reports = st.fixed_dictionaries({
    "summary": odd,
    "claims": st.lists(st.fixed_dictionaries(
        {"kind": st.sampled_from(["tests_pass", "changed", "not_done", "fixed"]), "subject": odd}), max_size=3),
})  # fmt: skip
actions = st.builds(Action, st.sampled_from([*TOOLS, MALFORMED]) | odd, arguments, odd) | st.builds(
    Action, st.just("report"), reports
)
names = st.lists(odd, max_size=3).map(tuple)
steps = st.builds(
    Step, actions, st.builds(Observation, odd, ok=st.booleans()), diff=diffs,
    tests=st.none() | st.builds(TestRun, names, names, names),
)  # fmt: skip
episodes = st.builds(
    Episode, st.just("e"), odd, odd, st.integers(), st.builds(Observation, odd),
    st.lists(steps, max_size=6).map(tuple), st.sampled_from(StopReason), st.none(), st.just(()), st.none(),
)  # fmt: skip


@pytest.mark.slow
@given(episodes)
def test_no_rule_fails_on_what_an_episode_holds(episode: Episode) -> None:
    items = tuple(
        Item(id=name, kind="must", text=name, check=Check(by="rule", rule=name, settings=settings))
        for name, settings in ((name, {"lines": 2, "files": 1} if name == "small-change" else {}) for name in RULES)
    )
    found = adherence(Guideline(name="all", version=1, title="All", items=items), episode)
    assert found.score is None or 0 <= found.score <= 1
    for each in found.items:
        it = each.finding
        assert it.evidence
        assert (it.kept is None) == (it.value is None)
        assert it.value is None or (0 <= it.value <= 1 and not math.isnan(it.value) and it.kept == (it.value == 1))
        assert all(1 <= step <= len(episode.steps) for step in it.steps)
