"""`journeyman task …`: list, show, check, add, mint, build, split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.envs.episode import Episode, StopReason
from journeyman.envs.observation import Observation
from journeyman.envs.store import EpisodeStore
from journeyman.tasks.verdict import Assurance, Verdict
from tests.journeyman.conftest import Call
from tests.tasks.histories import Repo


def test_the_bundled_library_is_listed(call: Call) -> None:
    shown = call("task", "list")
    assert shown.exit_code == 0 and "till-line-rounding" in shown.stdout and "tasks\n" in shown.stdout
    data = json.loads(call("task", "list", "--json").stdout)
    assert len(data) >= 8 and sum(bool(task["milestones"]) for task in data) >= 4


def test_tasks_are_found_by_what_is_looked_for(call: Call) -> None:
    shown = call("task", "list", "--difficulty", "hard", "--language", "python")
    assert shown.exit_code == 0 and "stonelog-store" in shown.stdout and "till-line-rounding" not in shown.stdout
    assert " of 9\n" in shown.stdout
    assert call("task", "list", "--source", "mutation").stdout == "0 tasks of 9\n"
    hard = json.loads(call("task", "list", "--difficulty", "hard", "--json").stdout)
    assert {task["metadata"]["difficulty"] for task in hard} == {"hard"}
    assert {(task["language"], task["source"]) for task in hard} == {("python", "template")}


def test_tasks_are_found_by_how_often_they_are_solved(call: Call) -> None:
    shown = call("task", "list", "--solved", "20..80")
    assert shown.exit_code == 2 and "no runs in ./runs" in shown.stderr
    with EpisodeStore("runs/tried") as store:
        for number, (task, reward) in enumerate([("till", 1.0), ("till", 0.0), ("calbook", 1.0), ("till", None)]):
            name = {"till": "journeyman/till-line-rounding", "calbook": "journeyman/calbook-free-slots"}[task]
            verdict = Verdict({}, {}, None if reward is None else reward == 1.0, Assurance.SPLIT, "")
            store.add(
                Episode(f"e-{number}", name, "p", 0, Observation(""), (), StopReason.REPORTED, reward, (), verdict)
            )
    shown = call("task", "list", "--solved", "20..80")
    assert "till-line-rounding" in shown.stdout and "1/2" in shown.stdout and "1 task of 9" in shown.stdout
    (task,) = json.loads(call("task", "list", "--run", "tried", "--solved", "51..100", "--json").stdout)
    assert task["name"].endswith("calbook-free-slots") and task["solved"] == {"resolved": 1, "scored": 1}
    assert call("task", "list", "--solved", "80..20").exit_code == 2


def test_a_repository_is_shown_as_a_tree_and_the_proof_from_its_record(
    call: Call, task_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "home"))  # this machine has proofs of the same task
    shown = call("task", "show", task_folder).stdout
    assert "repository, " in shown and "└── " in shown and "no record; journeyman task check proves it" in shown
    name = json.loads(call("task", "show", task_folder, "--json").stdout)["name"]
    record = {"task": name, "proof": {"reference": "3/3", "noop": "0/3"}, "assurance": "split"}
    (task_folder.parent / "recipes.jsonl").write_text(json.dumps(record) + "\n")
    assert "reference 3/3, doing nothing 0/3, assurance split" in call("task", "show", task_folder).stdout
    data = json.loads(call("task", "show", task_folder, "--json").stdout)
    assert data["proof"]["reference"] == "3/3" and "README.md" in data["files"]
    for number in range(30):
        (task_folder / "environment" / "repository" / f"note{number}.txt").touch()
    assert "… and 1" in call("task", "show", task_folder).stdout


def test_a_project_is_shown_with_its_milestones_as_a_tree(call: Call) -> None:
    shown = call("task", "show", "stonelog-store").stdout
    for part in ("milestones", "└── ", "must come to pass", "✗→✓ ", "python", "no network", "repository"):
        assert part in shown, part
    data = json.loads(call("task", "show", "stonelog-store", "--json").stdout)
    assert {milestone["name"] for milestone in data["milestones"]} >= {"log", "store"}


def test_what_is_hidden_is_not_shown(call: Call, task_folder: Path) -> None:
    canary = next(row for row in (task_folder / "task.toml").read_text().splitlines() if "canary" in row).split('"')[1]
    for words in (
        ["task", "show", task_folder],
        ["task", "show", task_folder, "--json"],
        ["task", "list", task_folder],
    ):
        shown = call(*words)
        assert shown.exit_code == 0 and canary not in shown.stdout


def test_a_sound_task_is_proven_and_an_unsound_one_fails(call: Call, task_folder: Path, backend: str) -> None:
    shown = call("task", "check", task_folder, "--backend", backend, "--runs", 2)
    assert shown.exit_code == 0 and shown.stdout.startswith("sound") and "reference 2, nothing 0 of 2" in shown.stdout
    assert 'sound at split too: write assurance = "split" into its task.toml' in shown.stdout
    assert "1 of 1 single fault noticed; 0.0% of the checks flaky" in shown.stdout and "MiB" in shown.stdout
    assert "reference 2, nothing 0 of 2, at fresh; " in call("task", "show", task_folder).stdout
    assert json.loads(call("task", "show", task_folder, "--json").stdout)["proof"]["mutation_score"] is not None
    for path in (task_folder / "solution" / "files").rglob("*.py"):
        path.write_text("raise SystemExit\n")
    shown = call("task", "check", task_folder, "--backend", backend, "--json")
    assert shown.exit_code == 1
    (certificate,) = json.loads(shown.stdout)
    assert certificate["sound"] is False and certificate["reasons"] and certificate["flake_rate"] == 0
    assert "not sound: " in call("task", "show", task_folder).stdout


def test_a_task_that_does_not_bear_two_sandboxes_is_told_the_line_to_write(
    call: Call, task_folder: Path, backend: str
) -> None:
    settings, hidden = task_folder / "task.toml", task_folder / "tests" / "files" / "tests" / "test_hidden_parcel.py"
    settings.write_text(settings.read_text().replace('assurance = "fresh"\n', ""))
    text = hidden.read_text().replace("Parcel(", "Heavy(")
    hidden.write_text(text.replace("import Parcel\n", "import Parcel\n\n\nclass Heavy(Parcel):\n    pass\n"))
    shown = call("task", "check", task_folder, "--backend", backend, "--runs", 1)
    assert shown.exit_code == 1 and shown.stdout.startswith("not sound")
    assert 'sound at twins, not at split, for the reasons above: write assurance = "twins"' in shown.stdout
    data = json.loads(call("task", "check", task_folder, "--backend", backend, "--runs", 1, "--json").stdout)
    assert [(level["assurance"], level["sound"]) for level in data[0]["weaker"]] == [("twins", True)]


def test_a_hostile_task_cannot_act_on_the_terminal(call: Call, task_folder: Path) -> None:
    (task_folder / "instruction.md").write_text("Mend \x1b[2J it. [red]now[/red]\n")
    shown = call("task", "show", task_folder).stdout
    assert "Mend \\x1b[2J it. [red]now[/red]" in shown and "\x1b" not in shown


@pytest.mark.parametrize(
    "text,message",
    [("", "has no [metadata.journeyman]"), ("[task]\nname = 3\n", "Add the section"), ("no toml", "task.toml")],
)
def test_a_malformed_folder_is_one_clear_line(call: Call, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "task.toml").write_text(text)
    shown = call("task", "show", "bad")
    assert shown.exit_code == 2 and shown.stderr.startswith("error: ") and message in shown.stderr
    assert "Traceback" not in shown.stderr


def test_an_unpinned_library_and_a_missing_suite_are_refused(call: Call, tmp_path: Path) -> None:
    shown = call("task", "mint", "inflection")
    assert shown.exit_code == 2 and "inflection==0.5.1" in shown.stderr
    shown = call("task", "mint", "inflection==0.5.1", "--source", "gift")
    assert shown.exit_code == 2 and "mutation and removal" in shown.stderr
    shown = call("task", "project", "inflection", "--out", "x")
    assert shown.exit_code == 2 and "inflection==0.5.1" in shown.stderr
    shown = call("task", "build", "nowhere.jsonl", "--out", "x")
    assert shown.exit_code == 2 and "no such file" in shown.stderr
    shown = call("task", "split", "nowhere.jsonl")
    assert shown.exit_code == 2 and "no such file" in shown.stderr
    (tmp_path / "bad.jsonl").write_text('{"task": 1}\n')
    shown = call("task", "build", "bad.jsonl", "--out", "x")
    assert shown.exit_code == 2 and "line 1" in shown.stderr
    assert not (tmp_path / "x").exists()


def test_a_repository_that_cannot_be_added_is_told_why_in_a_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "gopher").mkdir()
    (tmp_path / "gopher" / "go.mod").touch()
    (tmp_path / "coffee").mkdir()
    (tmp_path / "coffee" / "pom.xml").touch()
    (tmp_path / "bad.toml").write_text("pyhton = '3.11'\n")
    for words, part in (
        (["nowhere"], "no such folder"),
        (["gopher"], "no tests found (*_test.go)"),
        (["coffee"], "a Java repository"),
        (["gopher", "--config", "bad.toml"], "pyhton"),
    ):
        shown = call("task", "add", *words)
        *progress, reason = filter(None, shown.stderr.splitlines())  # the bar may leave an empty line
        assert shown.exit_code == 2 and part in reason, shown.stderr
        assert len(progress) <= 1
    assert not (tmp_path / "tasks").exists()


@pytest.mark.slow
def test_a_library_is_added_and_says_what_was_found(call: Call, backend: str) -> None:
    shown = call("task", "add", "inflection==0.5.1", "--count", 1, "--out", "added", "--backend", backend)
    assert shown.exit_code == 0, shown.stderr
    for part in (
        'tests = ["test_inflection.py"]',
        "setup.py, python_requires",
        "tests passed three times",
        "1 task in",
    ):
        assert part in shown.stdout, part
    again = call("task", "add", "inflection==0.5.1", "--count", 1, "--out", "added", "--backend", backend, "--json")
    data = json.loads(again.stdout)
    assert data["minted"]["resumed"] == 1 and data["tests"] > 400
    assert call("task", "check", "added", "--backend", backend, "--runs", 1).exit_code == 0


@pytest.mark.slow
def test_tasks_are_minted_resumed_and_built_again(call: Call, backend: str) -> None:
    shown = call("task", "mint", "inflection==0.5.1", "--count", 2, "--out", "minted", "--backend", backend)
    assert shown.exit_code == 0, shown.stderr
    assert "2 tasks in minted" in shown.stdout
    again = call("task", "mint", "inflection==0.5.1", "--count", 2, "--out", "minted", "--backend", backend, "--json")
    assert json.loads(again.stdout)["resumed"] == 2
    built = call("task", "build", "minted/recipes.jsonl", "--out", "rebuilt", "--json")
    assert built.exit_code == 0, built.stderr
    assert len(json.loads(built.stdout)["tasks"]) == 2
    assert call("task", "check", "rebuilt", "--backend", backend, "--runs", 1).exit_code == 0
    again = call("task", "split", "minted/recipes.jsonl", "--backend", backend)
    assert again.exit_code == 0 and "2 of 2 are graded in two sandboxes" in again.stdout
    again = call("task", "split", "minted/recipes.jsonl", "--backend", backend, "--json")
    assert json.loads(again.stdout)["libraries"]["inflection==0.5.1"] == {"split": 2, "unsplit": {}}


@pytest.mark.slow
def test_a_project_is_made_proven_and_built_again(call: Call, backend: str) -> None:
    made = call("task", "project", "inflection==0.5.1", "--most", 8, "--out", "made", "--backend", backend)
    assert made.exit_code == 0, made.stderr
    assert "8 milestones, 12 functions" in made.stdout and "closed in order 8/8" in made.stdout
    again = call("task", "project", "inflection==0.5.1", "--out", "made", "--backend", backend, "--json")
    assert json.loads(again.stdout)["resumed"] and len(json.loads(again.stdout)["milestones"]) == 8
    built = call("task", "build", "made/projects.jsonl", "--out", "rebuilt", "--json")
    assert json.loads(built.stdout)["tasks"] == ["inflection/project"]
    assert call("task", "check", "rebuilt", "--backend", backend, "--runs", 1).exit_code == 0


@pytest.mark.slow
def test_an_audit_says_what_a_task_is_worth(call: Call, task_folder: Path, backend: str) -> None:
    shown = call("task", "audit", task_folder, "--backend", backend, "--runs", 1, "--mutants", 3)
    for part in ("✓ reference", "✓ doing nothing", "hacks at fresh", "hacks at twins", "hacks at split", "canaries"):
        assert part in shown.stdout, shown.stdout + shown.stderr
    assert "not trustworthy" in shown.stdout and shown.exit_code == 1, "the tiny task is graded at fresh"


def test_a_new_task_says_what_to_do_with_it_and_what_is_left_to_do(call: Call, backend: str) -> None:
    shown = call("task", "new", "late-fees", "--out", "mine")
    assert shown.exit_code == 0, shown.stderr
    for part in ("instruction.md", "tests/files/", "journeyman task check mine/late-fees"):
        assert part in shown.stdout, part
    assert "steps/NAME" not in shown.stdout
    shown = call("task", "check", "mine/late-fees", "--backend", backend, "--runs", 1)
    assert shown.exit_code == 0 and "11 files still as the template has it, such as instruction.md" in shown.stdout
    again = call("task", "new", "late-fees", "--out", "mine", "--project")
    assert again.exit_code == 2 and "exists and is left as it is" in again.stderr
    data = json.loads(call("task", "new", "lend", "--out", "mine", "--project", "--json").stdout)
    assert data["kind"] == "project" and Path(data["folder"], "steps", "fees", "instruction.md").is_file()


def test_a_history_that_makes_no_project_is_one_clear_line(call: Call, tmp_path: Path) -> None:
    shown = call("task", "history", "nowhere")
    assert shown.exit_code == 2 and "no git repository" in shown.stderr
    Repo(tmp_path / "short").commit("Nothing yet")
    shown = call("task", "history", "short")
    assert shown.exit_code == 2 and "0 pieces of work that bring tests stand in a row" in shown.stderr
    assert "--from and --to" in shown.stderr and not (tmp_path / "tasks").exists()


def test_two_sets_are_told_to_be_apart_or_not(call: Call, task_folder: Path) -> None:
    apart = call("task", "compare", "till-line-rounding", "stonelog-store")
    assert apart.exit_code == 0 and apart.stdout.startswith("apart: none of 1 held-out tasks"), apart.output
    same = call("task", "compare", task_folder, task_folder)
    assert same.exit_code == 1 and "1 of 1 held-out task have kin" in same.stdout and "same task: 1" in same.stdout
    (kin,) = json.loads(call("task", "compare", task_folder, task_folder, "--json").stdout)["kin"]
    assert kin["kind"] == "same task" and kin["trained"] == kin["heldout"]
    assert call("task", "compare", "nowhere", task_folder).exit_code == 2
