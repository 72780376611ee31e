"""A policy starts from one commit: git works in its sandbox as it expects, and nothing is to be learned from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.sandbox import template
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.history import git, make_commit
from journeyman.sandbox.sandbox import Sandbox
from journeyman.sandbox.template import with_commit
from tests.sandbox.conftest import BARE, PRISTINE

pytestmark = pytest.mark.skipif(not git(), reason="no git on this machine")
COMMIT = "547edfb9cd5f1874c1d015b17d1c34cac8f017af"
FILES = {"a.py": "x = 1\n", "deep/er/b.txt": "b\n", ".gitignore": "*.txt\n", "back\\slash": "c\n", "empty": ""}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, empty."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def committed(repository: Path) -> Iterator[Sandbox]:
    """A sandbox as a policy gets it, on this machine, whose git it sees."""
    with open_backend("namespace").create(BARE, with_commit(repository)) as sandbox:
        yield sandbox


def told(sandbox: Sandbox, command: str) -> str:
    done = sandbox.run(command, timeout_s=20)
    assert done.ok, done.text
    return done.text


def lay(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "link").symlink_to("a.py")
    for path in folder.rglob("*"):
        os.utime(path, (template.DATE_S, template.DATE_S), follow_symlinks=False)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_git_works_and_begins_clean(committed: Sandbox) -> None:
    assert told(committed, "git status") == "On branch main\nnothing to commit, working tree clean\n"
    assert told(committed, "git log --format='%an %ae %at %s'") == "Journeyman journeyman@localhost 946684800 " + (
        "The repository as given\n"
    )
    assert told(committed, "git reflog; git remote; git branch --all; git stash list; git tag") == "* main\n"
    assert told(
        committed, "git fsck --strict --unreachable; ls .git/hooks .git/logs 2>&1 | grep -vc 'No such'; true"
    ) == ("0\n")
    assert told(committed, "git ls-files -z | tr '\\0' '\\n'").splitlines() == sorted([*PRISTINE, "link.txt"])


def test_what_a_policy_does_with_git_is_its_own(committed: Sandbox, repository: Path) -> None:
    committed.write("src/shapes.py", b"def area(a, b):\n    return b * a\n")
    assert "+    return b * a" in told(committed, "git diff")
    told(committed, "git stash")
    assert committed.snapshot().is_pristine
    told(committed, "git stash pop && git commit -qam mine && git checkout -qb other && git rm -q tool.sh")
    assert told(committed, "git log --oneline | wc -l") == "2\n"
    with open_backend("namespace").create(BARE, with_commit(repository)) as another:
        assert told(another, "git status --short; git log --oneline | wc -l") == "1\n"


def test_history_is_no_part_of_the_tree(committed: Sandbox, repository: Path) -> None:
    with open_backend("namespace").create(BARE, repository) as plain:
        assert plain.snapshot().tree_hash == committed.snapshot().tree_hash
        assert told(plain, "ls -d .git 2>&1 || true").startswith("ls: cannot access")
    told(committed, "git commit -q --allow-empty -m more")
    assert committed.snapshot().is_pristine
    assert committed.files() == PRISTINE


def test_a_snapshot_brings_back_the_beginning_of_history(committed: Sandbox) -> None:
    start = committed.snapshot()
    committed.write("new.py", b"x = 1\n")
    told(committed, "git add -A && git commit -qm mine && git tag later && echo x > .git/hooks-to-be")
    committed.restore(start)
    assert told(committed, "git status --short; git log --oneline | wc -l; git tag; git fsck; ls .git") == (
        "1\nHEAD\nconfig\nindex\ninfo\nobjects\nrefs\n"
    )
    committed.write("new.py", b"x = 2\n")
    with committed.fork() as fork:
        assert told(fork, "git status --short; git log --oneline | wc -l") == "?? new.py\n1\n"


def test_the_commit_is_the_same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes it, wherever, with whatever settings of their own."""
    one, two = lay(tmp_path / "one"), lay(tmp_path / "two" / "elsewhere")
    first = make_commit(one, template.DATE_S)
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\nname = Eve\n[core]\nautocrlf = true\nhooksPath = /tmp\n[commit]\ngpgSign = true\n[init]\n"
        "defaultBranch = trunk\ndefaultObjectFormat = sha256\n"
    )
    for name, value in {
        "GIT_CONFIG_GLOBAL": settings,
        "GIT_AUTHOR_NAME": "Eve",
        "GIT_DIR": tmp_path,
        "HOME": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert make_commit(two, template.DATE_S) == first == COMMIT
    assert content(one / ".git") == content(two / ".git")


def test_without_git_there_is_no_commit_until_there_is_one(
    home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(template, "git", lambda: "")
        assert with_commit(repository) == repository
    template._by_signature.clear()
    assert (with_commit(repository) / ".git").is_dir()


def test_names_that_git_refuses_cost_the_commit_alone(home: Path, tmp_path: Path) -> None:
    lay(tmp_path / "odd")
    (tmp_path / "odd" / ".GIT").write_text("")
    with pytest.warns(UserWarning, match="a policy will find no commit there: git add"):
        start = with_commit(tmp_path / "odd")
    assert start == tmp_path / "odd"
    assert not list((home / "templates").glob("*/committed"))


@pytest.mark.docker
def test_a_container_has_the_commit_too(repository: Path) -> None:
    """It brings no git of its own, but a task's image may."""
    with open_backend("docker").create(BARE, with_commit(repository)) as sandbox:
        assert (
            told(sandbox, "cat .git/HEAD; stat -c %u .git/index; ls .git | wc -l") == "ref: refs/heads/main\n1000\n6\n"
        )
        assert sandbox.files() == PRISTINE
