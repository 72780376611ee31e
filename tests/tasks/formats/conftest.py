"""A tiny repository with a real history, and rows of each format over it, in the shape in which they are published."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from journeyman.sandbox.history import git
from journeyman.tasks.formats.format import Row
from tests.making import HIDDEN_TESTS, PARCEL, PARCEL_TESTS, solved, write_files

TESTS = HIDDEN_TESTS.split("\n", 1)[1]  # without the canary: these are published
STUB = PARCEL.partition("    result = 0")[0] + '    raise NotImplementedError\n\n\nclass Parcel:\n    """To do."""\n'
FAILS = "tests/test_hidden_parcel.py::test_exactly_at_the_limit"
VISIBLE_FAILS = "tests/test_parcel.py::test_free_from_the_limit_on"
PASSES = ["tests/test_hidden_parcel.py::test_below_the_limit", "tests/test_parcel.py::test_total"]
ISSUE = "A parcel worth exactly 50 should travel free, but does not."


@dataclass(frozen=True)
class History:
    """Clones below a folder, and the commits of the one that is in it."""

    clones: Path
    stubbed: str
    buggy: str
    fixed: str

    def diff(self, one: str, other: str, *paths: str) -> str:
        return run_git(self.clones / "ada__parcel", "diff", one, other, "--", *paths)


def run_git(folder: Path, *words: str) -> str:
    who = {f"GIT_{role}_{what}": "ada@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = {f"GIT_{role}_DATE": "946684800 +0000" for role in ("AUTHOR", "COMMITTER")}
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who, **dates}
    done = subprocess.run([git(), *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
    return done.stdout


def commit(folder: Path, files: dict[str, str], message: str) -> str:
    write_files(folder, files)
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "-m", message)
    return run_git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    if not git():
        pytest.skip("no git on this machine")
    clones = tmp_path_factory.mktemp("clones")
    folder = clones / "ada__parcel"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    tests = {"tests/test_parcel.py": PARCEL_TESTS, "README.md": "Parcels.\n"}
    stubbed = commit(folder, {**tests, "parcel.py": STUB}, "Stubs")
    buggy = commit(folder, {"parcel.py": PARCEL}, "A parcel")
    fixed = commit(
        folder,
        {"parcel.py": solved(), "tests/test_hidden_parcel.py": TESTS, "CHANGES.md": "The limit itself is free.\n"},
        "Free from the limit on",
    )
    return History(clones, stubbed, buggy, fixed)


@pytest.fixture
def swe_bench(history: History) -> Row:
    """As published: lists of tests are JSON strings."""
    return {
        "repo": "ada/parcel",
        "instance_id": "ada__parcel-7",
        "base_commit": history.buggy,
        "patch": history.diff(history.buggy, history.fixed, "parcel.py", "CHANGES.md"),
        "test_patch": history.diff(history.buggy, history.fixed, "tests"),
        "problem_statement": f"{ISSUE}\r\n",
        "hints_text": "Look at the comparison.\n",
        "created_at": "2024-01-02T03:04:05Z",
        "version": "1.2",
        "FAIL_TO_PASS": json.dumps([FAILS, VISIBLE_FAILS]),
        "PASS_TO_PASS": json.dumps(PASSES),
        "environment_setup_commit": history.stubbed,
        "difficulty": "<15 min fix",  # SWE-bench Verified's
    }


@pytest.fixture
def swe_smith(history: History) -> Row:
    return {
        "instance_id": f"ada__parcel.{history.fixed[:8]}.func_pm_op_change__k2v9x1ab",
        "repo": f"swesmith/ada__parcel.{history.fixed[:8]}",
        "image_name": f"swesmith.x86_64.ada_1776_parcel.{history.fixed[:8]}",
        "patch": history.diff(history.fixed, history.buggy, "parcel.py"),
        "FAIL_TO_PASS": [FAILS],
        "PASS_TO_PASS": [*PASSES],
        "problem_statement": ISSUE,
    }


@pytest.fixture
def swe_rebench(swe_bench: Row) -> Row:
    return {
        **{key: value for key, value in swe_bench.items() if key != "difficulty"},
        "FAIL_TO_PASS": [FAILS, VISIBLE_FAILS],
        "PASS_TO_PASS": [*PASSES],
        "FAIL_TO_FAIL": ["tests/test_parcel.py::test_never"],
        "PASS_TO_FAIL": [],
        "license_name": "MIT License",
        "install_config": {
            "env_vars": None, "env_yml_path": None, "install": "pip install -e .[dev]",
            "log_parser": "parse_log_pytest",
            "no_use_env": None, "packages": "requirements.txt", "pip_packages": ["pytest"], "pre_install": None,
            "python": "3.11", "reqs_path": ["requirements.txt"], "test_cmd": "pytest --no-header -rA",
        },
        "requirements": "pytest==8.3.5\n-e git+https://example.org/ada/parcel.git@0a1b2c3d#egg=parcel\n",
        "environment": None,
        "meta": {"commit_name": "head_commit", "has_test_patch": True, "is_lite": True, "num_modified_files": 2},
    }  # fmt: skip


@pytest.fixture
def r2e_gym(history: History) -> Row:
    fix = [
        {"type": "context", "content": "    def is_free(self):"},
        {"type": "context", "content": '        """Whether sending it is free: from FREE_FROM on."""'},
        {"type": "deleted", "content": "        return total(self.prices) > FREE_FROM"},
        {"type": "added", "content": "        return total(self.prices) >= FREE_FROM"},
    ]
    start = PARCEL.splitlines().index("    def is_free(self):") + 1
    ranges = {"old_range": {"start": start, "length": 3}, "new_range": {"start": start, "length": 3}, "section": ""}
    diff = {
        "old_file_content": PARCEL, "new_file_content": solved(), "is_binary_file": False, "binary_line": None,
        "header": {"file": {"path": "parcel.py"}, "misc_line": None},
        "minus_file": {"path": "a/parcel.py"}, "plus_file": {"path": "b/parcel.py"},
        "hunks": [{"descriptor": ranges, "line_group": {"all_lines": fix}}],
    }  # fmt: skip
    summary = "PASSED r2e_tests/test_1.py::test_below_the_limit\n"
    at_limit = "r2e_tests/test_1.py::test_exactly_at_the_limit"
    run = {
        "repo_name": "parcel", "new_commit_hash": history.fixed,
        "test_file_names": ["test_1.py"], "test_file_codes": [TESTS],
        "old_commit_res_code": 1, "old_commit_res_stdout": f"{summary}FAILED {at_limit} - assert False\n",
        "new_commit_res_code": 0, "new_commit_res_stdout": f"{summary}PASSED {at_limit}\n",
    }  # fmt: skip
    return {
        "repo_name": "parcel",
        "docker_image": f"namanjain12/parcel_final:{history.fixed}",
        "commit_hash": history.fixed,
        "parsed_commit_content": json.dumps(
            {"file_diffs": [diff], "old_commit_hash": f"{history.fixed}^", "new_commit_hash": history.fixed}
        ),
        "execution_result_content": json.dumps(run),
        "modified_files": ["parcel.py"],
        "modified_entity_summaries": [{"ast_type_str": "FunctionDef", "end_lineno": 24, "name": "is_free"}],
        "relevant_files": ["parcel.py"],
        "num_non_test_files": 1,
        "num_non_test_func_methods": 1,
        "num_non_test_lines": 2,
        "prompt": "Write an issue for this commit.",
        "problem_statement": f"\n[ISSUE]\n{ISSUE}\n[/ISSUE]\n",
        "expected_output_json": json.dumps({"test_exactly_at_the_limit": "PASSED", "test_below_the_limit": "PASSED"}),
    }


@pytest.fixture
def commit0(history: History) -> Row:
    return {
        "instance_id": "commit-0/parcel",
        "repo": "commit-0/parcel",
        "original_repo": "ada/parcel",
        "base_commit": history.stubbed,
        "reference_commit": history.fixed,
        "setup": {
            "install": 'pip install -e "."', "packages": None, "pip_packages": ["pytest"], "pre_install": None,
            "python": "3.11", "specification": "https://example.org/parcel.pdf",
        },
        "test": {"test_cmd": "pytest", "test_dir": "tests"},
        "src_dir": "parcel.py",
    }  # fmt: skip
