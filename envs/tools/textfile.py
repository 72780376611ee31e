"""A text file as a policy sees it (numbered lines), from which every byte that it does not change comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TextFile:
    """Lines without their ends. Bytes that are not UTF-8 travel as surrogates and come back unharmed."""

    lines: tuple[str, ...]
    final_newline: bool = True
    crlf: bool = False
    """Every line ended in "\\r\\n"; in a file of mixed ends the "\\r" stays part of its line."""
    bom: bool = False

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """`None` when it is binary (holds a NUL)."""
        if b"\x00" in data:
            return None
        bom = data.startswith(_BOM)
        text = data[len(_BOM) if bom else 0 :].decode("utf-8", "surrogateescape")
        crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
        if crlf:
            text = text.replace("\r\n", "\n")
        final_newline = text.endswith("\n") or not text
        lines = text.removesuffix("\n").split("\n") if text else []
        return cls(tuple(lines), final_newline, crlf, bom)

    @property
    def text(self) -> str:
        """The whole text with "\\n" as line end."""
        return "\n".join(self.lines) + ("\n" if self.final_newline and self.lines else "")

    def with_text(self, text: str) -> TextFile:
        """Another text, with "\\n" as line end, in the same encoding."""
        lines = tuple(text.removesuffix("\n").split("\n")) if text else ()
        return replace(self, lines=lines, final_newline=text.endswith("\n") or not text)

    def with_lines(self, lines: tuple[str, ...]) -> TextFile:
        return replace(self, lines=lines)

    def encode(self) -> bytes:
        text = self.text
        if self.crlf:
            text = text.replace("\n", "\r\n")
        return (_BOM if self.bom else b"") + text.encode("utf-8", "surrogateescape")

    def numbered(self, start: int, end: int) -> str:
        """Lines `start` to `end` (from 1, both included) as `12|code`."""
        start, end = max(start, 1), min(end, len(self.lines))
        return "\n".join(f"{n}|{self.lines[n - 1].removesuffix(chr(13))}" for n in range(start, end + 1))
