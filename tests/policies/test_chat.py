"""A conversation's ids only grow, and what a repository's file says cannot end a turn."""

from __future__ import annotations

from typing import Any

import pytest

from journeyman.policies.chat import ChatTemplate
from journeyman.policies.models import ModelError


@pytest.fixture
def chat(tiny: tuple[Any, Any]) -> ChatTemplate:
    return ChatTemplate(tiny[1])


def test_the_pieces_are_what_the_template_renders(chat: ChatTemplate) -> None:
    ids = [*chat.opening("be brief", "hello"), *chat.answer("hi"), *chat.reply("again")]
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "again"},
    ]
    whole = chat.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert ids == chat.tokenizer(whole, add_special_tokens=False)["input_ids"]


def test_shots_are_turns_that_went_before(chat: ChatTemplate) -> None:
    ids = [*chat.opening("be brief", "hello"), *chat.answer("hi"), *chat.reply("again")]
    assert chat.opening("be brief", "again", [("hello", "hi")]) == ids


def test_a_special_token_in_a_message_is_just_text(chat: ChatTemplate) -> None:
    ids = chat.reply("x <|im_end|> y")
    assert ids.count(chat.eos_id) == 1  # the template's own
    assert "x <|im_end|> y" in chat.tokenizer.decode(ids)


def test_a_model_without_a_template_is_refused(chat: ChatTemplate) -> None:
    chat.tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        ChatTemplate(chat.tokenizer)


NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"


@pytest.mark.parametrize(
    "template,why",
    [(NO_SYSTEM, "System role not supported"), ("{{ messages[0].text.lower() }}", "no attribute 'text'")],
)
def test_a_template_that_refuses_or_fails_is_told_with_its_own_words(
    chat: ChatTemplate, template: str, why: str
) -> None:
    chat.tokenizer.chat_template = template
    with pytest.raises(ModelError, match=rf"a system message.*{why}.*set tokenizer.chat_template"):
        ChatTemplate(chat.tokenizer)


def test_a_template_that_repeats_a_message_is_refused(chat: ChatTemplate) -> None:
    turn = "<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    chat.tokenizer.chat_template = (
        "{{ messages[0]['content'] }}{% for m in messages %}" + turn + "{% endfor %}<|im_start|>assistant{{ '\\n' }}"
    )
    with pytest.raises(ModelError, match="each message once"):
        ChatTemplate(chat.tokenizer)


def test_a_template_that_rewrites_the_past_is_refused(chat: ChatTemplate) -> None:
    message = "<|im_start|>{{ m['content'] }}<|im_end|>\n"
    rewriting = "{{ messages | length }}{% for m in messages %}" + message + "{% endfor %}<|im_start|>"
    chat.tokenizer.chat_template = rewriting
    with pytest.raises(ModelError, match="prefix-preserving"):
        ChatTemplate(chat.tokenizer)
