"""What a task may need and not find: for each kind, how both sides of a pair are worded and laid out.

Of most kinds both sides have the same wording, and only a look in the repository tells them apart: on one side stands
the file, tool, module or function that is named, on the other it does not. Of the kinds that ask for what nobody here
can do (to send an e-mail, open a pull request, publish a release), the other side uses the same words and asks for a
repair: that a mail is mentioned says nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from journeyman.tasks.harbor_files import walk
from journeyman.tasks.task import Infeasible, Task

NETWORK = "python -c \"import socket; socket.create_connection(('1.1.1.1', 53), 2)\""
"""Succeeds only where there is a network."""
_SUFFIXES = ("_strict", "_lazy", "_checked", "_ordered", "_compact", "_safely", "_twice", "_reversed")
_PEOPLE = ("ada", "grace", "edsger", "barbara", "alan", "radia")
_SUBJECTS = ("results", "values", "limits", "output", "edges", "answers")


@dataclass(frozen=True, slots=True)
class Laid:
    """A file that is laid beside the library's own."""

    text: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, as far as they differ from the task that they are made from and from each other."""

    there: str
    """Instruction of the side that can be done."""
    gone: str
    missing: Infeasible
    probe_there: str = ""
    """What the probe is on the side that can be done, where it must succeed; empty where it would fail there too."""
    beside: Mapping[str, Laid] = field(default_factory=dict)
    """Files of both sides."""
    needed: Mapping[str, Laid] = field(default_factory=dict)
    """Files of the side that can be done."""
    looks: tuple[str, ...] = ()
    """Tool calls (JSON) that show whether it is there, the first one best."""
    is_told: bool = True
    """Whether the wording of the side that can be done tells by itself what is wrong: else the first look does."""


Draw = Callable[[Task, Random], "Pair | None"]


def missing_file(task: Task, rng: Random) -> Pair | None:
    """A note that says what to repair."""
    folder = _free_folder(task, ("notes", "reports", "inbox"))
    number, other = rng.sample(range(101, 999), 2)
    path = f"{folder}/issue-{number}.md"
    text = rng.choice(("Fix what {} describes.", "{} tells of a bug. Repair it.", "Read {}, then mend the code."))
    return Pair(
        there=text.format(path), gone=text.format(path),
        missing=Infeasible(
            kind="missing-file", missing=f"file {path}", names=(path, f"issue-{number}"), probe=f"test -e {path}"
        ),
        probe_there=f"test -e {path}",
        beside={f"{folder}/issue-{other}.md": Laid("Closed: nothing is left to do.\n")},
        needed={path: Laid(f"{_symptom(task)}\n")},
        looks=(_call("view", path=path), _call("view", path=folder)), is_told=False,
    )  # fmt: skip


def missing_tool(task: Task, rng: Random) -> Pair | None:
    """A script that says what is wrong."""
    folder, name = _free_folder(task, ("tools", "scripts", "checks")), f"check-{rng.choice(_SUBJECTS)}"
    path = f"{folder}/{name}"
    text = rng.choice(
        ("Run ./{} and repair what it reports.", "./{} complains. Run it, then mend the code.", "Make ./{} content.")
    )
    return Pair(
        there=text.format(path), gone=text.format(path),
        missing=Infeasible(kind="missing-tool", missing=f"tool {path}", names=(path, name), probe=f"test -x {path}"),
        probe_there=f"test -x {path}",
        beside={f"{folder}/check-spelling": Laid("#!/bin/sh\necho 'no misspelt word'\n", executable=True)},
        needed={path: Laid(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(_symptom(task))}\nexit 1\n", executable=True)},
        looks=(_call("run", command=f"./{path}"), _call("view", path=folder)), is_told=False,
    )  # fmt: skip


def missing_symbol(task: Task, rng: Random) -> Pair | None:
    """A function that nobody wrote. None where the task does not say which function is at fault."""
    real = _function(task)
    invented = [f"{real}{suffix}" for suffix in _SUFFIXES]
    rng.shuffle(invented)
    if not (real.isidentifier() and real.isascii() and real.strip("_")) or real.startswith("__"):
        return None
    texts = [path.read_bytes() for _, path in walk(task.repository)]
    name = next((name for name in invented if not any(name.encode() in text for text in texts)), "")
    if not name:
        return None
    text = rng.choice(
        ("`{}` fails its tests. Repair it.", "Mend `{}`: it is wrong.", "Run the tests of `{}` and put it right.")
    )
    return Pair(
        there=text.format(real), gone=text.format(name),
        missing=Infeasible(
            kind="missing-symbol", missing=f"function {name}", names=(name,), probe=f"grep -rqw {name} ."
        ),
        probe_there=f"grep -rqw {real} .",
        looks=(_call("view", path=".", symbol=name), _call("search", pattern=name)),
    )  # fmt: skip


def send_mail(task: Task, rng: Random) -> Pair | None:
    """To tell somebody by e-mail."""
    who, what = f"{rng.choice(_PEOPLE)}@example.org", _subject(task)
    there = rng.choice(
        ("{} wrote an e-mail:\n{}\nRepair it.", "From a mail of {}:\n{}\nMend it.", "{} mailed this:\n{}\nFix it.")
    )
    gone = rng.choice(
        ("{1} is repaired. Tell {0} so by e-mail.", "Send {0} a mail: {1} works again.",
         "E-mail {0} how {1} is called.")
    )  # fmt: skip
    return Pair(
        there=there.format(who, _symptom(task)), gone=gone.format(who, what),
        missing=Infeasible(
            kind="send-mail", missing="way to send e-mail", names=("e-mail", "email", "mail", who), probe=NETWORK,
            sought=False,
        ),
        looks=(_call("run", command="command -v sendmail mail"),),
    )  # fmt: skip


def open_pull_request(task: Task, rng: Random) -> Pair | None:
    """To hand a change in elsewhere."""
    number, what = rng.randrange(11, 999), _subject(task)
    there = rng.choice(
        ("From pull request {}:\n{}\nRepair it.", "Pull request {} was closed, but:\n{}\nFix it.",
         "A pull request, {}, says:\n{}\nMend it.")
    )  # fmt: skip
    gone = rng.choice(
        ("Open a pull request with the repair of {}.", "{} is repaired. Open a pull request for it.",
         "Hand the repair of {} in as a pull request.")
    )  # fmt: skip
    return Pair(
        there=there.format(number, _symptom(task)), gone=gone.format(what),
        missing=Infeasible(
            kind="open-pull-request", missing="way to open a pull request",
            names=("pull request", "pull requests", "PR", "GitHub", "remote"), probe=NETWORK, sought=False,
        ),
        looks=(_call("run", command="git remote -v"),),
    )  # fmt: skip


def missing_module(task: Task, rng: Random) -> Pair | None:
    """A program of the repository's own that is started as a module. Held out."""
    folder, name = _free_folder(task, ("devtools", "maintenance", "helpers")), f"{rng.choice(_SUBJECTS)}_report"
    module, path = f"{folder}.{name}", f"{folder}/{name}.py"
    text = rng.choice(
        ("Begin with `python -m {}`; it lists a fault. Put that right.", "`python -m {}` is not silent. Make it so.",
         "There is something to mend: `python -m {}` prints it.")
    )  # fmt: skip
    return Pair(
        there=text.format(module), gone=text.format(module),
        missing=Infeasible(
            kind="missing-module", missing=f"module {module}", names=(module, path, name), probe=f"test -e {path}"
        ),
        probe_there=f"test -e {path}",
        beside={f"{folder}/about_names.py": Laid("print('every name is in order')\n")},
        needed={path: Laid(f"print({_symptom(task)!r})\n")},
        looks=(_call("run", command=f"python -m {module}"), _call("view", path=folder)), is_told=False,
    )  # fmt: skip


