"""Gets a name wrong first, is told that there is none, and looks for the one that was meant.

That something cannot be found does not mean that it is missing: who takes the one for the other gives up what can be
done. What is learned from such an episode is the second look, never the first (training/tokens.py leaves out what was
refused).
"""

from __future__ import annotations

from journeyman.envs.tools.syntax import definitions
from journeyman.envs.tools.textfile import TextFile
from journeyman.policies.edits import LineEdit
from journeyman.policies.oracle import OraclePolicy, Play
from journeyman.policies.parts import function_around

_SHORTEST = 3
"""Letters of a slip."""
_MOST_LOST = 3
"""Letters that a slip loses at its beginning."""


class MisreadingOraclePolicy(OraclePolicy):
    """The oracle, whose first look is for a slip of the name that it was told, as its seed says.

    Where nobody named what is at fault, or no slip can be thought of, it plays like the oracle.
    """

    name = "misreading"

    def start(self, *, seed: int) -> None:
        super().start(seed=seed)
        self._is_careful = False
        """Whether it has gone wrong already."""

    def _look_at(self, path: str, file: TextFile, edit: LineEdit) -> Play:
        known = definitions(file.text)
        symbol = function_around(known, edit)
        if symbol is not None and not self._is_careful and self._notes.names(symbol.name):
            self._is_careful = True
            name = self._notes.as_known(symbol.name)
            defined = {each.name.rpartition(".")[2] for each in known}
            wrong = [slip for slip in slips(name) if slip not in defined and not self._notes.names(slip)]
            if wrong:
                yield self._view(path, self._rng.choice(wrong))
        yield from super()._look_at(path, file, edit)


def slips(name: str) -> tuple[str, ...]:
    """What a name is easily taken for: with another first letter, without its first letters or one of its words.

    Of a dotted name its last part slips alone.
    """
    word = name.rpartition(".")[2]
    first = next((n for n, letter in enumerate(word) if letter.isalpha()), 0)
    found = [word[:first] + word[first : first + 1].swapcase() + word[first + 1 :]]
    found += [word[lost:] for lost in range(1, _MOST_LOST + 1)]
    parts = word.split("_")
    found += ["_".join(parts[:n] + parts[n + 1 :]) for n in range(len(parts))]
    kept = (slip for slip in found if slip != word and len(slip) >= _SHORTEST and slip.isidentifier())
    return tuple(dict.fromkeys(kept))
