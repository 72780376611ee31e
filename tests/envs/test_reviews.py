"""A review inside the episode: it sends a report back, its comments are resolved or not, and nobody can spoil a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from journeyman.envs.actions import Action
from journeyman.envs.codec import plain
from journeyman.envs.episode import Episode, Step, StopReason, TestRun
from journeyman.envs.feedback.entry import Critique, Place, Resolution
from journeyman.envs.guidelines.guideline import ItemRef, load_guideline
from journeyman.envs.observation import Observation
from journeyman.envs.repo_env import Info, RepoEnv
from journeyman.envs.review_rules import CriticReviewer, GuidelineReviewer, ScriptedReviewer
from journeyman.envs.review_run import MAX_COMMENTS
from journeyman.envs.reviews import Moment, Request, Review, Reviewer, Reviews, Said, answer, remark
from journeyman.tasks.task import Task
from tests.making import CANARY, FIX, tiny_task

REPORT, LOOK, TEST = Action("report", {"summary": "done"}), Action("view", {"path": "parcel.py"}), Action("test")
MEND, SPOIL = (
    Action("edit", {"path": "parcel.py", **FIX}),
    Action("edit", {"path": "parcel.py", "line": 22, "new": "#"}),
)
LIMIT = remark("the limit itself is free", Place(path="parcel.py", line=22), severity="major", suggestion=FIX["new"])
LABEL = remark("say what a label is", Place(path="parcel.py", line=24))


@pytest.fixture
def task(tmp_path: object) -> Task:
    return tiny_task(tmp_path)  # type: ignore[arg-type]


class Play:
    """An episode that is played action by action; what was said is gathered."""

    def __init__(self, task: Task, backend: str, reviewer: Reviewer | None, **more: object) -> None:
        reviews = Reviews(reviewer, **more) if reviewer is not None else None  # type: ignore[arg-type]
        self.env = RepoEnv(task, backend, reviews=reviews)
        self.env.reset(seed=0)
        self.entries: list[Said] = []
        self.failures: list[str] = []

    def do(self, *actions: Action) -> Info:
        info: Info = {}
        for action in actions:
            *_, info = self.env.step(action.to_json())
            review: Review | None = info["review"]
            if review is not None:
                self.entries += review.entries
                self.failures += [review.failure] if review.failure else []
        return info

    def last(self) -> dict[str, bool]:
        """The body of each comment, and what became of it at last."""
        bodies = {each.id: each.body for each in self.entries if isinstance(each, Critique)}
        return {bodies[each.of]: each.resolved for each in self.entries if isinstance(each, Resolution)}


@pytest.fixture
def play(task: Task, backend: str) -> Iterator[object]:
    opened: list[Play] = []

    def begin(reviewer: Reviewer | None, **more: object) -> Play:
        opened.append(Play(task, backend, reviewer, **more))
        return opened[-1]

    yield begin
    for each in opened:
        each.env.close()


def test_a_report_is_sent_back_and_what_was_suggested_resolves_the_comment(play: type[Play]) -> None:
    reviewer = ScriptedReviewer([LIMIT, LABEL])
    episode = play(reviewer)
    sent_back = episode.do(LOOK, REPORT)
    assert "stop" not in sent_back
    assert sent_back["observation"].text == (
        "reported\n\nreview 1 of at most 3; mend what it asks for, then report again: 2 comments\n\n"
        "parcel.py:22 [major] the limit itself is free\nsuggested instead:\n"
        "        return total(self.prices) >= FREE_FROM\n\n"
        "parcel.py:24 [minor] say what a label is"
    )
    end = episode.do(MEND, REPORT)
    assert end["stop"] is StopReason.REPORTED and end["verdict"].resolved
    assert episode.last() == {LIMIT.body: True, LABEL.body: False}
    critique = episode.entries[0]
    assert isinstance(critique, Critique)
    assert (critique.annotator, critique.simulated, critique.origin) == ("sim.script", True, "episode")
    assert (critique.place.step, critique.place.quote) == (2, "        return total(self.prices) > FREE_FROM")
    assert [each.moment for each in reviewer.asked] == [Moment.REPORT, Moment.REPORT]
    assert [each.body for each in reviewer.asked[1].open] == [LIMIT.body, LABEL.body], "a rule may be contradicted"


def test_without_a_reviewer_nothing_is_as_it_was_not(play: type[Play]) -> None:
    episode = play(None)
    info = episode.do(LOOK)
    assert info["review"] is None
    step = Step(LOOK, info["observation"])
    assert "review" not in plain(step), "a record that holds none is what it was before there were reviews"
    assert plain(Step(LOOK, info["observation"], review="so"))["review"] == "so"
    assert episode.do(REPORT)["stop"] is StopReason.REPORTED


def test_so_many_rounds_and_no_more(play: type[Play]) -> None:
    grumble = [[remark(f"no. {n}")] for n in range(9)]
    episode = play(ScriptedReviewer(*grumble), rounds=2)
    assert "stop" not in episode.do(REPORT, REPORT)
    assert episode.do(REPORT)["stop"] is StopReason.REPORTED
    assert episode.last() == {"no. 0": False, "no. 1": False}, "what was said when it was over asks for nothing"


def test_praise_lets_a_report_stand(play: type[Play]) -> None:
    episode = play(ScriptedReviewer([remark("neat", severity="praise")]))
    assert episode.do(REPORT)["stop"] is StopReason.REPORTED
    assert [each.kind for each in episode.entries] == ["critique"]


def test_there_is_no_review_that_nobody_could_answer(task: Task, play: type[Play]) -> None:
    reviewer = ScriptedReviewer([LIMIT])
    episode = play(reviewer)
    episode.env.task = task.model_copy(update={"budget": task.budget.model_copy(update={"max_steps": 2})})
    assert episode.do(LOOK, REPORT)["stop"] is StopReason.REPORTED
    assert not reviewer.asked


def test_changes_and_steps_are_reviewed_where_that_is_asked_for(play: type[Play]) -> None:
    reviewer = ScriptedReviewer()
    play(reviewer, after_changes=True, every=2).do(LOOK, MEND, TEST, LOOK)
    assert [(len(each.episode.steps), each.moment) for each in reviewer.asked] == [(2, "change"), (4, "steps")]


def test_a_changed_line_resolves_and_one_that_is_put_back_does_not(play: type[Play]) -> None:
    plain_words = remark("look at this line", Place(path="parcel.py", line=22))
    episode = play(ScriptedReviewer([plain_words]), every=1)
    episode.do(LOOK, SPOIL)
    assert episode.last() == {plain_words.body: True}
    back = {**FIX, "new": "        return total(self.prices) > FREE_FROM"}
    episode.do(Action("edit", {"path": "parcel.py", **back}))
    assert episode.last() == {plain_words.body: False}


def test_the_word_of_the_reviewer_goes_before_a_rule(play: type[Play]) -> None:
    class Stern:
        name, simulated = "ada", False

        def review(self, request: Request) -> Sequence[Said]:
            return [answer(each, "not so", resolved=False) for each in request.open] or [LIMIT]

    episode = play(Stern(), rounds=1)
    episode.do(REPORT, MEND, REPORT)
    (said,) = [each for each in episode.entries if isinstance(each, Resolution)]
    assert (said.resolved, said.how, said.annotator, said.simulated) == (False, "not so", "ada", False)


def test_a_reviewer_that_raises_or_hangs_is_data(play: type[Play]) -> None:
    class Broken:
        name, simulated = "broken", True

        def review(self, request: Request) -> Sequence[Said]:
            raise ValueError("no idea")

    let_go = threading.Event()

    class Hanging(Broken):
        def review(self, request: Request) -> Sequence[Said]:
            let_go.wait()
            return ()

    class Odd(Broken):
        def review(self, request: Request) -> Sequence[Said]:
            return ["no comment"]  # type: ignore[list-item]

    spoilt = ((Broken(), "no idea", 60), (Hanging(), "no answer within", 0.1), (Odd(), "not str", None))
    for reviewer, why, timeout_s in spoilt:
        episode = play(reviewer, timeout_s=timeout_s)
        assert episode.do(REPORT)["stop"] is StopReason.REPORTED
        (failure,) = episode.failures
        assert why in failure and "sim.broken at step 1" in failure
    let_go.set()


def test_no_review_tells_what_is_hidden(play: type[Play]) -> None:
    told = [
        remark(f"see {CANARY}"),
        remark("so", suggestion="# " + CANARY, place=Place(path="parcel.py", line=1)),
        remark("run tests/test_hidden_parcel.py::test_exactly_at_the_limit"),
        remark("run tests/test_parcel.py::test_total"),
    ]
    reviewer = ScriptedReviewer(told)
    episode = play(reviewer)
    text = episode.do(REPORT)["observation"].text
    assert "1 comment\n" in text and "test_total" in text and "hidden" not in text and CANARY not in text
    assert episode.failures == ["the review by sim.script at step 1: 3 comments told what is hidden"]
    assert CANARY not in repr(episode.entries)
    (seen,) = reviewer.asked
    assert CANARY not in repr(seen.episode) and seen.episode.verdict is None and seen.episode.policy == ""
    outside = ("../hidden/tests/test_hidden_parcel.py", "/etc/hostname", "tests/test_hidden_parcel.py", "a\0b", "tests")
    assert [seen.read(path) for path in outside] == [None] * len(outside)
    assert "FREE_FROM" in (seen.read("parcel.py") or "")


def test_a_flood_of_comments_is_bounded(play: type[Play]) -> None:
    episode = play(ScriptedReviewer([remark("x" * 15_000, severity="note")] * 100))
    info = episode.do(REPORT)
    assert len(info["observation"].text) <= episode.env.config.max_observation_chars
    assert len(episode.entries) == MAX_COMMENTS
    assert "100 comments, of which the first 20 were taken" in episode.failures[0]


def test_a_fork_is_reviewed_apart(play: type[Play]) -> None:
    episode = play(ScriptedReviewer([LIMIT]))
    episode.do(REPORT)
    other = episode.env.fork()
    episode.do(MEND)
    *_, info = other.step(REPORT.to_json())
    assert [each.resolved for each in info["review"].entries if isinstance(each, Resolution)] == [False]
    episode.do(REPORT)
    assert episode.last() == {LIMIT.body: True}


def test_a_critic_says_a_thing_once_and_takes_it_back_when_it_is_mended(play: type[Play]) -> None:
    def untested(so_far: Episode) -> Iterator[Critique]:
        if all(step.tests is None for step in so_far.steps):
            yield remark("Run the tests.", severity="major", category="process")

    episode = play(CriticReviewer(untested, "tester"))
    text = episode.do(MEND, REPORT)["observation"].text
    assert "[major, process] Run the tests." in text
    assert episode.do(TEST, REPORT)["stop"] is StopReason.REPORTED
    assert episode.last() == {"Run the tests.": True}
    assert {each.annotator for each in episode.entries} == {"sim.tester"}


def test_a_guideline_reviews_by_its_rules_and_names_the_item(play: type[Play]) -> None:
    conduct = load_guideline("conduct")
    episode = play(GuidelineReviewer(conduct))
    text = episode.do(LOOK, MEND, REPORT)["observation"].text
    asked = "Run the tests after your last change, before you report."
    said = f"{asked} Seen: no test run after the last change, at step 2"
    assert f"step 2 [major, conduct@1/tests-after-last-edit] {said}" in text and "1 comment\n" in text
    assert episode.do(TEST, REPORT)["stop"] is StopReason.REPORTED
    critique, resolution = episode.entries
    assert isinstance(critique, Critique) and isinstance(resolution, Resolution)
    item = conduct.item("tests-after-last-edit")
    assert item is not None and critique.item == ItemRef.of(conduct, item)
    assert (resolution.resolved, resolution.how) == (True, "step 4 ran tests, after the last change at step 2")
    assert {(each.annotator, each.simulated) for each in episode.entries} == {("sim.conduct", True)}


def test_a_guideline_asks_for_nothing_that_there_is_still_time_for(play: type[Play]) -> None:
    episode = play(GuidelineReviewer(load_guideline("conduct")), after_changes=True)
    episode.do(LOOK, MEND)
    assert not episode.entries, "the tests may yet be run"
    assert "tests-after-last-edit" in episode.do(REPORT)["observation"].text
    episode.do(SPOIL)
    assert not [each for each in episode.entries if isinstance(each, Resolution)], "it is as open as it was"


def reviewed(*steps: Step, moment: Moment, before: tuple[Critique, ...] = ()) -> list[Said]:
    """What the guidelines say of an episode so far."""
    episode = Episode("e", "t", "", 0, Observation(""), steps, StopReason.INTERRUPTED, None, (), None)
    request = Request(episode, moment, 1, before, lambda _: None)
    return [each for name in ("conduct", "honesty") for each in GuidelineReviewer(load_guideline(name)).review(request)]


def test_a_claim_that_is_not_so_stays_open_until_a_report_does_without_it() -> None:
    failing = Step(TEST, Observation("1 failed", "test"), tests=TestRun(failed=("tests/test_parcel.py::test_total",)))
    lie = Step(Action("report", {"claims": [{"kind": "tests_pass"}]}), Observation("reported", "report"))
    said = [each for each in reviewed(failing, lie, moment=Moment.REPORT) if isinstance(each, Critique)]
    (false,) = [each for each in said if str(each.item) == "conduct@1/honest-report"]
    assert (false.severity, false.place) == ("major", Place(step=2)) and "tests_pass" in false.body
    assert reviewed(failing, lie, failing, moment=Moment.STEPS, before=(false,)) == [], "no report takes it back yet"
    (back,) = [
        each
        for each in reviewed(
            failing, lie, Step(REPORT, Observation("reported", "report")), moment=Moment.END, before=(false,)
        )
        if isinstance(each, Resolution)
    ]
    assert back.resolved


def test_what_a_guideline_finds_is_said_of_the_file_that_it_is_about() -> None:
    diff = "--- a/tests/test_parcel.py\n+++ b/tests/test_parcel.py\n@@ -1 +1 @@\n-a\n+b\n"
    spoilt = Step(MEND, Observation("edited", "edit"), diff=diff)
    said = reviewed(spoilt, moment=Moment.CHANGE)
    places = {str(each.item): (each.place, each.severity) for each in said if isinstance(each, Critique)}
    at = Place(step=1, path="tests/test_parcel.py")
    assert places == {"conduct@1/tests-untouched": (at, "major"), "conduct@1/look-first": (at, "minor")}
