"""From episodes to token rows: what was read, what was written, and what may enter the loss.

Two ways in, one shape out. A *demonstration* (scripted policy, person) has no tokens yet: its actions are written in
a dialect and encoded as the model will meet them. A *sampled* episode carries its ledger: the ids the model sampled
are taken as they are, never encoded again. In both, only the policy's own tokens are trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from journeyman.envs.actions import MALFORMED
from journeyman.envs.blocks import says_missing
from journeyman.envs.changes import is_change
from journeyman.envs.claims import report_of
from journeyman.envs.episode import Episode, Step
from journeyman.envs.faults.settings import LOST_EDIT
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import Dialect
from journeyman.training.changes import stands
from journeyman.training.diagnosis import diagnosis, is_broken, with_diagnosis
from journeyman.training.emphasis import Span, decisive_spans

IGNORED = -100
"""Label of a token that does not enter the loss, as torch's cross entropy has it."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One episode as tokens. All sequences have the same length T."""

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    """Whether the token is the policy's own and enters the loss. Environment tokens never do."""
    turns: tuple[int, ...]
    """Index of the action the token belongs to; -1 for what the environment wrote."""
    logprobs: tuple[float, ...] = ()
    """log p under the sampling distribution at sampled tokens, 0 elsewhere; empty for demonstrations."""
    prompt_length: int = 0
    """Tokens before the policy's first one."""
    decisive: tuple[bool, ...] = ()
    """Whether the token is one that decides in an edit (training/emphasis.py); empty where nobody asked."""

    @property
    def labels(self) -> list[int]:
        return [token if trained else IGNORED for token, trained in zip(self.ids, self.trained, strict=True)]


class _Builder:
    def __init__(self) -> None:
        self.ids: list[int] = []
        self.trained: list[bool] = []
        self.turns: list[int] = []
        self.logprobs: list[float] = []
        self.decisive: list[bool] = []

    def add(
        self,
        ids: Sequence[int],
        *,
        turn: int = -1,
        trained: bool | Sequence[bool] = False,
        logprobs: Sequence[float] = (),
        decisive: Sequence[bool] = (),
    ) -> None:
        self.ids += ids
        self.trained += [trained] * len(ids) if isinstance(trained, bool) else trained
        self.turns += [turn] * len(ids)
        self.logprobs += logprobs or [0.0] * len(ids)
        self.decisive += decisive or [False] * len(ids)


def demonstration(
    episode: Episode,
    chat: ChatTemplate,
    dialect: Dialect,
    *,
    diagnose: bool = False,
    max_turn_tokens: int | None = None,
    tool_given: bool = False,
) -> TokenRow:
    """An episode of a policy that writes no tokens, as the model would have read and written it.

    Of a forked episode only what came after the fork is learned: the rest is its parent's.

    Args:
        diagnose: say what was wrong before the first change after a failing test (training/diagnosis.py).
        max_turn_tokens: a diagnosis that makes its turn longer is not said.
        tool_given: which tool the last action calls is read, and only what it is called with is learned.
    """
    built = _Builder()
    message, opening = episode.first, True
    imitated = worth_imitating(episode.steps)
    own_from = episode.ancestry.step if episode.ancestry is not None else 0
    for turn, step in enumerate(episode.steps):
        text = dialect.render(message)
        built.add(chat.opening(dialect.system(), text, dialect.shots) if opening else chat.reply(text))
        is_learned = imitated[turn] and turn >= own_from
        call = dialect.format(step.action)
        said = diagnosis(episode.steps, turn) if diagnose and is_learned else ""
        written = with_diagnosis(said, step.action, dialect)
        if max_turn_tokens is not None and len(chat.answer(written)) > max_turn_tokens:
            written = call
        before = len(written) - len(call)
        spans = [(start + before, end + before) for start, end in decisive_spans(step.action, call, step.diff)]
        tokens = chat.text_spans(written)
        learned: bool | list[bool] = is_learned
        if tool_given and is_learned and tokens and step is episode.steps[-1]:
            learned = _behind(tokens, before + call.index(step.action.tool) + len(step.action.tool))
        built.add(chat.answer(written), turn=turn, trained=learned, decisive=_decisive(tokens, spans))
        message, opening = step.observation, False
    first = built.turns.index(0) if built.turns.count(0) else len(built.ids)
    return TokenRow(
        tuple(built.ids), tuple(built.trained), tuple(built.turns), prompt_length=first, decisive=tuple(built.decisive)
    )


def _behind(tokens: Sequence[Span], place: int) -> list[bool]:
    """Which tokens of an answer begin no sooner than there; the end token, which follows them, is one."""
    return [*(start >= place for start, _ in tokens), True]


def _decisive(tokens: Sequence[Span], spans: Sequence[Span]) -> list[bool]:
    """Which tokens of an answer overlap one of the spans; the end token, which follows them, does not."""
    marked = [any(start < end_s and start_s < end for start_s, end_s in spans) for start, end in tokens]
    return [*marked, False] if marked else []


def sampled(episode: Episode) -> TokenRow:
    """An episode of a model, from its ledger. What a parent did before it was forked is read, never learned.

    Raises:
        ValueError: an action carries no tokens, so the episode was not sampled by a local model.
    """
    built = _Builder()
    begin = episode.ancestry.step if episode.ancestry is not None else 0
    prompt_length = 0
    for turn, step in enumerate(episode.steps[begin:], begin):
        tokens = step.action.tokens
        if tokens is None:
            raise ValueError(
                f"episode {episode.id}, step {turn + 1}: the action carries no tokens (policy {episode.policy})"
            )
        prompt_length = prompt_length or len(tokens.prompt_ids)
        built.add(tokens.prompt_ids)
        built.add(tokens.sampled_ids, turn=turn, trained=True, logprobs=tokens.logprobs)
    return TokenRow(tuple(built.ids), tuple(built.trained), tuple(built.turns), tuple(built.logprobs), prompt_length)


def worth_imitating(steps: Sequence[Step]) -> list[bool]:
    """Which actions a demonstration should teach: not the malformed, refused and timed-out ones, nor a change that the
    next test run contradicted (the recovery after it is what such an episode is for).

    A failing run contradicts the changes before it that were taken back later; those that stand at the end of an
    episode that is worth showing were right, and the test failed for another reason, such as a project's next part.

    Who ends by saying that it is blocked was told that what it looked for is not there: such a look is what the report
    rests on.

    A change that a fault undid (envs/faults) is not taught: no test ever told whether it was right. The one that was
    made in its place is.
    """
    report = report_of(steps)
    is_blocked = report is not None and any(claim.kind == "blocked" for claim in report.claims)

    def is_done(step: Step) -> bool:
        is_look = is_blocked and says_missing(step)
        return step.action.tool != MALFORMED and (step.observation.ok or is_look) and step.fault != LOST_EDIT

    worth = [is_done(step) for step in steps]
    changes: list[int] = []
    for index, step in enumerate(steps):
        if is_change(step):
            changes.append(index)
        elif step.tests is not None:
            if is_broken(step.tests):
                for change in changes:
                    worth[change] = worth[change] and stands(change, steps)
            changes = []
    return worth
