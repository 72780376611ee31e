"""What a folder that is minted into remembers: the tasks that were kept, and what was tried in vain.

Each line is written whole and flushed before the next mutant is tried; a torn last line is cut off when the next run
opens the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from journeyman.tasks.sources.recipe import LibraryLine, Recipe
from journeyman.tasks.sources.recipe_file import library_line, read_libraries, read_recipes, recipe_line
from journeyman.tasks.task import TaskFormatError

KEPT, REJECTED = "recipes.jsonl", "rejected.jsonl"


class Ledger:
    """The two record files of one folder, as one library sees them."""

    def __init__(self, library: LibraryLine, out: Path) -> None:
        """Read what is there.

        Raises:
            TaskFormatError: a record file holds something else, or another archive of the same version.
        """
        out.mkdir(parents=True, exist_ok=True)
        self.library, self._out = library, out
        self.tests: tuple[str, ...] = ()
        """The tests that the library's line names; empty before it was written."""
        for known, tests in read_libraries(mend(out / KEPT)):
            if known.requirement == library.requirement:
                self.tests = tests
                if known.sha256 != library.sha256:
                    raise TaskFormatError(
                        f"{out / KEPT}: made from another archive of {library.requirement}; mint elsewhere"
                    )
        recipes = read_recipes(out / KEPT)
        self.kept = [recipe for recipe in recipes if recipe.library.requirement == library.requirement]
        rows = [json.loads(line) for line in mend(out / REJECTED).read_text(encoding="utf-8").splitlines()]
        self.seen = {row["key"] for row in rows if row["library"] == library.requirement}
        self.seen |= {recipe.facts["key"] for recipe in self.kept}

    def begin(self, tests: tuple[str, ...]) -> None:
        """Name the tests that this library's tasks may refer to; the first run's choice stands."""
        if not self.tests:
            self.tests = tests
            self._append(KEPT, library_line(self.library, tests))

    def keep(self, recipe: Recipe) -> None:
        self.kept.append(recipe)
        self._append(KEPT, recipe_line(recipe, self.tests))

    def reject(self, key: str, reason: str) -> None:
        self.seen.add(key)
        row = {"library": self.library.requirement, "key": key, "reason": reason}
        self._append(REJECTED, json.dumps(row, separators=(",", ":")))

    def _append(self, name: str, line: str) -> None:
        with (self._out / name).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def mend(path: Path) -> Path:
    """The file, made if need be, without a last line that was never finished."""
    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data or not path.exists():
        path.write_bytes(whole)
    return path
