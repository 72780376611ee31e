"""Harbor's steps become milestones, and milestones steps that pay as Harbor would pay them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.formats.harbor_steps import export_harbor, import_harbor
from journeyman.tasks.grading import grade
from journeyman.tasks.harbor import load_task, save_task
from journeyman.tasks.task import Task, TaskError
from journeyman.tasks.trees import pristine_tree
from tests.making import write_files

SETTINGS = """schema_version = "1.4"
multi_step_reward_strategy = "mean"
[task]
name = "ada/cake"
description = "Bake a cake."
[[steps]]
name = "01-Base"
min_reward = 1.0
[steps.agent]
timeout_sec = 60.0
[[steps]]
name = "02-frosting"
"""


@pytest.fixture
def cake(tmp_path: Path) -> Path:
    """A Harbor task of two steps whose tests have the same names, with helpers that both share."""
    return write_files(
        tmp_path / "cake",
        {
            "task.toml": SETTINGS,
            "environment/Dockerfile": "FROM python:3.11-slim\nWORKDIR /workspace\nCOPY app /workspace\n",
            "environment/app/cake.py": "def base():\n    return 'sponge'\n",
            "tests/test.sh": "pytest /tests && echo 1 > /logs/verifier/reward.txt\n",
            "tests/expected.py": "BASE = 'sponge'\nTOP = 'cream'\n",
            "steps/01-Base/instruction.md": "`base()` gives the base.\n",
            "steps/01-Base/tests/test_outputs.py": (
                "from expected import BASE\nfrom cake import base\n\n\ndef test_it():\n    assert base() == BASE\n"
            ),
            "steps/01-Base/solution/solve.sh": "true\n",
            "steps/02-frosting/instruction.md": "`top()` gives what is on it.\n",
            "steps/02-frosting/tests/test_outputs.py": (
                "from expected import TOP\nimport cake\n\n\ndef test_it():\n    assert cake.top() == TOP\n"
            ),
        },
    )


def test_steps_become_milestones_in_a_chain(cake: Path, sandboxes: SandboxFactory, tmp_path: Path) -> None:
    task, unmapped = import_harbor(cake, tmp_path / "out")
    assert [(m.name, m.depends_on) for m in task.milestones] == [("01-base", ()), ("02-frosting", ("01-base",))]
    assert task.milestones[1].instruction == "`top()` gives what is on it." and task.instruction == "Bake a cake."
    said = " ".join(unmapped)
    for word in ("multi_step_reward_strategy", "steps.min_reward", "steps.agent", "steps.solution"):
        assert word in said and word in " ".join(task.metadata["unmapped"])
    verdict = grade(task, pristine_tree(), sandboxes)
    assert verdict.milestones == {"01-base": True, "02-frosting": False}, "each by its own tests, with the helpers"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cake", "out"]


def test_what_a_milestone_cannot_be_is_listed(cake: Path, tmp_path: Path) -> None:
    write_files(cake, {"steps/02-frosting/workdir/setup.sh": "true\n", "steps/01-Base/tests/test_more.py": "def ("})
    with (cake / "environment" / "Dockerfile").open("a") as file:
        file.write("RUN curl example.org | sh\n")
    with pytest.raises(TaskError) as caught:
        import_harbor(cake, tmp_path / "out")
    for word in ("workdir/", "steps/01-Base: tests/test_01_base_more.py", "curl"):
        assert word in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cake"]
    shutil.rmtree(cake / "steps" / "01-Base")
    with pytest.raises(TaskError, match=r"no steps/01-Base/instruction\.md"):
        import_harbor(cake, tmp_path / "out")


def test_milestones_become_steps_and_load_here_as_before(shop: Task, tmp_path: Path) -> None:
    parts = {"cart": ["shop/cart.py"], "tax": ["shop/tax.py"]}
    task = save_task(shop.model_copy(update={"metadata": {**shop.metadata, "solution_files": parts}}), tmp_path / "a")
    out = tmp_path / "out"
    assert [said.partition(":")[0] for said in export_harbor(task, out)] == ["milestones"]
    document = tomllib.loads((out / "task.toml").read_text())
    assert [step["name"] for step in document["steps"]] == ["cart", "tax"]
    again = load_task(out)
    places = {"repository": None, "hidden": None, "solution": None}
    assert again.model_copy(update=places) == task.model_copy(update=places)


def test_each_step_is_paid_for_its_own_checks(shop: Task, tmp_path: Path) -> None:
    """As Harbor does it: the task's tests, a step's own laid over them, its solution, its reward."""
    parts = {"cart": ["shop/cart.py"], "tax": ["shop/tax.py"]}
    task = shop.model_copy(update={"metadata": {**shop.metadata, "solution_files": parts}})
    out, workspace, logs = tmp_path / "out", tmp_path / "workspace", tmp_path / "logs"
    export_harbor(task, out)
    for script in [*out.rglob("*.sh"), out / "tests" / "judge.py"]:
        script.write_text(script.read_text().replace("/workspace", str(workspace)).replace("/logs", str(logs)))
    shutil.copytree(task.repository, workspace)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(workspace)}

    def reward(step: str) -> str:
        tests = tmp_path / f"tests-{step}"
        shutil.rmtree(tests, ignore_errors=True)
        shutil.copytree(out / "tests", tests)
        shutil.copytree(out / "steps" / step / "tests", tests, dirs_exist_ok=True)
        subprocess.run([tests / "test.sh"], env=environment, check=True, capture_output=True)
        return (logs / "verifier" / "reward.txt").read_text().strip()

    for step in ("cart", "tax"):
        assert reward(step) == "0"
        subprocess.run([out / "steps" / step / "solution" / "solve.sh"], env=environment, check=True)
        assert reward(step) == "1"


def test_a_project_whose_parts_are_not_told_apart_says_so(shop: Task, tmp_path: Path) -> None:
    said = export_harbor(shop, tmp_path / "out")
    assert len(said) == 2 and "solution_files" in said[1]
    assert (tmp_path / "out/steps/cart/solution/files/shop/tax.py").is_file()
