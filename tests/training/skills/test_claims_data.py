"""The claims benchmark: played and hand-labelled cases, written for others, read back, and judges measured on it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.envs.actions import TOOLS, Action, Claim
from journeyman.envs.episode import Step, TestRun
from journeyman.envs.observation import Observation
from journeyman.sandbox.backends import open_backend
from journeyman.tasks.runner import run_tests
from journeyman.training.checkpoint import TrainingError
from journeyman.training.skills.claims.cases import LABELS, MAX_SAID, Case, hand_labelled, plain_steps, steps_of
from journeyman.training.skills.claims.data import export, read, read_predictions, rows, score
from journeyman.training.skills.claims.measure import Prediction, checker, figures, judged
from journeyman.training.skills.claims.played import COUNT, filled, played
from journeyman.training.skills.claims.repos import REPOS
from journeyman.training.skills.claims.situations import OF_BUNDLED, SITUATIONS
from tests.envs.sandboxed import require_sandbox

words = st.text(st.characters(codec="utf-8"), max_size=30)
steps = st.lists(
    st.builds(
        lambda tool, arguments, said, ok, tree, diff, tests: Step(
            Action(tool, arguments), Observation(said, tool, ok), tree_hash=tree, diff=diff, tests=tests
        ),
        st.sampled_from(sorted(TOOLS)), st.dictionaries(words, words | st.integers() | st.booleans(), max_size=2),
        words, st.booleans(), words, words,
        st.none() | st.builds(lambda a, b: TestRun(tuple(a), tuple(b)), st.lists(words), st.lists(words)),
    ),
    max_size=3,
)  # fmt: skip


@given(steps)
def test_an_episode_reads_back_as_it_was(made: list[Step]) -> None:
    plain = json.loads(json.dumps(plain_steps(made)))
    back = steps_of(plain)
    assert plain_steps(back) == plain
    assert [(s.action, s.diff, s.tests, s.tree_hash, s.observation.text, s.observation.ok) for s in back] == [
        (s.action, s.diff, s.tests, s.tree_hash, s.observation.text, s.observation.ok) for s in made
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


_FIELDS = st.sampled_from(["tool", "arguments", "tests", "said", "diff", "tree"])


@given(st.lists(st.dictionaries(_FIELDS, json_values), max_size=3))
def test_what_is_no_episode_is_refused_and_never_crashes(plain: list[dict[str, Any]]) -> None:
    try:
        steps_of(plain)
    except TrainingError as error:
        assert str(error).startswith("step ")


def test_a_long_answer_keeps_its_exit_and_its_end() -> None:
    step = Step(Action("run", {"command": "x"}), Observation("exit 1\n" + "a" * 9_000 + "\n3 failed", "run"))
    said = plain_steps([step])[0]["said"]
    assert len(said) <= MAX_SAID and said.startswith("exit 1\n") and said.endswith("3 failed")


def test_there_are_enough_labelled_claims_of_every_kind() -> None:
    hand = hand_labelled()
    kinds = {"tests_pass", "tests_run", "changed", "fixed", "not_done", "blocked"}
    assert len(hand) >= 100 and {case.claim.kind for case in hand} == kinds and {c.label for c in hand} == set(LABELS)
    assert all(case.why for case in hand) and len({case.id for case in hand}) == len(hand)
    claims = len(REPOS) * sum(len(s.claims) for s in SITUATIONS) + len(hand)
    assert claims >= 1_000 and COUNT >= 150
    for situations in (SITUATIONS, OF_BUNDLED):
        names = [situation.name for situation in situations]
        assert len(set(names)) == len(names) and {s.split for s in situations} == {"dev", "test"}


def test_the_checker_holds_what_it_promises_on_the_hand_labelled_ones() -> None:
    hand = hand_labelled()
    done = judged(hand)
    found = figures((case.label, Prediction(said)) for case, said in zip(hand, done.said, strict=True))
    assert found.decided_precision.value >= 0.97 and found.decided_recall.value >= 0.75
    assert max(done.ms) <= 50


@pytest.mark.slow
def test_a_library_is_as_it_says(tmp_path: Path) -> None:
    """What situations take for granted: which tests fail, and that the mend mends them."""
    factory = open_backend(require_sandbox())
    for repo in REPOS:
        task = repo.task(tmp_path)
        with factory.create(task.environment, task.repository) as sandbox:
            wrong = run_tests(sandbox, timeout_s=20)
            assert set(wrong.failed) == {repo.names["f"], repo.names["f2"]}, repo.name
            for body, failing in ((repo.worse, set(wrong.failed)), (repo.right, set())):
                text = repo.source.replace(repo.wrong, body, 1)
                sandbox.write(repo.names["src"], text.encode())
                assert set(run_tests(sandbox, timeout_s=20).failed) == failing, (repo.name, body)


@pytest.mark.slow
def test_playing_it_again_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "journeyman.training.skills.claims.played."
    monkeypatch.setattr(module + "REPOS", REPOS[:1])
    monkeypatch.setattr(module + "BUNDLED", ())
    monkeypatch.setattr(module + "SITUATIONS", SITUATIONS[:6])
    told: list[int] = []
    first = list(played(tmp_path / "a", backend=require_sandbox(), on_done=told.append))
    assert told == list(range(1, 7)) and len(first) == sum(len(s.claims) for s in SITUATIONS[:6])
    assert list(rows(first)) == list(rows(list(played(tmp_path / "b", backend=require_sandbox()))))
    assert export(first, tmp_path / "out") == {
        split: sum(case.split == split for case in first) for split in ("dev", "test")
    }
    assert (
        judged(read(tmp_path / "out" / "data" / "test.jsonl")).said
        == judged([case for case in first if case.split == "test"]).said
    )


def test_names_are_filled_in_wherever_they_stand() -> None:
    assert filled({"a": ["<x>", {"b": "<x>/<y>"}], "n": 1}, {"x": "1", "y": "2"}) == {"a": ["1", {"b": "1/2"}], "n": 1}


def test_it_is_written_read_and_written_again(tmp_path: Path) -> None:
    hand = hand_labelled()
    counts = export(hand, tmp_path / "out")
    back = read(tmp_path / "out")
    assert sum(counts.values()) == len(hand) == len(back)
    assert sorted(back, key=lambda c: c.id) == sorted((replace(c, steps=steps_of(plain_steps(c.steps))) for c in hand),
                                                      key=lambda c: c.id)  # fmt: skip
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    export(back, tmp_path / "out")
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\n") and "<<" not in card


def test_others_read_it_with_their_own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    counts = export(hand_labelled(), tmp_path / "out")
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows_) for split, rows_ in found.items()} == counts
    row = found["test"][0]
    assert steps_of(json.loads(row["episode"])) and row["label"] in LABELS
    files = {split: str(tmp_path / "out" / "data" / f"{split}.jsonl") for split in counts}
    again = datasets.load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert again["dev"].column_names == found["dev"].column_names


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(TrainingError, match="something else"):
        export(hand_labelled(), tmp_path)
    with pytest.raises(TrainingError, match="something else"):
        export(hand_labelled(), tmp_path / "mine.txt")
    case = hand_labelled()[0]
    with pytest.raises(TrainingError, match="two claims"):
        export([case, case], tmp_path / "new")
    with pytest.raises(TrainingError, match="two splits"):
        export([case, replace(case, id="other", split="dev" if case.split == "test" else "test")], tmp_path / "new")
    with pytest.raises(TrainingError, match="no claims"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"), ("[]", "not an object"), ('{"label": "supported"}', "no `id`"),
        ('{"id": "a", "label": "true"}', "none of supported"),
        ('{"id": "a", "label": "supported", "score": NaN}', "finite"),
        ('{"id": "a", "label": "supported", "score": true}', "finite"), ("[" * 100_000, "not JSON"),
        ('{"id": "a", "label": "supported"}\n{"id": "a", "label": "supported"}', "a second prediction"),
        ("\ud800".encode("utf-8", "surrogatepass"), "codec"),
    ],
)  # fmt: skip
def test_predictions_that_cannot_be_read_are_named(tmp_path: Path, line: str | bytes, says: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(TrainingError, match=says):
        read_predictions(path)
    with pytest.raises(TrainingError, match="No such file"):
        read_predictions(tmp_path / "none.jsonl")


def test_each_claim_must_be_predicted_once() -> None:
    cases = hand_labelled()
    right = {case.id: Prediction(case.label) for case in cases}
    assert score(cases, right).accuracy.value == 1
    with pytest.raises(TrainingError, match=r"1 claim \(hand/.*without a prediction"):
        score(cases, dict(list(right.items())[1:]))
    with pytest.raises(TrainingError, match="not in the data"):
        score(cases, right | {"strange": Prediction("supported")})


labels = st.sampled_from(LABELS)


@given(st.lists(st.tuples(labels, labels, st.integers(0, 3)), max_size=30))
def test_figures_are_those_of_the_definitions(said: list[tuple[Any, Any, int]]) -> None:
    found = figures((label, Prediction(guess, value)) for label, guess, value in said)
    for label in LABELS:
        hits = sum(a == b == label for a, b, _ in said)
        assert found.precision(label).successes == found.recall(label).successes == hits
        assert found.precision(label).trials == sum(b == label for _, b, _ in said)
        assert found.recall(label).trials == sum(a == label for a, _, _ in said)
        assert math.isnan(found.f1(label)) or 0 <= found.f1(label) <= 1
    yes = [value for label, _, value in said if label == "contradicted"]
    no = [value for label, _, value in said if label != "contradicted"]
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in yes for b in no]
    assert found.auroc == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.lines()


def test_a_score_that_some_lack_counts_for_none() -> None:
    assert (
        figures([("supported", Prediction("supported", 0.1)), ("contradicted", Prediction("supported"))]).auroc is None
    )


def test_any_judge_can_be_measured() -> None:
    def trusting(claims: Sequence[Claim], steps: Sequence[Step]) -> list[Any]:
        return ["supported"] * len(claims)

    cases: list[Case] = hand_labelled()
    assert set(judged(cases, trusting).said) == {"supported"}
    assert judged([], checker).said == ()
