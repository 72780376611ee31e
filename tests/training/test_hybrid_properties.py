"""The hybrid reward keeps its promises for whatever a group did: bounds, orders, and who can steer what."""

from __future__ import annotations

import itertools
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.episode import Episode, Step, TestRun
from journeyman.tasks.task import Task
from journeyman.training.hardness import Hardness
from journeyman.training.hybrid import MARGIN, HybridSettings, Shaped, hybrid, is_solved
from journeyman.training.mended import CHANGING, sightings
from tests.training.groups import (
    BUG,
    PROJECT,
    SOLVED,
    A,
    B,
    C,
    amount,
    did,
    edited,
    episode,
    ran,
    reported,
    with_tokens,
)

pytestmark = pytest.mark.slow
NEAR = 1e-9
CLAIMS = st.tuples(
    st.sampled_from(("tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked")),
    st.sampled_from(("", A, C, "shop.py", "other.py", "no reason")),
)
LEARNED = st.dictionaries(st.sampled_from(("style", "outcome", "person")), st.floats(0, 1), max_size=3)


@st.composite
def runs(draw: st.DrawFn) -> Step:
    said = {check: draw(st.sampled_from(("passed", "failed", "untold"))) for check in SOLVED}
    told = {word: [check for check in SOLVED if said[check] == word] for word in ("passed", "failed")}
    return ran(*told["passed"], failed=told["failed"])


@st.composite
def episodes(draw: st.DrawFn, task: Task = BUG, name: str = "0-a", solved: bool | None = None) -> Episode:
    some = st.one_of(st.builds(edited), runs(), st.just(did("view")))
    steps = draw(st.lists(some, max_size=6))
    if draw(st.booleans()):
        steps.append(reported(*draw(st.lists(CLAIMS, max_size=4))))
    if draw(st.booleans()):
        steps = [with_tokens(step, draw(st.integers(0, 50)), draw(st.integers(0, 50))) for step in steps]
    passing = st.sets(st.sampled_from(SOLVED)).map(tuple)
    if solved is None:
        passing = st.just(SOLVED) | passing
    elif solved:
        passing = st.just(SOLVED)
    else:
        passing = passing.filter(lambda found: len(found) < len(SOLVED))
    scored = solved is not None or draw(st.integers(0, 9)) > 0
    return episode(*steps, task=task, passing=draw(passing), name=name, scored=scored)


@st.composite
def groups(draw: st.DrawFn, solved: bool | None = None) -> tuple[Task, list[Episode]]:
    task = draw(st.sampled_from((BUG, PROJECT)))
    size = draw(st.integers(1, 5))
    return task, [draw(episodes(task, f"{n}-a", solved)) for n in range(size)]


@st.composite
def all_settings(draw: st.DrawFn) -> HybridSettings:
    """Any that are allowed, also those at the very edge."""
    learned = draw(st.floats(0, 0.1))
    parts = [draw(st.floats(0, 1)) for _ in range(4)]
    room = (1 - MARGIN - learned) * draw(st.sampled_from((1.0, 0.5, 0.0)))
    whole = max(sum(parts), 1.0)
    milestones, self_correction, honesty, cost = (part / whole * room for part in parts)
    alone = learned * draw(st.floats(0, 1))
    return HybridSettings(milestones, self_correction, honesty, cost, learned, alone)


@st.composite
def judged(draw: st.DrawFn, group: list[Episode]) -> dict[str, dict[str, float]]:
    return {each.id: draw(LEARNED) for each in group if draw(st.booleans())}


# for any group


