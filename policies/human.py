"""A person at the terminal as a policy: a text box of lines, in the `lines` dialect."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from journeyman.envs.actions import MALFORMED, Action
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import dialect
from journeyman.policies.dialect_lines import HAS_BODY
from journeyman.policies.policy import PolicyError

_END = "."
_HELP = f"""One call per turn. Where text follows below a call (edit, replace, write, plan, report), end it with a line
that holds only "{_END}" (such a line itself is written with one "{_END}" more). `help` shows this again; Ctrl-D
leaves the episode.
"""


class HumanPolicy:
    """Asks whoever sits at the terminal. What cannot be read is asked again and never reaches the record."""

    name = "human"

    def __init__(self, *, console: Console | None = None, stream: TextIO | None = None) -> None:
        """
        Args:
            console: where to show observations; the terminal by default.
            stream: where to read calls from; standard input by default.
        """
        self._console, self._stream = console or Console(), stream
        self._dialect = dialect("lines")
        self._greeted = False

    def start(self, *, seed: int) -> None:
        self._greeted = False

    def act(self, observation: Observation) -> Action:
        """Show the observation and read one call.

        Raises:
            PolicyError: the input ended.
        """
        if not self._greeted:
            self._say_help()
            self._greeted = True
        # As `Text`, for an observation's brackets are no markup.
        title = f"{observation.tool} · {observation.steps_left} steps left"
        self._console.print(Panel(Text(observation.text), title=title, border_style="" if observation.ok else "red"))
        while True:
            text = self._read_call()
            if text.strip() == "help":
                self._say_help()
                continue
            action = self._dialect.parse(text)
            if action.tool != MALFORMED:
                return action
            self._console.print(Text(f"{action.arguments['why']} (`help` shows the calls)", style="red"))

    def close(self) -> None:
        """Nothing is held."""

    def _say_help(self) -> None:
        _, _, calls = self._dialect.system().partition("\n")
        self._console.print(Text(f"{_HELP}\n{calls}\n"))

    def _read_call(self) -> str:
        head = self._read_line("> ")
        word = head.split(maxsplit=1)[0].lower() if head.strip() else ""
        if word not in HAS_BODY:
            return head
        lines = [head]
        while (line := self._read_line("… ")) != _END:
            lines.append(line[1:] if line and not line.strip(_END) else line)
        return "\n".join(lines)

    def _read_line(self, prompt: str) -> str:
        line = read_line(self._console, self._stream, prompt)
        if line is None:
            raise PolicyError("the input ended; the person left")
        return line


def read_line(console: Console, stream: TextIO | None, prompt: str) -> str | None:
    """One line without its end, None where the input has ended. At a terminal, it can be edited and recalled."""
    try:
        line = console.input(prompt, stream=stream)
    except EOFError:
        return None
    return None if stream is not None and not line else line.removesuffix("\n")
