"""What the tests of a repository's commits need around them: as its files say at the newest commit, or its owner.

Found as by `task add`. What a build would have written (the version, the metadata of an installation) and what the
tests need beside them (plugins, variables) is put into each task's repository, because no commit holds it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from journeyman.sandbox.home import home
from journeyman.sandbox.sandbox import Environment
from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.languages import toolchain_for
from journeyman.tasks.detect.needs import PYTEST, missed, missing_in, name_of
from journeyman.tasks.detect.python import detect
from journeyman.tasks.detect.setup import CONFIG, Finding, Setup, read_config
from journeyman.tasks.sources.commit_sides import import_folders
from journeyman.tasks.sources.git_history import History, Unfit
from journeyman.tasks.sources.pack import conftest_of, plugins_of, write_conftest, write_versions
from journeyman.tasks.sources.resolve import resolve
from journeyman.tasks.sources.sdist import SourceError

CONFTEST = "conftest.py"


@dataclass(frozen=True, slots=True)
class Needs:
    """How the tests run."""

    setup: Setup
    facts: Facts
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    def environment(self, files: Collection[str]) -> Environment:
        """That of a commit with these files: where it is laid out otherwise, its code is imported from elsewhere."""
        folders = self.setup.pythonpath
        if not all(folder == "." or any(path.startswith(f"{folder}/") for path in files) for folder in folders):
            folders = import_folders(files)
        return Environment(self.setup.python, self.setup.requirements, pythonpath=folders)

    def more(self, environment: Environment, said: str) -> Environment | None:
        """An environment with what a run says is missing too; none where no package of it is known, or can be had."""
        there = {name_of(line): line for line in environment.requirements}
        lines = missed(self.facts, missing_in(said), self.setup.python)
        if not (new := [line for line in lines if name_of(line) not in there]):
            return None
        first = there.pop("pytest")
        try:
            exact, _ = resolve((first, *there.values(), *new), environment.python, str(self.facts.get("name")))
        except SourceError:
            return None
        return replace(environment, requirements=exact)

    def complete(self, tree: Path) -> None:
        """Put into a repository what its tests need and no commit holds."""
        if "name" in self.facts.told and (tree / self.setup.pythonpath[0]).is_dir():
            write_versions(tree, self.setup, self.facts)
        write_conftest(tree, self.setup)

    def hidden(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Hidden files, whose conftest.py would take the place of the repository's."""
        own = files.get(CONFTEST)
        more = {} if own is None else {CONFTEST: conftest_of(own.decode("utf-8", "replace"), self.setup).encode()}
        return {**files, **more}

    def as_json(self) -> list[dict[str, object]]:
        """What was found, as plain data for `json.dumps`."""
        return [asdict(finding) | {"line": finding.line} for finding in self.findings]

    @property
    def key(self) -> str:
        """The same for the same needs."""
        facts = [self.setup.to_json(), json.dumps(self.facts.settings, sort_keys=True), *self.facts.version_files]
        facts += [part for file in sorted(self.facts.files.items()) for part in file]
        return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


def find_needs(
    history: History, commit: str, config: Path | None = None, requirements: tuple[str, ...] = (), python: str = ""
) -> Needs:
    """Read a commit's files; nothing of it runs.

    Args:
        config: the file that says what is not to be detected; else `journeyman.toml` in the commit.
        requirements: what is installed beside what is found.
        python: minor version of Python; else the one that suits it.

    Raises:
        SourceError: it is not Python, has no tests, or its requirements cannot be installed; and what to do.
        TaskFormatError: the config file says something that means nothing.
    """
    with tempfile.TemporaryDirectory(dir=home("scratch")) as scratch:
        tree = Path(scratch)
        try:
            for path, blob in history.files(commit).items():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_bytes(history.data(blob))
        except Unfit as error:
            raise SourceError(f"{history.name}: {error}") from error
        if toolchain := toolchain_for(tree, history.name):
            raise SourceError(f"{history.name}: a {toolchain} repository; only Python ones give tasks by commits")
        settings = read_config(config or (tree / CONFIG if (tree / CONFIG).is_file() else None))
        own = {"add_requirements": (*settings.add_requirements, *requirements), "python": python or settings.python}
        settings = settings.model_copy(update=own)
        found = detect(tree, history.name, settings, history.name, "0")
        setup, remark = found.setup, ""
        if setup.requirements != (PYTEST,):
            pinned, remark = resolve(setup.requirements, setup.python, history.name)
            setup = replace(setup, requirements=pinned)
        plugins = (
            settings.plugins if settings.plugins is not None else (*setup.plugins, *plugins_of(setup.requirements))
        )
    notes = (*found.notes, *([remark] if remark else []))
    return Needs(replace(setup, plugins=plugins), found.facts, found.findings, notes)
