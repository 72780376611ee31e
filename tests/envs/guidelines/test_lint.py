"""Lint says what is doubtful in a guideline; a comparison, what a new version makes of the old one."""

from __future__ import annotations

from typing import Any

import pytest

from journeyman.envs.guidelines.compare import Became, compare
from journeyman.envs.guidelines.guideline import Guideline, GuidelineError, Item, bundled, load_guideline
from journeyman.envs.guidelines.lint import lint


def item(id_: str = "one", kind: str = "must", text: str = "Run the tests.", **fields: Any) -> Item:
    return Item.model_validate({"id": id_, "kind": kind, "text": text, "good": ["a"], "bad": ["b"], **fields})


def by_rule(rule: str, **settings: Any) -> dict[str, Any]:
    return {"by": "rule", "rule": rule, "settings": settings}


def made(*items: Item, version: int = 1, name: str = "mine") -> Guideline:
    return Guideline(name=name, version=version, title="Mine", items=items)


@pytest.mark.parametrize("name", bundled())
def test_those_that_come_with_the_package_leave_no_doubt(name: str) -> None:
    guideline = load_guideline(name)
    assert lint(guideline) == ()
    assert {item.check.by for item in guideline.items} == {"rule", "person", "judge"}
    assert all(item.good and item.bad for item in guideline.items)


@pytest.mark.parametrize(
    ("level", "said", "items"),
    [
        ("error", "no rule 'nonsuch'", [item(check=by_rule("nonsuch"))]),
        ("error", "settings are: files, lines", [item(check=by_rule("small-change", words=3))]),
        ("error", "always kept", [item(check=by_rule("small-change"))]),
        ("error", "is no regular expression", [item(check=by_rule("no-leftovers", patterns=["("]))]),
        ("error", "a person reads none", [item(check={"by": "person", "settings": {"a": 1}})]),
        ("error", "good and bad: run it", [item(good=["Run it."], bad=["run it"])]),
        ("error", "has the text of one", [item(), item("two", text="run the tests")]),
        ("error", "by the same rule", [item(check=by_rule("plan-first")),
                                       item("two", "must_not", "Do not hurry.", check=by_rule("plan-first"))]),
        ("error", "at most 10 words, where two asks for at least 20",
         [item(check=by_rule("terse-report", most=10)), item("two", text="Say.", check=by_rule("explaining-report"))]),
        ("error", "at most 2 words, where two asks for at least 4",
         [item(check=by_rule("few-asides", most=2)), item("two", text="Say.", check=by_rule("says-before-changes"))]),
        ("warning", "counts the same as one",
         [item(check=by_rule("plan-first")), item("two", text="Plan.", check=by_rule("plan-first"))]),
        ("warning", "is for a judge", [item(check={"by": "person", "question": "Is it?"})]),
        ("warning", "no bad example", [item(bad=[])]),
        ("warning", "'properly' says not", [item(text="Test it properly.")]),
        ("warning", "say in it what is not to be done", [item(kind="must_not", text="Edit tests.")]),
        ("warning", "long for a prompt", [item(f"i{n}", text=f"{n} " + "word " * 95) for n in range(5)]),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_said(level: str, said: str, items: list[Item]) -> None:
    (doubt,) = lint(made(*items))
    assert doubt.level == level
    assert said in str(doubt)


def test_a_new_version_says_what_is_stale() -> None:
    old = made(item("a"), item("b", text="Two."), item("c", text="Three."), item("d", text="Four."))
    new = made(
        item("b", text="Two!"), item("c", text="Three.", weight=2.0), item("e", text="Five."),
        item("d", text="Four.", good=["another"]), version=2,
    )  # fmt: skip
    found = compare(old, new)
    assert [(change.id, change.became, change.stale) for change in found.changes] == [
        ("b", Became.REWORDED, True),
        ("c", Became.REWEIGHTED, False),
        ("e", Became.ADDED, False),
        ("d", Became.ILLUSTRATED, False),
        ("a", Became.REMOVED, True),
    ]
    assert found.error == ""


def test_a_version_is_one_thing() -> None:
    one = made(item())
    assert "raise the version to 2" in compare(one, made(item(text="Other."))).error
    assert "raise the version to 2" in compare(one, made(item(), item("two", text="More."))).error
    assert compare(one, made(item(good=["another"]))).error == ""
    assert "versions only rise" in compare(made(item(), version=2), one).error
    with pytest.raises(GuidelineError, match="two guidelines"):
        compare(one, made(item(), name="other"))


def test_a_short_form_is_short() -> None:
    guideline = made(item()).model_copy(update={"brief": "word " * 100})
    (doubt,) = lint(guideline)
    assert "short form is longer" in str(doubt)
