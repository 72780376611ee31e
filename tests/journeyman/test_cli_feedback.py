"""`journeyman feedback`: saying something, seeing what counts, taking it back, forgetting."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from journeyman.cli import app
from journeyman.envs.episode import Ancestry, Change
from journeyman.envs.store import EpisodeStore
from journeyman.training.feedback.refine import ATTEMPTS, CRITIQUES
from tests.envs.feedback.saying import episode, step
from tests.journeyman.conftest import Call

CONDUCT = 'name = "conduct"\nversion = {}\ntitle = "t"\n[[items]]\nid = "scope"\nkind = "must"\ntext = "{}"\n'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two episodes."""
    report = step("report", summary="", claims=[{"kind": "tests_pass"}])
    with EpisodeStore(tmp_path / "runs" / "r") as store:
        store.add(episode([step("write", path="a.py", content="one\ntwo\n"), report], "0001-aaaa"))
        store.add(episode([step()], "0002-bbbb"))
    return store.folder


def listed(call: Call, *words: str) -> list[dict[str, Any]]:
    done = call("feedback", "list", "--json", *words)
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["entries"]
    return found


def test_what_is_said_is_listed_with_what_keeps_it_from_counting(call: Call, run: Path) -> None:
    def say(*words: str) -> None:
        done = call("feedback", "add", "--annotator", "ada", *words)
        assert done.exit_code == 0, done.stderr

    say("aaaa", "--comment", "why?", "--step", "1", "--path", "a.py", "--line", "1", "--quote", "two")
    say("0001", "--step", "1", "--label", "bad")
    say("0001", "--claim", "0", "--label", "false", "--limitation", "none ran")
    say("last", "--score", "0.5")
    say("aaaa", "bbbb", "--ranks", "1,1", "--reason", "the same")
    say("aaaa", "--step", "1", "--action", '{"tool": "test"}', "--reason", "first look")
    every = listed(call)
    assert [each["kind"] for each in every] == ["critique", "step", "claim", "score", "ranking", "correction"]
    assert [each["marks"] for each in every] == [["moved"], [], [], [], [], []]
    assert every[0]["moved_to"]["line"] == 2 and every[0]["episode"] == "0001-aaaa"
    assert [each["kind"] for each in listed(call, "--marked")] == ["critique"]
    assert [each["kind"] for each in listed(call, "--kind", "step", "--annotator", "ada")] == ["step"]
    assert listed(call, "--annotator", "bob") == []
    shown = call("feedback", "list")
    assert "moved: what was quoted of a.py stands at line 2" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    "words,why",
    [
        (["last"], "nothing is said"),
        (["last", "--score", "1", "--ranks", "1"], "make 2 entries"),
        (["last", "--score", "7"], "--score: "),
        (["aaaa", "bbbb", "--score", "1"], "the one episode that is meant, not 2"),
        (["aaaa", "bbbb", "--ranks", "first"], "--ranks first"),
        (["zzzz", "--score", "1"], "no episode begins with 'zzzz'"),
        (["last", "--label", "true", "--step", "1"], "--label: "),
        (["last", "--label", "bad"], "--step is missing"),
        (["aaaa", "bbbb", "--ranks", "1"], "error: --ranks: 1 rank for 2 episodes"),
        (["last", "--ranks", "1,2"], "--ranks: 2 ranks for 1 episode"),
        (["last", "--score", "1", "--annotator", "a b/c"], "--annotator: a name of up to 64 letters"),
        (["last", "--comment", "x", "--line", "0"], "--line: "),
        (["last", "--action", "{", "--step", "1"], "--action is not JSON"),
        (["last", "--score", "1", "--item", "conduct/none", "--guideline", "conduct.toml"], "conduct@1 has scope"),
        (["last", "--score", "1", "--item", "nothing/x"], "no guideline 'nothing'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(call: Call, run: Path, words: list[str], why: str) -> None:
    Path("conduct.toml").write_text(CONDUCT.format(1, "Change little."))
    done = call("feedback", "add", "--annotator", "ada", *words)
    assert done.exit_code == 2 and why in done.stderr
    assert not (run / "feedback.jsonl").exists()


def test_who_says_it_must_be_known(call: Call, run: Path) -> None:
    assert "who says it?" in call("feedback", "add", "last", "--score", "1").stderr


def test_a_guideline_is_kept_once_and_its_later_meaning_makes_what_was_said_stale(call: Call, run: Path) -> None:
    file = Path("conduct.toml")
    file.write_text(CONDUCT.format(1, "Change little."))
    for name in ("aaaa", "bbbb"):
        said = ["feedback", "add", name, "--annotator", "ada", "--score", "1", "--item", "conduct/scope"]
        assert call(*said, "--guideline", file).exit_code == 0
    assert [each["kind"] for each in listed(call)] == ["guideline", "score", "score"]
    file.write_text(CONDUCT.format(2, "Change nothing."))
    assert [each["marks"] for each in listed(call, "--guideline", str(file))] == [[], ["stale"], ["stale"]]
    assert [each["marks"] for each in listed(call)] == [[], [], []]


def test_lines_of_json_are_added_all_or_none(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def add(*lines: str) -> Any:
        words = ["feedback", "add", "--jsonl", "-", "--annotator", "ada"]
        return CliRunner().invoke(app, words, input="\n".join(lines))

    good = '{"kind": "score", "id": "s1", "at": "2026-01-01", "episode": "aaaa", "value": 1}'
    for bad, why in (
        ("{", "line 3: not JSON"),
        ("[]", "an object"),
        ('{"kind": "score", "episode": "e"}', "value: Field"),
    ):
        done = add(good, "", bad)
        assert done.exit_code == 2 and why in done.stderr and "nothing was added" in done.stderr
    assert not (run / "feedback.jsonl").exists()
    assert add(good).exit_code == add(good).exit_code == 0
    done = add(good.replace('"value": 1', '"value": 0'))
    assert done.exit_code == 2 and "s1 was said before" in done.stderr
    kept = add('{"kind": "score", "episode": "gone", "value": 1, "annotator": "bob"}')
    assert kept.exit_code == 0 and "unknown: no episode gone" in kept.stdout
    assert (run / "feedback.jsonl").read_bytes().count(b"\n") == 2


def test_undo_takes_back_what_is_ones_own(call: Call, run: Path) -> None:
    for who in ("ada", "bob"):
        call("feedback", "add", "aaaa", "--annotator", who, "--score", "1")
    ada, bob = (each["id"] for each in listed(call))
    assert "said by bob" in call("feedback", "undo", bob, "--annotator", "ada").stderr
    assert "no entry begins" in call("feedback", "undo", "zzz", "--annotator", "ada").stderr
    assert call("feedback", "undo", "last", "--annotator", "ada").exit_code == 0
    assert "has said nothing" in call("feedback", "undo", "last", "--annotator", "ada").stderr
    assert "taken back already" in call("feedback", "undo", ada, "--annotator", "ada").stderr
    back = listed(call)[-1]["id"]
    assert call("feedback", "undo", back, "--annotator", "ada").exit_code == 0
    assert [each["stands"] for each in listed(call)] == [True, True, False, True]
    log = run / "feedback.jsonl"
    log.write_text(log.read_text() + log.read_text().splitlines()[0].replace('"value":1.0', '"value":0.0') + "\n")
    assert "several entries are called" in call("feedback", "undo", ada, "--annotator", "ada").stderr


def test_status_counts_and_forget_leaves_nothing(call: Call, run: Path) -> None:
    call("feedback", "add", "aaaa", "--annotator", "ada", "--score", "1")
    call("feedback", "add", "aaaa", "--annotator", "ada", "--score", "0")
    call("feedback", "add", "aaaa", "--annotator", "bob", "--score", "0")
    with (run / "feedback.jsonl").open("a") as file:
        file.write("noise\n")
    status = json.loads(call("feedback", "status", "--json").stdout)
    assert (status["entries"], status["stand"], status["marks"]) == (3, 2, {"duplicate": 1})
    assert status["groups"][0]["annotator"] == "ada" and status["unreadable"][0]["line"] == 4
    assert "1 duplicate" in call("feedback", "status").stdout
    left_at = run / "review" / "ada.json"  # where ada left in `journeyman review`
    left_at.parent.mkdir()
    left_at.write_text("{}")
    dry = call("feedback", "forget", "ada")
    assert "would go (--yes does it): 2 entries of ada" in dry.stdout
    (left_at.parent / "bob.json").write_text("{}")
    assert "ada" in (run / "feedback.jsonl").read_text() and left_at.exists()
    done = call("feedback", "forget", "ada", "--yes").stdout
    assert "gone: 2 entries" in done and "compile again" in done
    assert [path.name for path in left_at.parent.iterdir()] == ["bob.json"]
    assert "ada" not in (run / "feedback.jsonl").read_text()
    assert "nothing that ada said" in call("feedback", "forget", "ada", "--yes").stdout


def test_forget_names_what_was_refined_by_what_goes(call: Call, run: Path) -> None:
    for who in ("ada", "bob"):
        call("feedback", "add", "aaaa", "--annotator", who, "--comment", f"says {who}")
    ada, bob = (each["id"] for each in listed(call))
    for name, critique, parent in (("hers", ada, "0001-aaaa"), ("his", bob, "0001-aaaa"), ("other", ada, "0009-zzzz")):
        played = replace(
            episode([step()], f"{name}-1"), versions={CRITIQUES: critique},
            ancestry=Ancestry(parent, 0, Change.HINT, "a hint"),
        )  # fmt: skip
        with EpisodeStore(run.parent / name / ATTEMPTS) as store:
            store.add(played)
    for words in ((), ("--yes",)):
        shown = " ".join(call("feedback", "forget", "ada", "--run", str(run), *words).stdout.split())
        assert "runs/hers holds what was played after critiques of ada" in shown
        assert "runs/his" not in shown and "runs/other" not in shown
    (named,) = json.loads(call("feedback", "forget", "bob", "--run", str(run), "--json").stdout)["refined"]
    assert Path(named).name == "his"


def test_hostile_words_do_nothing_to_the_terminal(call: Call, run: Path) -> None:
    done = call("feedback", "add", "aaaa", "--annotator", "ada", "--comment", "\x1b[2J[red]x\u202e")
    assert done.exit_code == 0
    shown = done.stdout + call("feedback", "list").stdout + call("feedback", "forget", "ada").stdout
    assert "\x1b" not in shown and "\u202e" not in shown and "[red]x" in shown


@pytest.mark.parametrize(
    ("text", "why"), [('[{"body": ""}]', "none of its 1 remark has a place"), ("[]", "it is empty")]
)
def test_where_nothing_has_a_place_it_ends_with_a_fault(call: Call, run: Path, text: str, why: str) -> None:
    Path("comments.json").write_text(text)
    done = call("feedback", "import", "code-review", "comments.json", "--run", run)
    said = done.stderr.replace("\n", " ")
    assert done.exit_code == 1 and why in said and ("--episode or --map" in said) == (text != "[]")
    assert call("feedback", "import", "code-review", "comments.json", "--run", run, "--json").exit_code == 1


def test_a_review_is_imported_once_and_what_has_no_place_is_told(call: Call, run: Path) -> None:
    comments = [
        {
            "path": "a.py",
            "line": 2,
            "body": "why two?",
            "user": {"login": "ada"},
            "diff_hunk": "@@ -0,0 +1,2 @@\n+one\n+two",
        },
        {"body": ""},
    ]
    Path("comments.json").write_text(json.dumps(comments))
    Path("map.json").write_text('{"a.py": "aaaa"}')
    words = ["feedback", "import", "code-review", "comments.json", "--map", "map.json"]
    first, again = call(*words), call(*words)
    assert first.exit_code == again.exit_code == 0, first.stderr
    assert "comment 2: a comment without words" in first.stdout and "1 of them new" in first.stdout
    assert "0 of them new" in again.stdout
    (entry,) = listed(call)
    assert entry["episode"] == "0001-aaaa" and entry["stands"] and entry["place"]["quote"] == "two"
    assert json.loads(call(*words, "--json").stdout)["unmapped"][0]["where"] == "comment 2"
    assert call("feedback", "import", "code-review", "comments.json", "--episode", "bbbb").exit_code == 0
    Path("map.json").write_text('{"a.py": "gone"}')
    assert "kept, but not counting: 1; `feedback list --marked` says why" in call(*words).stdout
    for bad, why in (("[]", "a JSON object is wanted"), ('{"a": 1}', "'a' is mapped to"), ("{", "--map map.json")):
        Path("map.json").write_text(bad)
        assert call(*words).exit_code == 2 and why in call(*words).stderr
    assert "nothing was imported" in call("feedback", "import", "csv", "comments.json").stderr


@pytest.mark.parametrize(
    "words",
    [
        "feedback list", "feedback status", "feedback add last --score 1 --annotator ada",
        "feedback undo last --annotator ada", "feedback forget ada", "feedback forget ada --yes",
        "feedback import csv rankings.csv", "feedback refine r --policy noop", "feedback compile r --out rows",
        "review next r --as ada", "review agreement r", "review adjudicate r --as ada", "review critic r",
        "review r last --as ada",
    ],
)  # fmt: skip
def test_feedback_that_cannot_be_read_is_one_clear_line(words: str, call: Call, run: Path) -> None:
    (run / "feedback.jsonl").mkdir()
    Path("rankings.csv").write_text("annotator,ranking\nada,0001-aaaa > 0002-bbbb\n")
    done = call(*words.split())
    assert done.exit_code == 2 and done.stderr.startswith("error: cannot "), done.output
    assert "feedback.jsonl: Is a directory" in done.stderr and done.stderr.count("\n") == 1
