"""`journeyman guideline`, and `--guideline` where episodes are played."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from journeyman.envs.episode import Episode
from journeyman.envs.guidelines.prompt import shown
from journeyman.envs.guidelines.rules import RULES
from journeyman.envs.recorder import new_episode_id
from journeyman.envs.store import EpisodeStore
from tests.envs.guidelines.making import Work
from tests.journeyman.conftest import Call

FINE = Work().do("view", path="pkg/mod.py").edit("pkg/mod.py", "a = 2\n").test().report()
HASTY = Work().edit("tests/test_mod.py", "assert \x1b[2J\n").report("Done.", "tests_run")


def item(text: str, **more: Any) -> str:
    words = {"id": "one", "kind": "must", "text": text, "good": ["a"], "bad": ["b"], **more}
    return "[[items]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in words.items())


def write(path: str, *items: str, version: int = 1) -> str:
    Path(path).write_text(f'name = "mine"\nversion = {version}\ntitle = "Mine"\n' + "\n".join(items))
    return path


def keep(*episodes: Episode) -> list[str]:
    kept = [replace(episode, id=new_episode_id()) for episode in episodes]
    with EpisodeStore("runs/some") as store:
        for episode in kept:
            store.add(episode)
    return [episode.id for episode in kept]


def test_those_that_come_along_are_listed_and_shown(call: Call) -> None:
    assert "conduct@1" in call("guideline", "list").stdout
    assert {each["rule"] for each in json.loads(call("guideline", "list", "--rules", "--json").stdout)} == set(RULES)
    assert all(name in call("guideline", "list", "--rules").stdout for name in RULES)
    told = call("guideline", "show", "conduct").stdout
    assert "tests-untouched  must not, weight 2, by rule tests-untouched" in told
    assert call("guideline", "show", "conduct", "--prompt").stdout == shown("conduct").text + "\n"
    assert json.loads(call("guideline", "show", "honesty", "--json").stdout)["items"][0]["digest"]


def test_what_is_none_is_said_in_a_line(call: Call) -> None:
    Path("broken.toml").write_text("name = ")
    Path("deep.toml").write_text("name = " + "[" * 5000)
    for name, said in (
        ("nonsuch", "bundled are: conduct"),
        ("conduct:breif", "no guideline 'conduct:breif'; bundled are: conduct"),
        ("broken.toml", "cannot be read as a guideline"),
        ("deep.toml", "nested too deep"),
    ):
        for command in ("show", "lint", "check"):
            keep(FINE)
            failed = call("guideline", command, name)
            assert failed.exit_code == 2
            assert said in failed.stderr and failed.stderr.count("\n") == 1
    failed = call("guideline", "check", "conduct", "--run", "nowhere")
    assert failed.exit_code == 2 and "no episodes in nowhere" in failed.stderr


def test_lint_fails_by_errors_alone(call: Call) -> None:
    assert call("guideline", "lint", "conduct", "honesty").exit_code == 0
    warned = call("guideline", "lint", write("a.toml", item("Test it properly.")))
    assert warned.exit_code == 0 and "warning: one: 'properly'" in warned.stdout
    text = item("Test.") + 'check = { by = "rule", rule = "nonsuch" }\n'
    wrong = call("guideline", "lint", write("c.toml", text), "conduct", "--json")
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["c.toml"][0]["level"] == "error"


def test_a_new_version_must_be_raised(call: Call) -> None:
    old = write("old.toml", item("Test."))
    raised = call("guideline", "diff", old, write("new.toml", item("Test it."), version=2))
    assert raised.exit_code == 0 and "reworded     one\n  - Test.\n  + Test it." in raised.stdout
    assert "feedback by 1 item becomes stale" in raised.stdout
    same = call("guideline", "diff", old, write("same.toml", item("Test it.")), "--json")
    assert same.exit_code == 1
    data = json.loads(same.stdout)
    assert "raise the version to 2" in data["error"]
    assert data["changes"] == [{"item": "one", "became": "reworded", "stale": True}]


def test_episodes_are_checked_item_by_item_with_what_shows_it(call: Call) -> None:
    fine, hasty = keep(FINE, HASTY)
    kept = call("guideline", "check", "conduct", fine)
    assert kept.exit_code == 0 and "score 1.00" in kept.stdout
    assert "step 3 ran tests, after the last change at step 2" in kept.stdout
    broken = call("guideline", "check", "conduct", hasty)
    assert broken.exit_code == 1
    assert "step 1: tests/test_mod.py changed" in broken.stdout and "a person says" in broken.stdout
    both = json.loads(call("guideline", "check", "conduct", "--json").stdout)
    assert [each["episode"] for each in both["episodes"]] == [fine, hasty]
    first = both["episodes"][1]["items"][0]
    assert (first["item"], first["kept"], first["steps"]) == ("conduct@1/tests-untouched", False, [1])
    assert both["episodes"][0]["score"] == 1 > both["score"]


def test_of_many_episodes_counts_are_told(call: Call) -> None:
    keep(FINE, FINE, HASTY, FINE)
    told = call("guideline", "check", "conduct")
    assert told.exit_code == 1
    assert "3 of 4" in told.stdout and "4 episodes, mean score" in told.stdout
    assert "1 with a must that is not kept" in told.stdout and "\x1b" not in told.stdout


@pytest.mark.slow
def test_who_plays_is_told_and_the_record_verifies_without_the_file(
    call: Call, task_folder: Path, backend: str, tiny: tuple[Any, Any]
) -> None:
    from journeyman.policies.chat import ChatTemplate
    from journeyman.policies.dialect import dialect
    from journeyman.training.tokens import demonstration, sampled

    words = ("run", task_folder, "--backend", backend, "--guideline")
    mine = write("mine.toml", item("Mind the limit."))
    assert call(*words, mine, "--guideline", "honesty").exit_code == 0
    Path(mine).unlink()
    (episode,) = EpisodeStore("runs/default").episodes()
    end = f"\n\nMine:\n- Mind the limit.\n\n{shown('honesty').text}"
    assert episode.first.text.endswith(end)
    assert [(each["name"], each["version"]) for each in episode.config["guidelines"]] == [("mine", 1), ("honesty", 1)]
    assert call("replay", "last", "--verify").exit_code == 0
    _, tokenizer = tiny
    chat = ChatTemplate(tokenizer)
    row = demonstration(episode, chat, dialect("lines"))
    assert end in tokenizer.decode(row.ids[: row.prompt_length])

    assert call(*words, "conduct", "--policy", "local:tiny", "--set", "max_steps=2").exit_code == 0
    (own,) = (each for each in EpisodeStore("runs/default").episodes() if each.policy == "local:tiny")
    read = sampled(own)
    assert shown("conduct").text in tokenizer.decode(read.ids[: read.prompt_length])
    missing = call(*words, "nonsuch")
    assert missing.exit_code == 2 and "no guideline 'nonsuch'" in missing.stderr
    planned = call("train", "grpo", "--run-preset", "cpu-demo", "--dry-run", "--guideline", "honesty", "--out", "x")
    assert planned.exit_code == 0 and "--guideline honesty --out x" in planned.stdout
