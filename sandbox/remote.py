"""The `Sandbox` protocol over a `Channel`: what every backend shares. A backend only starts the helper and ends it."""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar

from journeyman.sandbox.channel import Channel
from journeyman.sandbox.inside.files import MAX_SKIPPED, encodable
from journeyman.sandbox.inside.patience import longest
from journeyman.sandbox.link import LinkEnd
from journeyman.sandbox.sandbox import (
    MAX_OUTPUT_BYTES,
    MAX_READ_BYTES,
    WORKSPACE,
    Completed,
    Environment,
    File,
    Sandbox,
    SandboxError,
    SandboxLost,
    SandboxPathError,
    Snapshot,
)
from journeyman.sandbox.template import MAX_FILE_BYTES, MAX_TREE_BYTES, Entry, Template, tree_hash
from journeyman.sandbox.usage import hold

T = TypeVar("T")
HARD_OUTPUT_BYTES = 16 * 1024 * 1024
"""The most that `max_output_bytes` may ask for."""
MAX_RUNNER_CHARS = 200
BATCH_BYTES = 16 * 1024 * 1024
"""Files travel in messages of about this size (one larger file travels alone)."""
MAX_CHANGED_BYTES = 256 * 1024 * 1024
"""Changed files beyond this sum, in path order, are listed as skipped in a snapshot: sparse ones cost a policy nothing,
and us their whole size in memory."""


def command_environment(environment: Environment) -> dict[str, str]:
    """The environment variables that every command gets, on every backend, and the only ones."""
    folders = [WORKSPACE if folder in (".", "") else f"{WORKSPACE}/{folder}" for folder in environment.pythonpath]
    return {
        "PATH": "/opt/env/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": ":".join(folders),
    }


