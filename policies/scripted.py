"""Policies without a mind: they bound the scale, and drive environments in tests and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation

_PATHS = (".", "README.md", "pyproject.toml", "setup.py", "src", "tests", "no/such/file.py", "../outside", "a b.py")
_WORDS = ("def", "class", "return", "import", "test_", "(", "[a-z", "main", "value", "x")
_COMMANDS = ("ls", "python -V", "git log", "cat /etc/passwd", "exit 3", "echo hello", "python -c 'print(1)'")
_GARBAGE = (
    "",
    "I think that",
    '{"tool": "edit"',
    '{"tool": "fly"}',
    "\x1b[31m\u202ered",
    "```\n\n```",
    "edit x.py:9999",
)


class NoOpPolicy:
    """Reports at once. On a sound task it earns nothing."""

    name = "noop"

    def start(self, *, seed: int) -> None:
        """There is nothing to forget."""

    def act(self, observation: Observation) -> Action:
        return Action("report", {"summary": ""})

    def close(self) -> None:
        """Nothing is held."""


class ScriptedPolicy:
    """Plays a list of actions, and reports when they are over."""

    name = "scripted"

    def __init__(self, actions: Sequence[Action], *, name: str = "scripted") -> None:
        self.name, self._actions, self._at = name, tuple(actions), 0

    def start(self, *, seed: int) -> None:
        self._at = 0

    def act(self, observation: Observation) -> Action:
        self._at += 1
        if self._at > len(self._actions):
            return Action("report", {"summary": "The script is over."})
        return self._actions[self._at - 1]

    def close(self) -> None:
        """Nothing is held."""


class RandomPolicy:
    """Valid calls with random arguments, and some garbage: what an environment must bear from anyone."""

    name = "random"

    def __init__(self, *, garbage_share: float = 0.15, report_share: float = 0.02) -> None:
        """
        Args:
            garbage_share: how often (0 to 1) an action cannot be read as a call; 1 makes an episode of nothing else.
            report_share: how often it ends the episode.
        """
        self._garbage_share, self._report_share = garbage_share, report_share
        self._rng = Random(0)
        self._calls: tuple[Callable[[], tuple[str, dict[str, object]]], ...] = (
            self._plan, self._view, self._search, self._outline, self._edit, self._replace, self._write, self._run,
            self._test,
        )  # fmt: skip

    def start(self, *, seed: int) -> None:
        self._rng = Random(seed)

    def act(self, observation: Observation) -> Action:
        fate = self._rng.random()
        if fate < self._garbage_share:
            return Action.malformed(self._rng.choice(_GARBAGE), "random garbage")
        if fate > 1 - self._report_share:
            return Action("report", {"summary": "Enough."})
        tool, arguments = self._rng.choice(self._calls)()
        return Action(tool, arguments)

    def close(self) -> None:
        """Nothing is held."""

    def _plan(self) -> tuple[str, dict[str, object]]:
        return "plan", {"subtasks": self._rng.sample(_WORDS, 3)}

    def _view(self) -> tuple[str, dict[str, object]]:
        where: dict[str, object] = {"path": self._rng.choice(_PATHS)}
        more: list[dict[str, object]] = [{}, {"line": self._line()}, {"symbol": self._rng.choice(_WORDS)}]
        return "view", where | self._rng.choice(more)

    def _search(self) -> tuple[str, dict[str, object]]:
        return "search", {"pattern": self._rng.choice(_WORDS), "path": self._rng.choice(_PATHS)}

    def _outline(self) -> tuple[str, dict[str, object]]:
        return "outline", {"path": self._rng.choice(_PATHS)}

    def _edit(self) -> tuple[str, dict[str, object]]:
        line = self._line()
        span = {"line": line, "end": line + self._rng.randrange(3)}
        return "edit", {"path": self._rng.choice(_PATHS), **span, "new": self._rng.choice(_WORDS)}

    def _replace(self) -> tuple[str, dict[str, object]]:
        return "edit", {"path": self._rng.choice(_PATHS), "old": self._rng.choice(_WORDS), "new": ""}

    def _write(self) -> tuple[str, dict[str, object]]:
        return "write", {"path": f"made_{self._rng.randrange(5)}.py", "content": f"{self._rng.choice(_WORDS)}\n"}

    def _run(self) -> tuple[str, dict[str, object]]:
        return "run", {"command": self._rng.choice(_COMMANDS)}

    def _test(self) -> tuple[str, dict[str, object]]:
        return "test", self._rng.choice([{}, {"target": self._rng.choice(_PATHS)}])

    def _line(self) -> int:
        return int(self._rng.paretovariate(0.5)) % 500 + 1
