"""Keys and lines of text from whoever reviews: at a terminal, or from a script that writes the same characters."""

from __future__ import annotations

import codecs
import os
import select
import shlex
import subprocess
import sys
import tempfile
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.cells import cell_len
from rich.text import Text

from journeyman.envs.feedback.entry import MAX_TEXT
from journeyman.terminal import out, visible

ENTER, ESCAPE, EDITOR, END, ERASE = ("\r", "\n"), "\x1b", "\x05", "\x04", ("\x7f", "\x08")
_MARK_PASTES, _MARK_NO_PASTES = "\x1b[?2004h", "\x1b[?2004l"
_PASTE, _PASTE_END = "[200~", "\x1b[201~"
"""Around what is pasted, so that its further lines are not taken for keys that say something."""
_ARROWS = {"\x1b[C": "n", "\x1b[B": "n", "\x1b[D": "b", "\x1b[A": "b"}
_SEQUENCE_S = 0.05
"""What follows an Escape within so long is one key's sequence."""


class Keys:
    """Standard input, key by key. The terminal is as it was when the block is left."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdin.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin, termios.TCSADRAIN)  # what was typed ahead is kept
            self._echo(_MARK_PASTES, raw=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._is_terminal:
            self._echo(_MARK_NO_PASTES, raw=True)
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """One key; an arrow is the letter that does the same, and what is pasted is none.

        Raises:
            EOFError: the input ended.
        """
        key = self._character()
        if key == ESCAPE:
            if (sequence := self._sequence()) == _PASTE:
                self._pasted()
            return _ARROWS.get(key + sequence, ESCAPE)
        return "\n" if key in ENTER else key

    def text(self, prompt: str, initial: str = "") -> str | None:
        """One line, or what is pasted, or what an editor makes of it (Ctrl-E); None where Escape was pressed.

        Raises:
            EOFError: the input ended.
        """
        out.print(Text(prompt, "bold"), end=" ")
        typed = initial if "\n" not in initial else ""
        self._echo(typed)
        while (key := self._character()) not in ENTER:
            if key == EDITOR:
                edited = self._edited(typed or initial)
                if edited is not None:
                    out.print()
                    return edited
            elif key == ESCAPE:
                if not (sequence := self._sequence()):
                    out.print()
                    return None
                if sequence == _PASTE:
                    pasted = self._pasted()[: MAX_TEXT - len(typed)]
                    typed += pasted
                    self._echo(pasted)
            elif key in ERASE:
                if typed:
                    width = cell_len(visible(typed[-1]))
                    typed = typed[:-1]
                    self._echo("\b" * width + " " * width + "\b" * width, raw=True)
            elif len(typed) < MAX_TEXT:
                typed += key
                self._echo(key)
        out.print()
        return typed.strip()

    def _echo(self, text: str, *, raw: bool = False) -> None:
        if self._is_terminal:
            out.file.write(text if raw else visible(text))
            out.file.flush()

    def _character(self) -> str:
        while True:
            if not self._is_terminal:
                character = sys.stdin.read(1)
            elif data := os.read(sys.stdin.fileno(), 1):
                if not (character := self._decoder.decode(data)):
                    continue  # amid a character of several bytes
            else:
                character = ""
            if character in ("", END):
                raise EOFError
            return character

    def _sequence(self) -> str:
        """The rest of a key that a terminal sends as Escape and more."""
        found = ""
        while self._is_terminal and select.select([sys.stdin], [], [], _SEQUENCE_S)[0]:
            found += self._character()
            if found not in ("[", "O") and (found[-1].isalpha() or found[-1] == "~"):
                break
        return found

    def _pasted(self) -> str:
        """What is pasted, with its lines."""
        found = self._character()
        while not found.endswith(_PASTE_END):
            found += self._character()
        return found.removesuffix(_PASTE_END).replace("\r", "\n")

    def _edited(self, text: str) -> str | None:
        """What $VISUAL or $EDITOR makes of a text; None where it cannot be had."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with tempfile.TemporaryDirectory() as folder, self._as_it_was():
            path = Path(folder) / "comment.md"
            path.write_text(text, encoding="utf-8")
            try:
                subprocess.run([*shlex.split(editor), str(path)], check=True)
                return path.read_text(encoding="utf-8")[:MAX_TEXT].strip()
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                out.print(
                    Text(f"\n{visible(editor)} did not work ({visible(str(error))}); type on, or set EDITOR", "red")
                )
                return None

    @contextmanager
    def _as_it_was(self) -> Iterator[None]:
        """The terminal as the editor expects it."""
        if not self._is_terminal:
            yield
            return
        ours = termios.tcgetattr(sys.stdin)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, ours)
            self._echo(_MARK_PASTES, raw=True)  # the editor had its own way
