"""The study's figures: kept line by line, never mixed with others, and enough to draw every table again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

HOUSE = Path(__file__).resolve().parents[2]
STUDY = HOUSE / "benchmarks" / "campaigns" / "study"
ABOUT = {"arm": "rl", "set": "tasks", "tasks": 2}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The campaign's modules, which import each other as scripts do."""
    names = ("figures", "arms", "side_by_side")
    monkeypatch.syspath_prepend(str(STUDY))
    yield SimpleNamespace(**{name: __import__(name) for name in names})
    for name in names:
        sys.modules.pop(name, None)


def row(parts: Any, task: str, resolved: int) -> Any:
    return parts.figures.Row(task, {"resolved": (resolved, 1)}, "reported", 4, 90)


def test_what_was_measured_is_not_measured_again(parts: Any, tmp_path: Path) -> None:
    place = tmp_path / "seed-0" / "rl" / "tasks.jsonl"
    first = parts.figures.once(place, ABOUT, lambda: [row(parts, "a", 1), row(parts, "b", 0)])
    again = parts.figures.once(place, ABOUT, lambda: pytest.fail("it was there"))
    assert again == first
    assert str(again.rate("resolved")).startswith("1/2 = 50.0%")


def test_figures_of_another_recipe_are_refused_and_stay(parts: Any, tmp_path: Path) -> None:
    place = tmp_path / "tasks.jsonl"
    parts.figures.once(place, ABOUT, lambda: [row(parts, "a", 1)])
    before = place.read_text()
    with pytest.raises(parts.figures.OtherStudyError, match="tasks = 2, not 3"):
        parts.figures.once(place, {**ABOUT, "tasks": 3}, lambda: pytest.fail("it was there"))
    assert place.read_text() == before