@given(drawn=groups(), settings=all_settings(), data=st.data())
def test_every_value_and_every_total_keeps_its_bounds(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    task, group = drawn
    for each in hybrid(group, task, settings, learned=data.draw(judged(group))):
        assert all(0 <= term.value <= 1 and term.source for term in each.terms)
        if each.total is not None:
            assert -settings.honesty - settings.cost - NEAR <= each.total <= 1 + settings.learned + NEAR
            assert each.total == pytest.approx(sum(term.amount for term in each.terms))


@given(drawn=groups(), settings=all_settings(), data=st.data())
def test_any_solved_episode_is_above_any_unsolved_one(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    task, group = drawn
    known = Hardness().after(group)
    shaped = hybrid(group, task, settings, hardness=known, learned=data.draw(judged(group)))
    totals: dict[bool, list[float]] = {True: [], False: []}
    for each, reward in zip(group, shaped, strict=True):
        if reward.total is not None:
            totals[is_solved(each)].append(reward.total)
    for high, low in itertools.product(totals[True], totals[False]):
        assert high - low >= MARGIN - NEAR


@given(drawn=groups(), data=st.data())
def test_the_order_of_a_group_changes_nothing(drawn: tuple[Task, list[Episode]], data: st.DataObject) -> None:
    task, group = drawn
    learned = data.draw(judged(group))
    mixed = data.draw(st.permutations(group))
    by_id = dict(zip((each.id for each in group), hybrid(group, task, learned=learned), strict=True))
    assert hybrid(mixed, task, learned=learned) == [by_id[each.id] for each in mixed]


@given(drawn=groups(), data=st.data())
def test_unscored_episodes_get_nothing_and_take_no_part(drawn: tuple[Task, list[Episode]], data: st.DataObject) -> None:
    task, group = drawn
    learned = data.draw(judged(group))
    shaped = hybrid(group, task, learned=learned)
    scored = [n for n, each in enumerate(group) if each.reward is not None]
    assert all(shaped[n] == Shaped((), None) for n in range(len(group)) if n not in scored)
    assert hybrid([group[n] for n in scored], task, learned=learned) == [shaped[n] for n in scored]


@given(drawn=groups(solved=False), settings=all_settings(), data=st.data())
def test_learned_terms_cannot_steer_a_group_in_which_nothing_is_solved(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    task, group = drawn
    alike = [replace(each, verdict=group[0].verdict, terms=group[0].terms, reward=group[0].reward) for each in group]
    learned = data.draw(judged(alike))
    with_them = [each.total or 0.0 for each in hybrid(alike, task, settings, learned=learned)]
    without = [each.total or 0.0 for each in hybrid(alike, task, settings)]
    for n in range(len(alike)):
        moved = [new - old for new, old in zip(with_them, without, strict=True)]
        others = [each for m, each in enumerate(moved) if m != n]
        assert abs(moved[n] - fmean(moved)) <= settings.learned_alone + NEAR
        assert not others or abs(moved[n] - fmean(others)) <= settings.learned_alone + NEAR, "leave-one-out"


@given(drawn=groups(), settings=all_settings(), data=st.data())
def test_learned_terms_never_span_more_than_their_bound(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    """The whole of it where something is solved; else what the grader tells apart, or hardly anything."""
    task, group = drawn
    shaped = hybrid(group, task, settings, learned=data.draw(judged(group)))
    pairs = [(episode, each) for episode, each in zip(group, shaped, strict=True) if each.total is not None]
    graded = [amount(each, "outcome") + amount(each, "milestones") for _, each in pairs] or [0.0]
    learned = [amount(each, "learned") for _, each in pairs] or [0.0]
    spread = min(settings.learned, max(settings.learned_alone, max(graded) - min(graded)))
    allowed = settings.learned if any(is_solved(episode) for episode, _ in pairs) else spread
    assert max(learned) - min(learned) <= allowed + NEAR


# nothing is gained by what looks good


def at_once(whole: Episode) -> Episode:
    """The same in the end, without its failures: all changes in one, then what its last runs said."""
    changed = any(step.diff and step.action.tool in CHANGING for step in whole.steps)
    last = [(check, seen[-1]) for check, seen in sightings(whole.steps).items() if seen[-1].changes]
    found = TestRun(tuple(c for c, s in last if s.passed), tuple(c for c, s in last if not s.passed))
    return replace(whole, id="9-z", steps=(edited(), did("test", tests=found)) if changed else ())


@given(drawn=groups(), settings=all_settings(), data=st.data())
def test_who_failed_first_and_mended_never_earns_more_than_who_did_not_fail(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, data: st.DataObject
) -> None:
    task, others = drawn
    mended = data.draw(episodes(task, "8-y", data.draw(st.booleans())))
    if sum(bool(step.diff) for step in mended.steps) < 2:
        mended = replace(mended, steps=(edited(), ran(failed=(A, B)), edited(), *mended.steps))
    *_, first, second = hybrid([*others, mended, at_once(mended)], task, settings)
    assert first.total is not None and second.total is not None
    assert second.total >= first.total - NEAR


@given(drawn=groups(), settings=all_settings(), claims=st.lists(CLAIMS, max_size=4), data=st.data())
def test_a_false_claim_makes_the_same_work_worth_less(
    drawn: tuple[Task, list[Episode]], settings: HybridSettings, claims: list[tuple[str, str]], data: st.DataObject
) -> None:
    task, others = drawn
    work = data.draw(episodes(task, "8-y", data.draw(st.booleans())).filter(lambda e: not _reports(e)))
    honest = replace(work, id="8-x", steps=(*work.steps, reported(*claims)))
    lying = replace(work, steps=(*work.steps, reported(*claims, ("changed", "never.py"))))
    *_, first, second = hybrid([*others, honest, lying], task, settings)
    assert first.total is not None and second.total is not None
    assert first.total >= second.total
    if settings.honesty > 0.01:
        assert first.total > second.total


@given(drawn=groups(solved=False), settings=all_settings())
def test_doing_nothing_beats_no_honest_attempt(drawn: tuple[Task, list[Episode]], settings: HybridSettings) -> None:
    task, group = drawn
    silent = [replace(each, steps=tuple(s for s in each.steps if s.action.tool != "report")) for each in group]
    idle = episode(reported(), task=task, name="8-y")
    *attempts, nothing = hybrid([*silent, idle], task, settings)
    assert nothing.total == 0.0
    assert all(each.total is not None and each.total >= 0 for each in attempts)


def _reports(each: Episode) -> bool:
    return bool(each.steps) and each.steps[-1].action.tool == "report"
