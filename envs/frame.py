"""What `render` shows of an episode: one action with its answer, as text or as a picture of a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from journeyman.envs.actions import Action
from journeyman.envs.text import clean

COLUMNS, ROWS = 100, 40
"""Of a picture, in characters."""
_CELL = (6, 11)
"""Width and height of a character of Pillow's own font, in pixels; a picture is drawn at this size, then doubled."""
_MARGIN = 8
_BACK, _PLAIN, _DIM, _CALL, _TITLE = (22, 27, 34), (230, 237, 243), (139, 148, 158), (121, 192, 255), (255, 255, 255)
_GOOD, _BAD, _WARN, _HUNK = (86, 211, 100), (255, 123, 114), (227, 179, 65), (57, 197, 207)
_MARKS = {"+": _GOOD, "-": _BAD, "@": _HUNK}
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment of an episode."""

    title: str
    """Which task, which step."""
    answer: str
    call: Action | None = None
    diff: str = ""
    ok: bool = True
    end: str = ""
    """How the episode ended; empty while it goes on."""

    def text(self) -> str:
        """The action and its answer."""
        return self.answer if self.call is None else f"> {self.call.to_json()}\n{self.answer}"

    def picture(self) -> NDArray[np.uint8]:
        """The same and the diff in colours, of one size whatever is shown: (height, width, 3).

        Raises:
            DependencyNotInstalled: Pillow is not there.
        """
        try:
            from PIL import Image, ImageDraw, ImageFont
        except ImportError as error:
            raise DependencyNotInstalled(
                'render_mode="rgb_array" needs Pillow: pip install journeyman[view]'
            ) from error
        width, height = COLUMNS * _CELL[0] + 2 * _MARGIN, ROWS * _CELL[1] + 2 * _MARGIN
        image = Image.new("RGB", (width, height), _BACK)
        draw, font = ImageDraw.Draw(image), ImageFont.load_default_imagefont()
        for number, (row, colour) in enumerate(self.fitted()):
            place = (_MARGIN, _MARGIN + number * _CELL[1])
            draw.text(place, row.encode("latin-1", "replace").decode("latin-1"), fill=colour, font=font)
        return np.asarray(image.resize((2 * width, 2 * height), Image.Resampling.NEAREST))

    def fitted(self) -> list[tuple[str, Colour]]:
        """The rows that a picture has room for: the beginning, and the end, where programs say what failed."""
        rows = list(self._rows())
        if len(rows) <= ROWS:
            return rows
        tail = ROWS // 3
        head = ROWS - tail - 1
        return [*rows[:head], (f"[... {len(rows) - head - tail} lines left out ...]", _DIM), *rows[-tail:]]

    def _rows(self) -> Iterator[tuple[str, Colour]]:
        yield from _wrapped(self.title, _TITLE)
        yield "", _PLAIN
        if self.call is not None:
            yield from _call_rows(self.call)
            yield "", _PLAIN
        for line in clean(self.diff).splitlines():
            head = line.startswith(("+++", "---"))
            yield from _wrapped(line, _TITLE if head else _MARKS.get(line[:1], _DIM))
        if self.diff:
            yield "", _PLAIN
        yield from _wrapped(self.answer, _PLAIN if self.ok else _WARN)
        if self.end:
            yield "", _PLAIN
            yield from _wrapped(self.end, _TITLE)


def _call_rows(call: Action) -> Iterator[tuple[str, Colour]]:
    """Short arguments on the call's line, long ones below it."""
    head, below = f"> {call.tool}", []
    for name, value in call.arguments.items():
        text = value if isinstance(value, str) else repr(value)
        if "\n" in text or len(text) > COLUMNS // 2:
            below.append(f"{name}:\n{textwrap.indent(text, '  ')}")
        else:
            head += f" {name}={text}"
    for text in (head, *below):
        yield from _wrapped(text, _CALL)


def _wrapped(text: str, colour: Colour) -> Iterator[tuple[str, Colour]]:
    for line in clean(text).expandtabs(4).splitlines() or [""]:
        for start in range(0, max(len(line), 1), COLUMNS):
            yield line[start : start + COLUMNS], colour
