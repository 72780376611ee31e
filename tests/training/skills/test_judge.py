"""A judge model answers a guideline's questions over real HTTP; what it says is read strictly and trains nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.feedback.entry import ENTRY, Answer, Score
from journeyman.envs.feedback.log import FeedbackLog, Logged, now
from journeyman.envs.feedback.standing import Mark, standing
from journeyman.envs.guidelines.guideline import load_guideline
from journeyman.envs.store import EpisodeStore
from journeyman.training.feedback.critic import asking, open_critic
from journeyman.training.skills.adherence import adherence_of
from journeyman.training.skills.judge import judge, judge_of, judged_by, prompt_of
from tests.journeyman.conftest import Call, call  # noqa: F401  # a fixture
from tests.training.skills.test_adherence import mentor, terse

MENTOR = load_guideline("patient-mentor")
ITEMS = [item.id for item in MENTOR.items]


def answers(**kept: bool) -> str:
    return "\n".join(json.dumps({"item": name.replace("_", "-"), "kept": ok, "sure": 0.9}) for name, ok in kept.items())


def test_it_reads_the_questions_and_the_steps_and_no_verdict() -> None:
    prompt = prompt_of(terse(0), MENTOR)
    for part in (
        "for-a-newcomer: Could a programmer who does not know",
        "plans: Is this kept to: Make a plan",
        "--- step 2",
    ):
        assert part in prompt, part
    assert "resolved" not in prompt and "plan-first" not in prompt


def test_what_it_says_becomes_drafts_and_the_rest_is_counted() -> None:
    wrong = [
        "Sure!", "[1]", '{"item": "plans"}', '{"item": "nonsuch", "kept": true}', '{"item": "plans", "kept": "yes"}',
        '{"item": "plans", "kept": true, "sure": 0.2}', '{"item": "plans", "kept": true, "sure": NaN}',
        '{"item": "plans", "kept": true, "annotator": "ada"}',
        '{"item": "plans", "kept": true, "why": "\\ud800"}', "[" * 100_000,
    ]  # fmt: skip
    good = [
        '{"item": "plans", "kept": true, "sure": 1, "why": "step 1 plans"}',
        '{"item": "explains", "kept": false, "sure": 0.8}',
    ]
    found = judge(terse(0), MENTOR, lambda _: "\n".join([*good, *wrong, good[0]]), "endpoint:u#qwen 3")
    plans, explains = found.scores
    assert (plans.value, plans.annotator, plans.origin) == (1, "judge.endpoint-u-qwen-3", "judge:endpoint:u#qwen 3")
    assert plans.reason == "step 1 plans" and plans.draft and explains.value == pytest.approx(0.2)
    assert len(found.malformed) == len(wrong) + 1 and "second answer on plans" in found.malformed[-1]
    assert set(found.unanswered) == set(ITEMS) - {"plans", "explains"}
    (judged, _) = standing(Logged(found.scores, ()), lambda _: terse(0), {})
    assert judged.marks == (Mark.DRAFT,), "what a model says counts for nothing by itself"
    assert ENTRY.validate_json(ENTRY.dump_json(plans)) == plans


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["{", "}", '"item"', ":", "plans", "true", ",", "\n"])).map("".join)
)
def test_whatever_it_writes_is_read(text: str) -> None:
    found = judge(terse(0), MENTOR, lambda _: text, "m")
    assert len(found.scores) + len(found.unanswered) == len(ITEMS)


def test_an_episode_that_was_judged_by_every_item_is_not_asked_of_again() -> None:
    every = "\n".join(json.dumps({"item": id_, "kept": True}) for id_ in ITEMS)
    found = judge(terse(0), MENTOR, lambda _: every, "m").scores
    assert judged_by(found, MENTOR, "m") == {"t0-0"}
    assert not judged_by(found[1:], MENTOR, "m") and not judged_by(found, MENTOR, "other")
    persons = [each.model_copy(update={"draft": False}) for each in found]
    assert not judged_by(persons, MENTOR, "m")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[str], str]], str]]:
    """Serves a model that is a function of the prompt; gives its name as a policy."""
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    says: list[Callable[[str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = says[0](body["messages"][-1]["content"])
            data = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def serve(function: Callable[[str], str]) -> str:
        says[:] = [function]
        return f"endpoint:http://127.0.0.1:{server.server_address[1]}/v1#scripted"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def sees_plans(prompt: str) -> str:
    """A judge with eyes for plans, and a word on everything else."""
    planned = "\nplan\n" in prompt
    rows = [{"item": id_, "kept": planned if id_ in ("plans", "explains") else True, "sure": 0.8} for id_ in ITEMS]
    return "\n".join(map(json.dumps, rows))


def test_over_http_it_agrees_with_the_rules_or_not(endpoint: Callable[[Callable[[str], str]], str]) -> None:
    episodes = [mentor(0), mentor(1), terse(0), terse(1)]
    policy = open_critic(endpoint(sees_plans))
    ask = asking(policy)
    scores = [score for each in episodes for score in judge(each, MENTOR, ask, "scripted").scores]
    policy.close()
    found = {episode.id: episode for episode in episodes}
    (trust,) = adherence_of(episodes, MENTOR, standing(Logged(tuple(scores), ()), found.get, {})).judges
    assert trust.judge == judge_of("scripted") and trust.enough
    assert trust.auroc is not None and 0.6 < trust.auroc < 1, "it is right about plans, and says yes to the rest"


def test_on_the_command_line(call: Call, endpoint: Callable[[Callable[[str], str]], str]) -> None:  # noqa: F811
    with EpisodeStore("runs/slow") as store:
        for number in range(3):
            store.add(replace(mentor(number), config={"guidelines": [{"name": "patient-mentor", "version": 2}]}))
    with EpisodeStore("runs/quick") as store:
        for number in range(3):
            store.add(terse(number))
    model = endpoint(sees_plans)
    words = ["guideline", "judge", "--run", "slow", "--judge", model]
    done = json.loads(call(*words, "--limit", "2", "--json").stdout)
    assert (done["episodes"], done["answers"], done["malformed"]) == (2, 2 * len(ITEMS), 0)
    again = call(*words)
    assert "on 1 episode" in again.stdout and "2 episodes judged before" in again.stdout
    told = call("guideline", "adherence", "slow").stdout
    assert "for-a-newcomer (should, weight 1): by a judge" in told and "says it is kept in 3/3" in told
    assert "on rule items it agrees with the rule" in told and "people say" not in told
    log = FeedbackLog("runs/slow")
    drafted = next(entry for entry in log.read().entries if isinstance(entry, Score) and entry.draft)
    log.write(Answer(id="yes", annotator="ada", at=now(), of=drafted.id, decision="accepted"))
    assert "people say it is kept in 1/1" in call("guideline", "adherence", "slow").stdout, "it is ada's word now"
    both = ["guideline", "adherence", "quick", "slow", "--guideline", "terse-senior", "--guideline", "patient-mentor"]
    table = json.loads(call(*both, "--against", "quick", "--json").stdout)
    assert [run["run"] for run in table["runs"]] == ["quick", "slow"] and len(table["contrast"]["following"]) == 2
    assert [cost["pairs"] for cost in table["costs"]] == [3, 3]
    said = call(*both, "--against", "quick")
    assert said.exit_code == 0 and "slow keeps to patient-mentor by +" in said.stdout and "what it costs" in said.stdout


def test_what_cannot_be_measured_is_said_in_a_line(call: Call) -> None:  # noqa: F811
    with EpisodeStore("runs/quick") as store:
        store.add(terse(0))
    for words, said in (
        (["adherence", "quick"], "was told of no guideline; say by which to judge: --guideline NAME"),
        (["adherence", "nowhere"], "no episodes in nowhere"),
        (["adherence", "quick", "quick", "--guideline", "conduct"], "a run is named twice"),
        (["adherence", "quick", "--guideline", "conduct", "--guideline", "honesty"], "one for all, or each its own"),
        (["adherence", "quick", "--guideline", "nonsuch"], "bundled are"),
        (["judge", "--run", "quick", "--guideline", "conduct", "--judge", "oracle"], "no judge 'oracle'"),
    ):
        done = call("guideline", *words)
        assert done.exit_code == 2 and said in " ".join(done.stderr.split()), (words, done.stderr)
    assert call("guideline", "show", "terse-senior", "--brief").stdout.startswith("A senior of few words:")
    assert "has no short form" in call("guideline", "show", "conduct", "--brief").stderr
