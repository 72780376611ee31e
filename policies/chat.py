"""A conversation as token ids that only ever grow.

Token in, token out: what the model sampled is kept as the ids that it sampled; nothing is rendered again from
text. So a template is asked once what stands *around* the messages, and must be prefix-preserving: adding a
message may not change what came before it. Messages are encoded apart from the template's own marks, so that
text such as `<|im_end|>` in a repository's file stays text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from journeyman.policies.models import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SYSTEM, _USER, _ANSWER, _NEXT = (f"\x1a{name}\x1a" for name in ("system", "user", "answer", "next"))


class ChatTemplate:
    """What a tokenizer's chat template puts around the turns.

    Raises:
        ModelError: the tokenizer has no chat template, or one that takes no system message, fails, or rewrites earlier
            messages.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        if not getattr(tokenizer, "chat_template", None):
            raise ModelError(
                "the tokenizer has no chat template; use an instruction-tuned model, or set tokenizer.chat_template"
            )
        messages = [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _USER},
            {"role": "assistant", "content": _ANSWER},
            {"role": "user", "content": _NEXT},
        ]
        opening, whole = self._render(messages[:2]), self._render(messages)
        eos = str(tokenizer.eos_token)
        if not whole.startswith(opening + _ANSWER + eos) or _SYSTEM not in opening:
            raise ModelError(
                "the chat template is not prefix-preserving (a later message changes how an earlier one is rendered), "
                f"or does not end a turn with the end token {eos!r}"
            )
        self.eos_id: int = tokenizer.eos_token_id
        before_system, after_system, after_user = _around(opening, _SYSTEM, _USER)
        before_next, after_next = _around(whole[len(opening + _ANSWER + eos) :], _NEXT)
        self._before_system, self._after_system, self._after_user, self._before_next, self._after_next = (
            self._mark_ids(text) for text in (before_system, after_system, after_user, before_next, after_next)
        )

    def opening(self, system: str, user: str, shots: Sequence[tuple[str, str]] = ()) -> list[int]:
        """Ids from the start of the conversation up to where the assistant's first token comes.

        Args:
            shots: turns that went before, as (user, assistant).
        """
        first, *others = [*(message for message, _ in shots), user]
        ids = [
            *self._before_system, *self.text_ids(system),
            *self._after_system, *self.text_ids(first), *self._after_user,
        ]  # fmt: skip
        for (_, answer), message in zip(shots, others, strict=True):
            ids += [*self.answer(answer), *self.reply(message)]
        return ids

    def reply(self, user: str) -> list[int]:
        """Ids that bring the next user message after the assistant's end token, up to the assistant's next token."""
        return [*self._before_next, *self.text_ids(user), *self._after_next]

    def answer(self, text: str) -> list[int]:
        """Ids of an assistant's turn written by someone else (a demonstration), with the end token."""
        return [*self.text_ids(text), self.eos_id]

    def text_ids(self, text: str) -> list[int]:
        """Ids of a message's text; special tokens written in it are read as ordinary characters."""
        return list(self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    def text_spans(self, text: str) -> list[tuple[int, int]]:
        """Where in a text each of its ids stands, (start, end); empty if the tokenizer cannot say."""
        if not self.tokenizer.is_fast:
            return []
        encoded = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
        return [(int(start), int(end)) for start, end in encoded["offset_mapping"]]

    def _mark_ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _render(self, messages: list[dict[str, str]]) -> str:
        try:
            return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
        except Exception as error:  # a template is a program: it may refuse in its own words, or fail in any way
            raise ModelError(
                f"the chat template refuses a conversation of a system message, then user and assistant in turn "
                f"({error}); use a model whose template takes one, or set tokenizer.chat_template"
            ) from error


def _around(text: str, *messages: str) -> list[str]:
    """What a template puts before, between and after messages.

    Raises:
        ModelError: they do not stand there once each, in this order.
    """
    places = [text.find(message) for message in messages]
    if any(text.count(message) != 1 for message in messages) or places != sorted(places):
        raise ModelError("the chat template does not show each message once and in order; use another model")
    found = []
    for message in messages:
        before, _, text = text.partition(message)
        found.append(before)
    return [*found, text]