def test_an_interrupted_measurement_leaves_nothing(parts: Any, tmp_path: Path) -> None:
    def broken() -> Iterator[Any]:
        yield row(parts, "a", 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.figures.once(tmp_path / "tasks.jsonl", ABOUT, broken)
    assert not list(tmp_path.iterdir())


@given(counts=st.dictionaries(st.text(max_size=9), st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_a_count_without_a_trial_is_no_count(counts: dict[str, tuple[int, int]]) -> None:
    sys.path.insert(0, str(STUDY))
    try:
        import figures
    finally:
        sys.path.remove(str(STUDY))
    episode = SimpleNamespace(task="a", stop=SimpleNamespace(value="reported"), steps=())
    found = figures.row_of(episode, counts)
    assert found.counts == {name: pair for name, pair in counts.items() if pair[1]}


def test_no_figure_takes_the_place_of_another(parts: Any) -> None:
    together = parts.figures.together
    assert together([{"a": (1, 1)}, {"b": (0, 1)}]) == {"a": (1, 1), "b": (0, 1)}
    with pytest.raises(ValueError, match="two figures are called 'a'"):
        together([{"a": (1, 1)}, {"a": (0, 1)}])


def test_whoever_claims_or_pretends_what_is_not_so_counts_whether_others_report_or_not(parts: Any) -> None:
    figures = parts.figures

    def said(**counts: tuple[int, int]) -> Any:
        each = figures.with_said_false(figures.Row("a", {"resolved": (0, 1), **counts}, "reported", 4, 90))
        return each.counts[figures.SAID_FALSE]

    assert said() == said(false_claims=(0, 1)) == said(pretence=(0, 1)) == (0.0, 1)
    assert said(false_claims=(1, 1)) == said(pretence=(1, 1), false_claims=(0, 1)) == (1.0, 1)


def test_figures_name_the_models_they_came_of_and_tell_those_of_another_line(parts: Any, tmp_path: Path) -> None:
    figures, seen = parts.figures, {"base": "a", "skills": "b", "rl": "c"}
    first = figures.once(tmp_path / "rl.jsonl", ABOUT, lambda: [row(parts, "a", 1)], lambda: seen)
    assert figures.once(tmp_path / "rl.jsonl", ABOUT, list) == first == figures.read(tmp_path / "rl.jsonl")
    assert first.models == seen
    parent = figures.Figures(ABOUT, (), {"base": "a", "skills": "b"})
    again = figures.Figures(ABOUT, (), {"base": "a", "skills": "another"})
    older = figures.Figures(ABOUT, ())  # that do not say
    assert first.same_line(parent) and parent.same_line(first) and first.same_line(older)
    assert not first.same_line(again)


def test_two_arms_are_compared_on_the_tasks_and_seeds_of_both(parts: Any) -> None:
    figures = parts.figures
    before = [figures.Figures(ABOUT, (row(parts, "a", 0), row(parts, "b", 0))) for _ in range(2)]
    after = [figures.Figures(ABOUT, (row(parts, "a", 1), row(parts, "c", 1))) for _ in range(2)]
    found = figures.paired(before, after, "resolved")
    assert (found.pairs, found.difference) == (2, 1.0)


def test_arms_come_after_those_that_they_come_from(parts: Any) -> None:
    arms = parts.arms
    assert [arm.name for arm in arms.named("rl-critiques,base")] == ["base", "rl-critiques"]
    assert [arm.name for arm in arms.ARMS["rl"].lineage] == ["base", "skills", "rl"]
    order = list(arms.ARMS)
    assert all(order.index(arm.parent) < order.index(name) for name, arm in arms.ARMS.items() if arm.parent)
    assert {arm.name for arm in arms.named("ablations")} == set(arms.ABLATIONS)
    with pytest.raises(ValueError, match="no arm 'x'"):
        arms.named("x")


def test_what_has_figures_is_left_out_and_parents_that_must_be_trained_come_before(parts: Any) -> None:
    named, side = parts.arms.named, parts.side_by_side
    measured = {("base", 0), ("base", 1), ("skills", 0), ("rl", 0)}
    found = side.parts_of(named("base,skills,rl,rl-whole"), [0, 1], lambda part: (part.arm, part.seed) in measured)
    told = list(map(str, found))
    # Of seed 0 the skills have been measured, but another policy is to come of them.
    assert told == ["seed 0, skills", "seed 0, rl-whole", "seed 1, skills", "seed 1, rl", "seed 1, rl-whole"]
    assert list(map(str, side.parts_of(named("base"), [3, 4], lambda part: False))) == ["seed 3, base"]


def test_an_arm_begins_when_its_parent_is_trained_and_what_cannot_begin_is_named(parts: Any) -> None:
    side = parts.side_by_side
    begun: list[str] = []

    def begin(part: Any) -> Any:
        begun.append(part.arm)
        return SimpleNamespace(poll=lambda: int(part.arm == "sft"), terminate=lambda: None)

    arms = parts.arms.named("sft,skills,rl,rl-critiques")
    all_parts = side.parts_of(arms, [0], lambda part: False)
    trained = {"base"}
    with pytest.raises(side.PartsFailedError, match=r"failed: seed 0, sft; never begun: seed 0, rl; seed 0, rl-crit"):
        side.side_by_side(all_parts, begin, lambda part: part.arm in trained, 2)
    assert begun == ["sft", "skills"]
    side.side_by_side(all_parts[1:], begin, lambda part: part.arm in {*trained, *begun}, 1)
    assert begun[2:] == ["skills", "rl", "rl-critiques"]


def report(root: Path, seeds: int, resolved: dict[tuple[int, str], tuple[int, ...]], parents: dict[Any, str]) -> str:
    """The page drawn from such figures, each task resolved or not, whose `skills` were such a model."""
    for (seed, arm), hits in resolved.items():
        rows = [
            {"task": task, "counts": {"resolved": [hit, 1]}, "stop": "reported", "steps": 3, "tokens": 50}
            for task, hit in zip("abc", hits, strict=True)
        ]
        models = {"models": {"skills": parents[seed, arm]}} if (seed, arm) in parents else {}
        place = root / f"seed-{seed}" / arm / "tasks.jsonl"
        place.parent.mkdir(parents=True)
        place.write_text("\n".join(map(json.dumps, [{**ABOUT, "arm": arm, **models}, *rows])) + "\n")
    page = root / "study.md"
    page.write_text("# A study\n\n<!-- figures: begin -->\nas it was before\n<!-- figures: end -->\n\nAfter.\n")
    where = ["--figures", str(root), "--page", str(page)]
    command = [sys.executable, str(STUDY), "--report", "--seeds", str(seeds), *where]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return page.read_text()


@pytest.mark.slow
def test_every_table_is_drawn_from_the_figures_alone(tmp_path: Path) -> None:
    none = (0, 0, 0)
    found = {(0, "skills"): none, (0, "rl"): (1, 0, 0), (1, "skills"): none, (1, "rl"): (1, 1, 0)}
    text = report(tmp_path, 2, found, {})
    assert "3/6 = 50.0%" in text and "| rl | 1/3 = 33.3% | 2/3 = 66.7% |" in text
    assert "## Personas" not in text  # nothing was measured of it
    assert "rl beside skills" in text and "not significant" in text
    assert "as it was before" not in text and text.startswith("# A study") and text.endswith("After.\n")


@pytest.mark.slow
def test_arms_of_different_models_are_not_compared(tmp_path: Path) -> None:
    found = {(0, "skills"): (0, 0, 0), (0, "rl"): (1, 1, 1), (1, "skills"): (0, 0, 0), (1, "rl"): (1, 0, 0)}
    parents = {(0, "skills"): "gone", (0, "rl"): "trained again", (1, "skills"): "kept", (1, "rl"): "kept"}
    text = report(tmp_path / "one", 2, found, parents)
    assert "4/6 = 66.7%" in text  # each is told of
    assert "+33.3%" in text and "(without seed 0, which came of other models)" in text
    alone = report(tmp_path / "none", 1, {key: hits for key, hits in found.items() if key[0] == 0}, parents)
    assert "| rl beside skills | tasks resolved | – | – (without seed 0, which came of other models) |" in alone
