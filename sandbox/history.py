"""The one commit from which a policy starts, so that `git status`, `git diff` and `git stash` work as it expects.

It is made by the host's git from pristine files that no agent has touched, and it has the same id everywhere: author,
date and message are fixed. There is nothing before it, and no remote, reflog or hook. git never runs on what an agent
left.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from journeyman.sandbox.inside.files import EXCLUDED

BRANCH = "main"
MESSAGE = "The repository as given"
GIT_S = 600.0
"""Wall clock for one call of git, in seconds."""
INDEX = ".git/index"

_WHO = ("Journeyman", "journeyman@localhost")
# Of files that nobody touched, date and size are those of the index on every machine, and nothing else is: so git need
# not read them again. It must not tidy up either, while a command waits.
_CONFIG = f"""[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[user]
\tname = {_WHO[0]}
\temail = {_WHO[1]}
"""
_EXCLUDE = "".join(f"{name}/\n" for name in sorted(EXCLUDED - {".git"}))
_SETTINGS = (
    "core.protectNTFS=false",  # names that other systems could not bear are no fault here
    "core.protectHFS=false",
    "core.autocrlf=false",
    "index.version=2",
    "core.looseCompression=0",  # they are packed in a moment
    "pack.threads=1",  # else the same files could be packed in two ways
    "pack.window=0",  # few files of one state are like each other: it would only take time
    "pack.writeReverseIndex=false",
    "repack.writeBitmaps=false",
    "repack.updateServerInfo=false",
)
_ENTRY = 62
"""Bytes of an index entry before its path."""


class HistoryError(Exception):
    """git could not make a commit of these files; the message says why."""


@cache
def git() -> str:
    """The host's git; empty where there is none."""
    return shutil.which("git") or ""


def make_commit(tree: Path, date_s: int) -> str:
    """Make `.git` in a folder of files, all of one date, and return the id of its one commit.

    Raises:
        HistoryError: git is missing, or refuses the files.
    """
    folder = tree / ".git"
    _call(tree, date_s, "init", "--quiet", "--template=")
    (folder / "config").write_text(_CONFIG)
    (folder / "HEAD").write_text(f"ref: refs/heads/{BRANCH}\n")
    (folder / "info").mkdir(exist_ok=True)
    (folder / "info" / "exclude").write_text(_EXCLUDE)
    _call(tree, date_s, "add", "--all", "--force", ".")
    commit = _call(tree, date_s, "commit-tree", "-m", MESSAGE, _call(tree, date_s, "write-tree"))
    (folder / "refs" / "heads" / BRANCH).write_text(commit + "\n")
    _call(tree, date_s, "repack", "-a", "-d", "-q")
    index = tree / INDEX
    index.write_bytes(_same_everywhere(index.read_bytes()))
    return commit


def _call(tree: Path, date_s: int, *words: str) -> str:
    """What git prints. It knows nothing of this machine's settings, nor of the user's."""
    who = {"NAME": _WHO[0], "EMAIL": _WHO[1], "DATE": f"{date_s} +0000"}
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_DIR": str(tree / ".git"),
        "GIT_WORK_TREE": str(tree),
        **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()},
    }
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    command = [git() or "git", *settings, *words]
    try:
        done = subprocess.run(
            command, cwd=tree, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HistoryError(f"git {words[0]}: {error}") from error
    if done.returncode:
        raise HistoryError(f"git {words[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode().strip()


def _same_everywhere(index: bytes) -> bytes:
    """An index (version 2) without what only this machine's file system says: ctimes, devices, inodes and owners."""
    data, at = bytearray(index[:-20]), 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        data[at : at + 8] = data[at + 16 : at + 24] = data[at + 28 : at + 36] = bytes(8)
        name_end = data.index(0, at + _ENTRY)
        at += (name_end - at) // 8 * 8 + 8
    return bytes(data) + hashlib.sha1(data, usedforsecurity=False).digest()
