"""Rust's tests: `cargo test`, whose text stable toolchains write (libtest).

Ids are `tests/api.rs::name` for a file of `tests/`, and for a module within the crate the file in which it stands:
`src/tests.rs::name`, or `src/lib.rs::tests::name` where it has no file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from journeyman.tasks.report import Crash, TestResult
from journeyman.tasks.runners.gather import MESSAGE_LINES, Gathered, inside, message

VARIABLES = {
    "CARGO_HOME": "/tmp/cargo", "CARGO_TARGET_DIR": "/tmp/target", "CARGO_NET_OFFLINE": "true", "TZ": "UTC",
    "CARGO_INCREMENTAL": "0", "CARGO_TERM_COLOR": "never", "CARGO_PROFILE_TEST_DEBUG": "0", "RUST_BACKTRACE": "0",
    "CARGO_PROFILE_DEV_DEBUG": "0",
}  # fmt: skip
VENDORED = (
    "--config", 'source.crates-io.replace-with="vendored-sources"',
    "--config", 'source.vendored-sources.directory="vendor"',
)  # fmt: skip
"""What cargo is told where the repository brings its dependencies along."""
_RUNNING = re.compile(r"^\s+Running (?:unittests )?(\S+\.rs) \(")
_RESULT = re.compile(r"^test (\S+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b")
_BLOCK = re.compile(r"^---- (\S+) stdout ----$")
_PANIC = re.compile(r"^thread '.*?'(?: \(\d+\))? panicked at (\S+?\.rs):(\d+):\d+:$")
_OLD_PANIC = re.compile(r"^thread '.*?' panicked at '(.*)$")
_OLD_END = re.compile(r"^(.*)', (\S+?\.rs):(\d+):\d+$")
"""Up to Rust 1.72 the message stands before the place, and may go over several lines."""
_ERROR = re.compile(r"^error(\[E\d+\])?: ")
_AT = re.compile(r"^\s+--> (\S+?\.rs):(\d+):\d+")
_OUTCOMES = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


def run_rust(gathered: Gathered) -> None:
    """Run the crate's tests in one go; where they do not all compile, each target by itself."""
    gathered.variables |= VARIABLES
    files = frozenset(gathered.sandbox.files())
    targets = test_targets(files)
    wanted = {target: path for target, path in targets.items() if _concerns(gathered, target, path)}
    names: list[str] = []
    if gathered.wanted.ids is not None:
        names = ["--exact", *dict.fromkeys(name_of(id_) for id_ in gathered.wanted.ids)]
    groups = [list(wanted)] if wanted else []
    while groups and not gathered.timed_out:
        group = groups.pop(0)
        flags = [flag for target in group for flag in target.split()]
        vendored = VENDORED if any(file.startswith("vendor/") for file in files) else ()
        command = ["cargo", "test", "--offline", "--no-fail-fast", *vendored, *flags, "--", "--test-threads=2", *names]
        done = gathered.run(command)
        found = list(read_results(done.text, files))
        for result in found:
            gathered.add(result)
        if not found and not done.timed_out and (crash := not_built(done.text)):
            if len(group) > 1:
                groups = [[target] for target in group]
            else:
                gathered.cannot(wanted[group[0]], crash)


def test_targets(files: Collection[str]) -> dict[str, str]:
    """cargo's flags for each target that may hold tests → its file."""
    found = {"--lib": "src/lib.rs"} if "src/lib.rs" in files else {}
    for file in sorted(files):
        parts = PurePosixPath(file).parts
        if parts[0] == "tests" and file.endswith(".rs"):
            if len(parts) == 2:
                found[f"--test {parts[1].removesuffix('.rs')}"] = file
            elif len(parts) == 3 and parts[2] == "main.rs":
                found[f"--test {parts[1]}"] = file
    return found


def _concerns(gathered: Gathered, target: str, path: str) -> bool:
    """Whether a target may hold wanted tests: all of `src` is one."""
    if target == "--lib":
        return not gathered.wanted.files or any(_in_crate(file) for file in gathered.wanted.files)
    return gathered.wanted.holds(path)


def _in_crate(file: str) -> bool:
    return file in (".", "src") or file.startswith("src/")


def name_of(id_: str) -> str:
    """What libtest calls a test: within the crate, its path of modules."""
    file, _, name = id_.partition("::")
    parts = PurePosixPath(file).with_suffix("").parts
    if parts[:1] != ("src",):
        return name
    modules = [part for part in parts[1:] if part not in ("mod", "lib")]
    return "::".join([*modules, name])


def file_of(name: str, files: Collection[str]) -> str:
    """The id of a test within the crate: of the files that its modules may stand in, the innermost that there is."""
    modules = name.split("::")
    for depth in range(len(modules) - 1, 0, -1):
        place = "/".join(["src", *modules[:depth]])
        for file in (f"{place}.rs", f"{place}/mod.rs"):
            if file in files:
                return f"{file}::{'::'.join(modules[depth:])}"
    return f"src/lib.rs::{name}"


def read_results(text: str, files: Collection[str]) -> Iterator[TestResult]:
    """The results of one run of cargo, in order; what a test said follows when its target has ended."""
    path = ""
    waiting: list[tuple[str, str]] = []
    said: dict[str, list[str]] = {}
    block: list[str] | None = None
    for line in [*text.splitlines(), "     Running end.rs ("]:
        if match := _RUNNING.match(line):
            yield from (_result(path, name, word, said.get(name, []), files) for name, word in waiting)
            path, waiting, said, block = match[1], [], {}, None
        elif match := _BLOCK.match(line):
            block = said.setdefault(match[1], [])
        elif line.startswith(("failures:", "test result:", "successes:")):
            block = None
        elif path and (match := _RESULT.match(line)):
            waiting.append((match[1], _OUTCOMES[match[2]]))
        elif block is not None:
            block.append(line)


def _result(path: str, name: str, outcome: str, said: list[str], files: Collection[str]) -> TestResult:
    id_ = file_of(name, files) if path == "src/lib.rs" else f"{path}::{name}"
    return TestResult(id_, outcome, 0.0, _crash(said, id_.partition("::")[0]) if outcome == "failed" else None)


def _crash(said: list[str], file: str) -> Crash:
    """Where a test panicked, and with which words."""
    said = [line for line in said if not line.startswith(("note: ", "stack backtrace:"))]
    for number, line in enumerate(said):
        if match := _PANIC.match(line):
            return _panic(match[1], match[2], said[number + 1 :])
        if match := _OLD_PANIC.match(line):
            words = [match[1], *said[number + 1 : number + 1 + MESSAGE_LINES]]
            for last, text in enumerate(words):
                if end := _OLD_END.match(text):
                    return _panic(end[2], end[3], [*words[:last], end[1]])
    return Crash(file, 0, message(said) or "failed")


def _panic(path: str, line: str, words: list[str]) -> Crash:
    path = inside(path)
    return Crash(path, int(line), message(words), (f"{path}:{line}",))


def not_built(text: str) -> Crash | None:
    """The compiler's first complaint; none where it had none."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _ERROR.match(line):
            place = next((match for each in lines[number : number + 6] if (match := _AT.match(each))), None)
            at = (inside(place[1]), int(place[2])) if place else ("", 0)
            return Crash(*at, message([line]))
    return None
