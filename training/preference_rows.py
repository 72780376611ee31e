"""Preferences as tokens: each episode as its policy read and wrote it, with a mask over what the policy wrote.

What a model sampled is taken from the ledger that its actions carry, never encoded again; what others wrote is
rendered as the model will meet it. A forked episode may be of both kinds: a model that goes on from somebody's step
has read all of the past anew, and somebody who goes on from a model's step adds to the model's own tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from journeyman.envs.actions import TokenTurn
from journeyman.envs.episode import Episode
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import Dialect
from journeyman.training.preferences import Labels, NoPreferencesError, Pairs, reasons
from journeyman.training.tokens import TokenRow, demonstration, sampled


@dataclass(frozen=True, slots=True)
class PairRow:
    """A preference as tokens; `trained` marks the policy's own, behind what the two share."""

    task: str
    chosen: TokenRow
    rejected: TokenRow
    by: str = ""
    """Who says so: see `Preference`."""
    name: str = ""
    """The preference's."""

    @property
    def sides(self) -> tuple[TokenRow, ...]:
        return self.chosen, self.rejected


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label as tokens."""

    task: str
    row: TokenRow
    desirable: bool
    name: str = ""
    """The label's."""

    @property
    def sides(self) -> tuple[TokenRow, ...]:
        return (self.row,)


_Row = TypeVar("_Row", PairRow, LabelRow)


@dataclass(frozen=True, slots=True)
class Rows(Generic[_Row]):
    """What is trained on, with what was left out."""

    rows: tuple[_Row, ...]
    left_out: dict[str, int]
    """How many episodes, tasks or rows for which reason."""

    def within(self, max_length: int) -> Rows[_Row]:
        """The rows of at most so many tokens; longer ones are left out, not cut.

        Raises:
            NoPreferencesError: none is left, or there was none.
        """
        lengths = [max(len(side.ids) for side in row.sides) for row in self.rows]
        kept = tuple(row for row, length in zip(self.rows, lengths, strict=True) if length <= max_length)
        left_out = dict(self.left_out)
        if longer := len(self.rows) - len(kept):
            left_out[f"longer than {max_length} tokens (the shortest has {min(lengths)})"] = longer
        if not kept:
            why = reasons(left_out) or "there are no episodes and no rows of feedback"
            mend = "; --max-length takes longer ones" if longer else ""
            raise NoPreferencesError(
                f"nothing to learn from ({why}); it takes a better and a worse episode of one task{mend}"
            )
        return Rows(kept, left_out)


def pair_rows(pairs: Pairs, chat: ChatTemplate, dialect: Dialect) -> Rows[PairRow]:
    """Preferences as the model of `chat` reads and writes them."""
    rows = (
        PairRow(
            pair.task,
            conversation(pair.chosen, chat, dialect, pair.shared),
            conversation(pair.rejected, chat, dialect, pair.shared),
            by=pair.by,
            name=pair.name,
        )
        for pair in pairs.found
    )
    return Rows(tuple(rows), pairs.left_out)


def label_rows(labels: Labels, chat: ChatTemplate, dialect: Dialect) -> Rows[LabelRow]:
    """Labels as the model of `chat` reads and writes them."""
    rows = (
        LabelRow(label.task, conversation(label.episode, chat, dialect, label.shared), label.desirable, label.name)
        for label in labels.found
    )
    return Rows(tuple(rows), labels.left_out)


def conversation(episode: Episode, chat: ChatTemplate, dialect: Dialect, shared: int = 0) -> TokenRow:
    """An episode as tokens; `trained` marks everything that the policy wrote from action `shared` on.

    Unlike in supervised training that is also what was refused or went wrong: a preference is between whole courses.
    """
    begin = _ledger_begin(episode, chat, dialect)
    if begin is None:
        row = demonstration(episode, chat, dialect)
        return _own(row.ids, row.turns, shared)
    steps = episode.steps
    end = next((i for i in range(begin, len(steps)) if steps[i].action.tokens is None), len(steps))
    ledger = sampled(replace(episode, steps=steps[begin:end], ancestry=None))
    ids, turns = list(ledger.ids), [turn + begin if turn >= 0 else -1 for turn in ledger.turns]
    if begin > shared:  # an action that was given in the model's place, which the model read as if its own
        for i in _given(episode, begin, ledger, chat, dialect):
            turns[i] = begin - 1
    if end < len(steps):  # somebody else went on, who writes no tokens
        rendered = demonstration(episode, chat, dialect)
        past = max(i for i, turn in enumerate(rendered.turns) if turn == end - 1) + 1
        last = steps[end - 1].action.tokens
        closing = [chat.eos_id] if last is not None and last.truncated else []
        ids += [*closing, *rendered.ids[past:]]
        turns += [*(-1 for _ in closing), *rendered.turns[past:]]
    return _own(ids, turns, shared)


def _own(ids: Sequence[int], turns: Sequence[int], shared: int) -> TokenRow:
    first = next((i for i, turn in enumerate(turns) if turn >= shared), len(ids))
    return TokenRow(tuple(ids), tuple(turn >= shared for turn in turns), tuple(turns), prompt_length=first)


def _ledger_begin(episode: Episode, chat: ChatTemplate, dialect: Dialect) -> int | None:
    """The last action before which a model read the conversation from its beginning; None where nothing was sampled,
    or by a model with another tokenizer."""
    told = {i: step.action.tokens for i, step in enumerate(episode.steps) if step.action.tokens is not None}
    if any(_text(tokens, chat) != episode.steps[i].action.text for i, tokens in told.items()):
        return None
    opening = tuple(chat.opening(dialect.system(), dialect.render(episode.first), dialect.shots))
    anew = [i for i, tokens in told.items() if i == 0 or tokens.prompt_ids[: len(opening)] == opening]
    if episode.ancestry is not None:  # whoever goes on from a step has read all that came before
        anew += [i for i in told if i >= episode.ancestry.step][:1]
    return max(anew, default=None)


def _text(tokens: TokenTurn, chat: ChatTemplate) -> str:
    return str(chat.tokenizer.decode(list(tokens.sampled_ids), skip_special_tokens=True))


def _given(episode: Episode, begin: int, ledger: TokenRow, chat: ChatTemplate, dialect: Dialect) -> range:
    """Where in a ledger the action stands that was given before its first one; empty where it cannot be found."""
    step = episode.steps[begin - 1]
    written = tuple(chat.answer(step.action.text or dialect.format(step.action)))
    end = ledger.prompt_length - len(chat.reply(dialect.render(step.observation)))
    start = end - len(written)
    return range(start, end) if start > 0 and ledger.ids[start:end] == written else range(0)
