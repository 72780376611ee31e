"""Proven tasks by the commits of a history that is cut from a library's releases, and why the other commits give none.

    python benchmarks/commits.py NAME VERSION VERSION … [--out build/commits] [--count 10] [--requirement …] [--json]

Where no code host is reached, releases are the history that an index has. The archives of the versions, the oldest
first, become commits of a new repository, OUT/NAME: of each release first one commit for every module that changed
together with the test file that is named after it, told by those entries of the changelog that name the module or
one of its functions, and then one for all else, told by all its entries. So the commits are no author's own, and the
states between two releases may never have been. The tasks go to OUT/NAME-tasks; run again, both go on.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from journeyman.sandbox.backends import open_backend
from journeyman.tasks.sources.commits import make_commits
from journeyman.tasks.sources.functions import find_functions
from journeyman.tasks.sources.sdist import SourceError, fetch, unpack

CHANGELOG = re.compile(r"(?i)^(change|history|news|release|readme|versions)[^/]*$")
NO_PART = (".egg-info", "PKG-INFO", ".git")
ENTRY = re.compile(r"^\s*(?:[-*+] |\d+\. )(?:v?\d+\.[\w.]+ )?")
Files = dict[str, bytes]


def files_of(name: str, version: str) -> Files:
    """Path → content of a release, without what building it added."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = unpack(fetch(f"{name}=={version}").archive, Path(scratch) / "tree")
        found = {p.relative_to(tree).as_posix(): p for p in tree.rglob("*") if p.is_file()}
        return {path: p.read_bytes() for path, p in found.items() if not any(part in path for part in NO_PART)}


def entries_of(old: Files, new: Files) -> list[str]:
    """What the changelogs say that they did not say before: an entry each, its lines joined."""
    entries: list[str] = []
    for path in sorted(path for path in new if CHANGELOG.match(path.removeprefix("docs/"))):
        before, after = (files.get(path, b"").decode("utf-8", "replace").splitlines() for files in (old, new))
        lines = [line[2:] for line in difflib.ndiff(before, after) if line.startswith("+ ")]
        for line in lines:
            if ENTRY.match(line):
                entries.append(ENTRY.sub("", line).strip())
            elif entries and line.startswith((" ", "\t")) and line.strip():
                entries[-1] += f" {line.strip()}"
    return entries


def about(path: str, source: bytes, entries: Sequence[str]) -> list[str]:
    """The entries that name a module or one of its functions."""
    names = {PurePosixPath(path).stem} | {f.name for f in find_functions(source) if len(f.name) > 3}
    return [entry for entry in entries if names & set(re.findall(r"\w+", entry))]


def pieces(old: Files, new: Files) -> Iterator[tuple[list[str], list[str]]]:
    """(paths, entries of the changelog) of each commit of a release."""
    entries, left = entries_of(old, new), sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    for path in list(left):
        stem = PurePosixPath(path).stem
        tests = [p for p in left if PurePosixPath(p).name in (f"test_{stem}.py", f"{stem}_test.py", f"test{stem}.py")]
        if old and tests and path in new and path.endswith(".py") and (told := about(path, new[path], entries)):
            yield [path, *tests], told
            left = [p for p in left if p not in (path, *tests)]
    if left:
        yield left, entries


class Repository:
    """A new git repository, made without any settings of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")

    def commit(self, files: Files, paths: Iterable[str], message: str) -> None:
        for path in paths:
            target = self._folder / path
            if path in files:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(files[path])
            else:
                target.unlink(missing_ok=True)
        self._git("add", "--all", "--force")
        self._git("commit", "-q", "--allow-empty", "-F", "-", text=message)

    def _git(self, *words: str, text: str = "") -> None:
        who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **who}
        subprocess.run(["git", *words], cwd=self._folder, env=variables, input=text.encode(), check=True)


def history(name: str, versions: Sequence[str], folder: Path) -> None:
    """Make the repository, unless it stands."""
    if folder.is_dir():
        return
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    repository, old = Repository(part), Files()
    for version in versions:
        try:
            new = files_of(name, version)
        except SourceError as error:
            print(f"{version}: {error}", file=sys.stderr)
            continue
        for paths, told in pieces(old, new):
            repository.commit(new, paths, "\n\n".join(told) or f"Release {version}")
        old = new
    part.rename(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="parse")
    parser.add_argument("versions", nargs="*", default=["1.19.0", "1.19.1", "1.20.0", "1.20.1", "1.20.2"])
    parser.add_argument("--out", type=Path, default=Path("build/commits"))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--requirement", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = options.out / options.name
    history(options.name, options.versions, folder)
    report = make_commits(
        folder, count=options.count, out=options.out / f"{options.name}-tasks", sandboxes=open_backend("auto"),
        requirements=tuple(options.requirement),
    )  # fmt: skip
    if options.json:
        print(json.dumps(report.as_json()))
        return 0
    print(f"{options.name}: {len(report.kept)} proven tasks of {report.looked} of {report.commits} commits")
    for reason, number in report.rejected.most_common():
        print(f"  {number:4} {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
