"""A task folder: what is written is read again, what is wrong is named, and nothing is ever half there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox.sandbox import Environment, Limits
from journeyman.tasks import harbor
from journeyman.tasks.harbor import CanaryWarning, load_task, load_tasks, save_task
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.harbor_toml import ChecksSection, JourneymanSection, MilestoneSection
from journeyman.tasks.task import Budget, Check, CheckKind, Milestone, Task, TaskError, TaskFormatError
from journeyman.tasks.verdict import Assurance


def files_of(folder: Path | None) -> dict[str, bytes]:
    return {} if folder is None else {name: path.read_bytes() for name, path in walk(folder)}


def same(one: Task, other: Task) -> bool:
    """Equal but for where the folders lie."""
    places = {"repository": None, "hidden": None, "solution": None}
    return one.model_copy(update=places) == other.model_copy(update=places)


# --- what a saved folder holds --------------------------------------------------------------------------------------


def test_a_saved_task_is_a_harbor_task(shop: Task, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    document = tomllib.loads((folder / "task.toml").read_text())
    assert document["schema_version"] == "1.4"
    assert document["task"]["name"] == "journeyman/shop"
    assert document["environment"]["network_mode"] == "no-network"
    assert document["metadata"]["difficulty"] == "easy"
    assert "steps" not in document, "milestones are no turns"
    for name in ("instruction.md", "environment/Dockerfile", "solution/solve.sh", "tests/test.sh", "tests/judge.py"):
        assert (folder / name).is_file()
    assert os.access(folder / "tests/test.sh", os.X_OK)
    assert "A quarter on top." in (folder / "instruction.md").read_text(), "Harbor's agent reads the contracts too"
    assert shop.instruction == "The total is one too small, and there is no tax.", "and our loader reads them once"


def test_every_hidden_file_is_stamped_and_nothing_else(shop: Task) -> None:
    assert shop.canary
    assert shop.hidden is not None
    for name, data in files_of(shop.hidden).items():
        assert shop.canary.encode() in data, name
        assert data.startswith(b"from shop"), "line numbers stay"
    readable = {**files_of(shop.repository), **files_of(shop.solution)}
    assert not [name for name, data in readable.items() if shop.canary.encode() in data]


def test_harbor_s_own_scripts_pay_the_reference_and_nobody_else(shop: Task, tmp_path: Path) -> None:
    """test.sh and solve.sh, run on a copy with /workspace and /logs moved to where this test may write."""
    folder, workspace, logs = tmp_path / "shop", tmp_path / "workspace", tmp_path / "logs"
    for script in ("tests/test.sh", "tests/judge.py", "solution/solve.sh"):
        path = folder / script
        path.write_text(path.read_text().replace("/workspace", str(workspace)).replace("/logs", str(logs)))
    shutil.copytree(shop.repository, workspace)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(workspace)}

    def reward() -> str:
        subprocess.run([folder / "tests/test.sh"], env=environment, check=True, capture_output=True)
        return (logs / "verifier/reward.txt").read_text().strip()

    assert reward() == "0"
    subprocess.run([folder / "solution/solve.sh"], env=environment, check=True)
    assert reward() == "1"
    (workspace / "shop/tax.py").unlink()
    assert reward() == "0"


def test_links_share_bytes_but_never_the_stamped_files(shop: Task, tmp_path: Path) -> None:
    linked = save_task(shop, tmp_path / "linked", link=True)
    assert linked.repository.joinpath("README.md").samefile(shop.repository / "README.md")
    assert linked.hidden and shop.hidden
    name = "tests/test_hidden_tax.py"
    assert not (linked.hidden / name).samefile(shop.hidden / name)


def test_history_and_caches_are_left_behind(shop: Task, tmp_path: Path) -> None:
    (shop.repository / ".git").mkdir()
    (shop.repository / ".git" / "HEAD").write_text("the answer")
    (shop.repository / "shop" / "__pycache__").mkdir()
    (shop.repository / "shop" / "__pycache__" / "cart.pyc").write_bytes(b"x")
    assert set(files_of(save_task(shop, tmp_path / "again").repository)) == set(files_of(shop.repository))
    assert not (tmp_path / "again/environment/repository/.git").exists()


# --- there and back -------------------------------------------------------------------------------------------------

text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60).filter(str.strip)
node_ids = st.from_regex(r"tests/test_[a-z]{1,5}\.py::test_[a-zA-Z]{1,6}(\[[^\r\n]{0,6}\])?", fullmatch=True)
plain = st.recursive(
    st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def tasks(draw: st.DrawFn, repository: Path) -> Task:
    """Any task over one repository; checks stand with fail_to_pass first, as the file has them."""
    ids = draw(st.lists(node_ids, min_size=1, max_size=6, unique=True))
    cut = draw(st.integers(1, len(ids)))
    checks = [Check(id=i) for i in ids[:cut]] + [Check(id=i, kind=CheckKind.PASS_TO_PASS) for i in ids[cut:]]
    names = draw(st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,6}", fullmatch=True), max_size=4, unique=True))
    milestones = [
        Milestone(
            name=name,
            title=draw(st.text(st.characters(codec="utf-8"), max_size=10)),
            instruction=draw(st.just("") | text),
            depends_on=tuple(draw(st.lists(st.sampled_from(names[:i]), unique=True)) if i else []),
            checks=tuple(dict.fromkeys([ids[0], *draw(st.lists(st.sampled_from(ids), max_size=3))])),
        )
        for i, name in enumerate(names)
    ]
    return Task(
        name=draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}(/[A-Za-z0-9][A-Za-z0-9._-]{0,8})?", fullmatch=True)),
        instruction=draw(text),
        repository=repository,
        environment=draw(
            st.builds(
                Environment,
                python=st.sampled_from(["3.11", "3.12"]),
                requirements=st.lists(text, max_size=3).map(tuple),
                pythonpath=st.lists(st.sampled_from([".", "src", "a b"]), min_size=1, unique=True).map(tuple),
            )
        ),
        checks=tuple(checks),
        milestones=tuple(milestones),
        editable=tuple(draw(st.lists(st.sampled_from(["**/*.py", "src/**", "a?.py"]), unique=True))),
        budget=draw(st.builds(Budget, max_steps=st.integers(1, 99), episode_timeout_s=st.floats(0.5, 9e4))),
        limits=draw(st.builds(Limits, memory_mb=st.integers(64, 9999), disk_mb=st.integers(1, 9999))),
        canary=draw(st.just("") | st.from_regex(r"canary-[0-9a-f]{4}", fullmatch=True)),
        metadata=draw(st.dictionaries(text.filter(lambda key: key != "journeyman"), plain, max_size=4)),
    )


@given(data=st.data())
def test_what_is_saved_is_what_is_loaded(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("round")
    (base / "repository").mkdir()
    (base / "repository" / "a.py").write_text("x = 1\n")
    task = data.draw(tasks(base / "repository"))
    saved = save_task(task, base / "saved")
    assert same(saved, task if task.canary else task.model_copy(update={"canary": saved.canary}))
    again = save_task(saved, base / "saved")
    assert same(again, saved), "saving in place changes nothing"
    assert files_of(again.repository) == {"a.py": b"x = 1\n"}


def test_the_tiny_task_s_files_come_back_byte_by_byte(shop: Task, tmp_path: Path) -> None:
    again = save_task(shop, tmp_path / "again")
    assert same(again, shop)
    for field in ("repository", "hidden", "solution"):
        assert files_of(getattr(again, field)) == files_of(getattr(shop, field))


# --- what is wrong is named -----------------------------------------------------------------------------------------


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "task.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


BREAKAGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "no task.toml": (lambda f: (f / "task.toml").unlink(), ["task.toml", "missing"]),
    "no instruction": (lambda f: (f / "instruction.md").unlink(), ["instruction.md", "missing"]),
    "blank instruction": (lambda f: (f / "instruction.md").write_text(" \n"), ["instruction.md", "empty"]),
    "instruction in latin-1": (lambda f: (f / "instruction.md").write_bytes(b"\xe9"), ["instruction.md", "UTF-8"]),
    "malformed TOML": (lambda f: edit(f, "[task]", "[task"), ["task.toml", "line 3"]),
    "no repository": (lambda f: shutil.rmtree(f / "environment/repository"), ["environment/repository", "missing"]),
    "no contract": (lambda f: (f / "steps/tax/instruction.md").unlink(), ["steps/tax/instruction.md", "missing"]),
    "stray contract": (lambda f: (f / "steps/ship").mkdir(), ["steps", "ship"]),
    "unknown check": (lambda f: edit(f, 'checks = ["tests/test_hidden_tax', 'checks = ["tests/nope'), ["tax", "nope"]),
    "misspelt key": (lambda f: edit(f, "test_paths =", "test_path ="), ["metadata.journeyman.test_path", "spelling"]),
    "wrong type": (lambda f: edit(f, "max_steps = 40", 'max_steps = "many"'), ["budget.max_steps", "integer"]),
    "unknown limit": (lambda f: edit(f, "inodes =", "i_nodes ="), ["limits", "i_nodes", "inodes"]),
    "path upwards": (lambda f: edit(f, 'test_paths = ["tests"]', 'test_paths = ["../x"]'), ["test_paths", ".."]),
    "cycle": (lambda f: edit(f, "depends_on = []", 'depends_on = ["tax"]'), ["cycle"]),
    "no name": (lambda f: edit(f, 'name = "journeyman/shop"', ""), ["[task].name", "organisation/shop"]),
    "link": (lambda f: (f / "solution/files/x.py").symlink_to("/etc/passwd"), ["x.py", "link"]),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_folder_says_what_to_mend(breakage: str, shop: Task, tmp_path: Path) -> None:
    break_it, words = BREAKAGES[breakage]
    break_it(tmp_path / "shop")
    with pytest.raises(TaskFormatError) as caught:
        load_task(tmp_path / "shop")
    for word in [str(tmp_path / "shop"), *words]:
        assert word in str(caught.value)


def test_a_hidden_file_without_the_canary_is_told(shop: Task, tmp_path: Path) -> None:
    assert shop.hidden
    (shop.hidden / "tests" / "test_hidden_tax.py").write_text("def test_tax(): ...\n")
    with pytest.warns(CanaryWarning, match="test_hidden_tax"):
        unstamped = load_task(tmp_path / "shop")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        save_task(unstamped, tmp_path / "shop")
    assert not told, "saving stamped it"


# --- whole or not at all --------------------------------------------------------------------------------------------


def test_a_failed_save_leaves_what_stood_there(shop: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_of(tmp_path / "shop")
    unwritable = shop.model_copy(update={"metadata": {"when": object()}})
    with pytest.raises(TaskError, match="TOML"):
        save_task(unwritable, tmp_path / "shop")

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(harbor, "copy_tree", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_task(shop, tmp_path / "shop")
    with pytest.raises(OSError, match="No space"):
        save_task(shop, tmp_path / "new")
    assert files_of(tmp_path / "shop") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loose", "shop"], "no half-made folder is left"


def test_a_folder_that_is_no_task_is_not_overwritten(shop: Task, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(TaskError, match="not a task"):
        save_task(shop, tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


# --- many -----------------------------------------------------------------------------------------------------------


def test_tasks_are_found_in_folders_and_by_pattern(shop: Task, tmp_path: Path) -> None:
    for name in ("b", "a"):
        save_task(shop.model_copy(update={"name": f"journeyman/{name}"}), tmp_path / "many" / name)
    assert [task.name for task in load_tasks(tmp_path / "many")] == ["journeyman/a", "journeyman/b"]
    assert [task.name for task in load_tasks(f"{tmp_path}/many/*")] == ["journeyman/a", "journeyman/b"]
    assert [task.name for task in load_tasks(tmp_path / "shop")] == ["journeyman/shop"]
    with pytest.raises(TaskFormatError, match="no task there"):
        load_tasks(tmp_path / "loose")


# --- Harbor's own ---------------------------------------------------------------------------------------------------


def plain_task(folder: Path, dockerfile: str, test: str = "def test_x():\n    assert open('out.txt').read()\n") -> Path:
    (folder / "environment" / "app").mkdir(parents=True)
    (folder / "environment" / "app" / "main.py").write_text("")
    (folder / "environment" / "Dockerfile").write_text(dockerfile)
    (folder / "tests").mkdir()
    (folder / "tests" / "test.sh").write_text("pytest /tests/test_outputs.py && echo 1 > /logs/verifier/reward.txt\n")
    (folder / "tests" / "test_outputs.py").write_text(test)
    (folder / "instruction.md").write_text("Make out.txt.\n")
    (folder / "task.toml").write_text(
        'version = "1.0"\n[metadata]\ndifficulty = "easy"\n[verifier]\ntimeout_sec = 60\n'
    )
    return folder


def test_a_plain_harbor_task_maps(tmp_path: Path) -> None:
    dockerfile = (
        "FROM python:3.11-slim\nWORKDIR /app\nRUN apt-get update && apt-get install -y tree \\\n && pip install "
        "requests==2.32.3\nCOPY app /app\nENV PYTHONPATH=/app/src\n"
    )
    test = "class TestOut:\n    def test_x(self):\n        pass\n\n\ndef test_y():\n    pass\n"
    task = load_task(plain_task(tmp_path / "make-out", dockerfile, test))
    assert task.name == "make-out"
    assert task.environment == Environment("3.11", ("requests==2.32.3", "pytest"), ("tree",), ("src",))
    assert task.fail_to_pass == ("test_outputs.py::TestOut::test_x", "test_outputs.py::test_y")
    assert task.budget.grading_timeout_s == 60
    assert task.assurance is Assurance.FRESH, "nothing there could show that its tests bear two sandboxes"
    assert files_of(task.repository) == {"main.py": b""}


def test_a_task_that_says_nothing_is_graded_at_split(shop: Task) -> None:
    path = shop.repository.parent.parent / "task.toml"
    text = path.read_text()
    assert 'assurance = "fresh"\n' in text
    path.write_text(text.replace('assurance = "fresh"\n', ""))
    assert load_task(path.parent).assurance is Assurance.SPLIT
    said = {name: value for name, value in dict(shop).items() if name != "assurance"}
    assert Task(**said).assurance is Assurance.SPLIT


def test_what_does_not_map_is_listed_at_once(tmp_path: Path) -> None:
    dockerfile = "FROM ubuntu:24.04\nWORKDIR /app\nRUN curl -L example.com | sh\nCOPY app /app\n"
    test = "import pytest\n\n\n@pytest.mark.parametrize('n', [1])\ndef test_n(n):\n    open('/app/out')\n"
    folder = plain_task(tmp_path / "odd", dockerfile, test)
    (folder / "task.toml").write_text('[environment]\ngpus = 1\n[[steps]]\nname = "one"\n')
    with pytest.raises(TaskFormatError) as caught:
        load_task(folder)
    for word in ("python:X.Y", "curl", "parametrized", "names /app", "gpus", "[[steps]]", "docs/task-format.md"):
        assert word in str(caught.value)


def test_the_docs_example_is_a_task(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader would write by hand after reading the page, and the two lines that complete it."""
    page = (house / "docs" / "task-format.md").read_text()
    settings, code = (re.search(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("toml", "python"))
    assert settings
    assert code
    by_hand = {
        "task.toml": settings[1],
        "instruction.md": "wrap() drops the last word of a long line.\n",
        "environment/repository/textkit/text.py": "def wrap(line): ...\n",
        "solution/files/textkit/text.py": "def wrap(line):\n    return line\n",
        "steps/parser/instruction.md": "Numbers are read.\n",
    }
    for name, text in by_hand.items():
        (tmp_path / "fix-wrap" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fix-wrap" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    exec(code[1], {})
    task = load_task("fix-wrap")
    assert task.environment.requirements == ("pytest==8.3.5",)
    assert task.milestones[0].instruction == "Numbers are read."
    written = (name for name, _ in walk(tmp_path / "fix-wrap"))
    assert {"tests/test.sh", "tests/judge.py", "tests/checks.txt", "environment/Dockerfile"} <= set(written)


def test_the_docs_name_every_key(house: Path) -> None:
    page = (house / "docs" / "task-format.md").read_text()
    keys = [field.name for field in fields(Environment)]
    keys += [key for section in (JourneymanSection, ChecksSection, MilestoneSection) for key in section.model_fields]
    assert not [key for key in keys if key not in page]