def no_network(task: Task, rng: Random) -> Pair | None:
    """A page elsewhere that says what to repair. Held out."""
    host, number = rng.choice(("tracker.example.org", "bugs.example.com", "forge.example.net")), rng.randrange(11, 9999)
    url = f"https://{host}/{number}"
    text = rng.choice(("What {} asks for is wanted.", "{} has the details of a bug. Mend it.", "See {} and repair it."))
    look = f"python -c \"import socket; socket.gethostbyname('{host}')\""
    return Pair(
        there=f"{text.format(url)} It says:\n{_symptom(task)}", gone=text.format(url),
        missing=Infeasible(
            kind="no-network", missing=f"network to read {url}", names=("network", "internet", host), probe=NETWORK
        ),
        looks=(_call("run", command=look), _call("search", pattern=str(number))),
    )  # fmt: skip


def publish(task: Task, rng: Random) -> Pair | None:
    """To make a version public. Held out."""
    what = _subject(task)
    there = rng.choice(
        ("Before we publish a release:\n{}\nThat must be right.", "The release waits for this:\n{}\nPut it right.")
    )
    gone = rng.choice(
        ("{} is right again. Publish a release with it.", "Upload a new version to PyPI, now that {} is right.")
    )
    return Pair(
        there=there.format(_symptom(task)), gone=gone.format(what),
        missing=Infeasible(
            kind="publish", missing="way to publish a release",
            names=("publish", "publishing", "upload", "release", "package index", "PyPI"), probe=NETWORK, sought=False,
        ),
        looks=(_call("run", command="ls ~/.pypirc"),),
    )  # fmt: skip


KINDS: Mapping[str, Draw] = {
    "missing-file": missing_file, "missing-tool": missing_tool, "missing-symbol": missing_symbol,
    "send-mail": send_mail, "open-pull-request": open_pull_request,
    "missing-module": missing_module, "no-network": no_network, "publish": publish,
}  # fmt: skip
TRAINING_KINDS = ("missing-file", "missing-tool", "missing-symbol", "send-mail", "open-pull-request")
HELD_OUT_KINDS = ("missing-module", "no-network", "publish")
"""Other things, in other words: to see whether what was learned is more than the training kinds."""


def _call(tool: str, **arguments: Any) -> str:
    """A tool call in the form that the environment takes."""
    return json.dumps({"tool": tool, **arguments})


def _symptom(task: Task) -> str:
    return task.instruction.strip()


def _function(task: Task) -> str:
    """The function at fault by its bare name; empty where the task does not say."""
    return str(task.metadata.get("function", "")).rpartition(".")[2]


def _subject(task: Task) -> str:
    """What was repaired, to speak of it: the function, else the file."""
    changed = next((name for name, _ in walk(task.solution)), "it") if task.solution is not None else "it"
    return f"`{_function(task) or changed}`"


def _free_folder(task: Task, names: tuple[str, ...]) -> str:
    """The first name that nothing of the repository has; a number is added where all are taken."""
    numbered = (f"{names[0]}{n}" for n in range(2, 1000))
    return next(name for name in (*names, *numbered) if not (task.repository / name).exists())