class RemoteSandbox:
    """A sandbox whose helper is at the far end of a channel.

    Args:
        channel: to a helper that is running over the template's files.
        template: what the workspace held at the start.
        variables: environment of every command; see `command_environment`.
        end: ends the sandbox and everything in it; called once, also when this object is forgotten.
        again: makes another sandbox like this one, in its pristine state.
        facts: how the backend keeps its promises here, in words, such as "memory limit".
    """

    def __init__(
        self,
        channel: Channel,
        template: Template,
        *,
        variables: Mapping[str, str],
        end: Callable[[], None],
        again: Callable[[], Sandbox],
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self.facts: Mapping[str, str] = facts or {}
        self._channel = channel
        self._template = template
        self._variables = dict(variables)
        self._again = again
        self._contents: dict[str, bytes] = {}
        self._seeded = False
        try:
            release = hold(template.folder.parent)
        except BaseException:
            _finish(os.getpid(), channel, end, lambda: None)
            raise
        self._end = weakref.finalize(self, _finish, os.getpid(), channel, end, release)

    def run(
        self,
        command: str | list[str],
        *,
        timeout_s: float,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        max_output_bytes: int = MAX_OUTPUT_BYTES,
        link: LinkEnd | None = None,
        warm: bool = False,
    ) -> Completed:
        """See `Sandbox.run`. Raises ValueError for an empty command, or limits that are not positive or too large."""
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        if not argv or timeout_s <= 0:
            raise ValueError("a command needs at least one word and a positive timeout_s")
        if not 0 < max_output_bytes <= HARD_OUTPUT_BYTES:
            raise ValueError(f"max_output_bytes must be between 1 and {HARD_OUTPUT_BYTES}")
        answer, output = self._channel.ask(
            "run",
            stdin,
            max_payload=max_output_bytes + 128,
            extra_s=longest(timeout_s),
            argv=argv,
            cwd=cwd,
            env={**self._variables, **(env or {})},
            timeout=timeout_s,
            keep=max_output_bytes,
            link=link,
            linked=link is not None,
            warm=warm,
        )
        try:
            return Completed(
                exit_code=int(answer["exit"]),
                output=output,
                duration_s=float(answer["seconds"]),
                timed_out=bool(answer["timed_out"]),
                dropped_bytes=int(answer["dropped"]),
                runner=str(answer["runner"])[:MAX_RUNNER_CHARS],
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise self._broken("run", error) from error

    def read(self, path: str, *, max_bytes: int = MAX_READ_BYTES) -> bytes:
        """See `Sandbox.read`; a larger file is a SandboxPathError too."""
        return self._channel.ask("read", max_payload=max_bytes, path=path, limit=max_bytes)[1]

    def write(self, path: str, data: bytes, *, mode: int = 0o644) -> None:
        """See `Sandbox.write`; a full disk or a file over the limit is a SandboxPathError too."""
        if len(data) > MAX_FILE_BYTES:
            raise SandboxPathError(f"{path!r} cannot be written: {len(data)} bytes are more than {MAX_FILE_BYTES}")
        self._write([(path, File(data, mode))])

    def remove(self, path: str) -> None:
        """See `Sandbox.remove`."""
        self._channel.ask("remove", path=path)

    def files(self) -> tuple[str, ...]:
        """See `Sandbox.files`."""
        return tuple(sorted(self._manifest()[0]))

    def snapshot(self) -> Snapshot:
        """See `Sandbox.snapshot`. Files over 64 MiB, changed ones beyond 256 MiB, all beyond 1 GiB are skipped."""
        found, skipped = self._manifest()
        base = self._template.files
        changed = {path: entry for path, entry in found.items() if base.get(path) != entry}
        beyond = _beyond(changed, MAX_CHANGED_BYTES)
        skipped = (*skipped, *(f"{path} ({changed[path].size} bytes are too many)" for path in beyond))[:MAX_SKIPPED]
        for path in beyond:
            del changed[path], found[path]
        self._fetch(changed)
        files = {
            path: File(self._contents[entry.sha256], 0o755 if entry.executable else 0o644)
            for path, entry in changed.items()
        }
        return Snapshot(
            tree_hash=tree_hash(found),
            base_hash=self._template.tree_hash,
            changed=MappingProxyType(files),
            removed=frozenset(base.keys() - found.keys()),
            skipped=skipped,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """See `Sandbox.restore`. A snapshot holds no `.git`: the sandbox gets back the one that it began with.

        Raises:
            SandboxError: the snapshot was made from another repository, or does not fit (a full disk).
        """
        if snapshot.base_hash != self._template.tree_hash:
            raise SandboxError("the snapshot was made from another repository than this sandbox")
        wanted = {path: entry for path, entry in self._template.files.items() if path not in snapshot.removed}
        for path, file in snapshot.changed.items():
            wanted[path] = Entry(file.executable, hashlib.sha256(file.data).hexdigest(), len(file.data))
        answer, _ = self._channel.ask(
            "prune",
            files={path: [entry.executable, entry.sha256] for path, entry in wanted.items()},
            links=list(self._template.links),
            history=self._template.history,
            max_file=MAX_FILE_BYTES,
            max_total=MAX_TREE_BYTES,
        )
        missing = answer.get("missing")
        known = wanted.keys() | self._template.history.keys()
        if not isinstance(missing, list) or not all(isinstance(path, str) and path in known for path in missing):
            raise self._broken("prune", ValueError("it misses what was not asked for"))
        self._write((path, snapshot.changed.get(path) or self._pristine(path)) for path in missing)
        if tree_hash(self._manifest()[0]) != snapshot.tree_hash:
            raise SandboxError("the workspace could not be brought to the snapshot's state")

    def fork(self) -> Sandbox:
        """See `Sandbox.fork`."""
        other = self._again()
        try:
            if not (state := self.snapshot()).is_pristine:
                other.restore(state)
        except BaseException:
            other.close()
            raise
        return other

    def close(self) -> None:
        """See `Sandbox.close`."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _pristine(self, path: str) -> File:
        data = (self._template.folder / path).read_bytes()
        entry = self._template.files.get(path)  # history has none
        return File(data, 0o755 if entry and entry.executable else 0o644)

    def _write(self, files: Iterable[tuple[str, File]]) -> None:
        for batch in _batches(files, lambda item: len(item[1].data)):
            self._channel.ask(
                "write",
                b"".join(file.data for _, file in batch),
                files=[[path, file.mode, len(file.data)] for path, file in batch],
            )

    def _fetch(self, entries: Mapping[str, Entry]) -> None:
        """Bring the contents of these files here; those of the last snapshot are not brought again."""
        contents = {e.sha256: self._contents[e.sha256] for e in entries.values() if e.sha256 in self._contents}
        wanted = {e.sha256: (path, e) for path, e in entries.items() if e.sha256 not in contents}
        for batch in _batches(wanted.values(), lambda item: item[1].size):
            total = sum(entry.size for _, entry in batch)
            _, data = self._told("fetch", max_payload=total, files=[[path, entry.size] for path, entry in batch])
            start = 0
            for path, entry in batch:
                part = data[start : start + entry.size]
                start += entry.size
                if hashlib.sha256(part).hexdigest() != entry.sha256:
                    raise self._broken("fetch", ValueError(f"{path!r} is not what the manifest said"))
                contents[entry.sha256] = part
        self._contents = contents

    def _manifest(self) -> tuple[dict[str, Entry], tuple[str, ...]]:
        seed = b"" if self._seeded else self._template.seed
        answer, _ = self._told("manifest", seed, max_file=MAX_FILE_BYTES, max_total=MAX_TREE_BYTES)
        self._seeded = True
        try:
            return _parsed(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._broken("manifest", error) from error

    def _told(self, op: str, payload: bytes = b"", **arguments: Any) -> tuple[Mapping[str, Any], bytes]:
        """What the helper knows of the tree. A sandbox whose tree cannot be read is as good as lost."""
        try:
            return self._channel.ask(op, payload, **arguments)
        except SandboxLost:
            raise
        except SandboxError as error:
            raise self._broken(op, error) from error

    def _broken(self, op: str, error: Exception) -> SandboxLost:
        self.close()
        return SandboxLost(f"the sandbox broke the protocol during {op!r}: {error}")


def _finish(owner: int, channel: Channel, end: Callable[[], None], release: Callable[[], None]) -> None:
    if os.getpid() != owner:  # a fork's copy is forgotten, not the sandbox
        return
    channel.close()
    end()
    release()


def _batches(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and (total + size(item) > BATCH_BYTES or len(batch) >= 10_000):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch


def _beyond(files: Mapping[str, Entry], limit: int) -> list[str]:
    """The files by which, in path order, the sum of sizes passes the limit."""
    total, beyond = 0, []
    for path in sorted(files):
        if total + files[path].size > limit:
            beyond.append(path)
        else:
            total += files[path].size
    return beyond


def _parsed(answer: Mapping[str, Any]) -> tuple[dict[str, Entry], tuple[str, ...]]:
    """The manifest, believed only where it is well-formed: such paths may be written to a disk later."""
    files, folders = {}, {""}
    for path, (mode, digest, size) in answer["files"].items():
        folder, _, name = path.rpartition("/")
        _check_name(path, name)
        while folder not in folders:  # each folder once: many files may lie very deep
            folders.add(folder)
            folder, _, name = folder.rpartition("/")
            _check_name(path, name)
        if len(bytes.fromhex(digest)) != 32 or not isinstance(size, int) or not 0 <= size <= MAX_FILE_BYTES:
            raise ValueError(f"{path!r} has no proper hash and size")
        files[path] = Entry(bool(int(mode) & 0o100), digest, size)
    if clash := folders & files.keys():
        raise ValueError(f"{min(clash)!r} is a file and a folder")
    if sum(entry.size for entry in files.values()) > MAX_TREE_BYTES:
        raise ValueError("the files are too many bytes")
    return files, tuple(f"{path} ({why})" for path, why in answer["skipped"])


def _check_name(path: str, name: str) -> None:
    if path.startswith("/") or name in ("", ".", "..") or "\0" in name or not encodable(name):
        raise ValueError(f"{path!r} is not a path inside the workspace")
