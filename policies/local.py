"""A language model on this machine as a policy."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from typing import TYPE_CHECKING

from journeyman.envs.actions import Action, TokenTurn
from journeyman.envs.observation import Observation
from journeyman.policies.batch import Sampling
from journeyman.policies.chat import ChatTemplate
from journeyman.policies.dialect import Dialect
from journeyman.policies.dialect import dialect as dialect_named
from journeyman.policies.local_settings import LocalSettings
from journeyman.policies.models import load_model, load_tokenizer
from journeyman.policies.policy import TokenLimit
from journeyman.policies.sampler import SamplerLane, open_sampler

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class LocalModel:
    """A model with its engine, from which any number of policies act at once.

    Args:
        max_batch: turns that are sampled at once; more wait. By default 32 on a CPU and 128 on a GPU.
    """

    def __init__(
        self,
        model: PreTrainedModel | None,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str,
        settings: LocalSettings | None = None,
        max_batch: int | None = None,
    ) -> None:
        self.name, self.settings = name, settings or LocalSettings()
        self.tokenizer, self.chat = tokenizer, ChatTemplate(tokenizer)
        self.dialect: Dialect = dialect_named(self.settings.dialect)
        on_gpu = model is None or model.device.type != "cpu"
        self.engine = open_sampler(
            model, tokenizer, self.settings, name=name, eos_id=self.chat.eos_id,
            max_batch=max_batch or (128 if on_gpu else 32),
        )  # fmt: skip

    @classmethod
    def load(cls, name: str, *, settings: LocalSettings | None = None, max_batch: int | None = None) -> LocalModel:
        """Load by hub id, folder or built-in name.

        Raises:
            ModelError: it cannot be found or read.
        """
        by_vllm = settings is not None and settings.sampler.startswith("vllm")  # which loads the weights itself
        model, tokenizer = (None, load_tokenizer(name)) if by_vllm else load_model(name)
        return cls(model, tokenizer, name=name, settings=settings, max_batch=max_batch)

    def policy(self) -> LocalPolicy:
        return LocalPolicy(self)

    def close(self) -> None:
        self.engine.close()

    def __enter__(self) -> LocalModel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class LocalPolicy:
    """One episode's conversation with a local model. Every action carries its row of the token ledger."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self.name = f"local:{model.name}"
        self._seed = 0
        self._lane: SamplerLane | None = None
        self._last: TokenTurn | None = None
        self._past: list[int] = []
        self._tokens = 0

    def start(self, *, seed: int) -> None:
        self.close()
        self._seed, self._last, self._past, self._tokens = seed, None, [], 0

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`. It is read with the first turn, as text that somebody else wrote: never in the loss."""
        prompt = self._prompt(observation)
        answer = self._model.chat.answer(action.text or self._model.dialect.format(action))
        self._past += [*prompt, *answer]
        self._last = TokenTurn(tuple(prompt), tuple(answer), ())

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        dialect = self._model.dialect
        prompt = json.dumps([dialect.system(), *dialect.shots])
        return {
            "model": self._model.name,
            "sampler": self._model.engine.version,
            "settings": json.dumps(dataclasses.asdict(self._model.settings), sort_keys=True),
            "prompt": hashlib.sha256(prompt.encode()).hexdigest()[:16],
        }

    def act(self, observation: Observation) -> Action:
        """Sample one turn and read it as a tool call.

        Raises:
            TokenLimit: the conversation reached its cap.
            PolicyError: sampling failed.
        """
        if self._lane is None:
            # An evaluation plays all its tasks with one seed; their first words tell their random numbers apart.
            seed = zlib.crc32(f"{self._seed}\n{observation.text}".encode())
            self._lane = self._model.engine.open_lane(seed)
        prompt = [*self._past, *self._prompt(observation)]
        self._past = []
        room = self._model.settings.max_episode_tokens - self._tokens - len(prompt)
        if room < 1:
            raise TokenLimit(f"the conversation reached its cap of {self._model.settings.max_episode_tokens} tokens")
        sampling = Sampling(self._model.settings.temperature, min(self._model.settings.max_turn_tokens, room))
        turn = self._lane.generate(prompt, sampling)
        self._tokens += len(turn.prompt_ids) + len(turn.sampled_ids)
        text = str(self._model.tokenizer.decode(list(turn.sampled_ids), skip_special_tokens=True))
        self._last = turn
        return dataclasses.replace(self._model.dialect.parse(text), tokens=turn)

    def close(self) -> None:
        """Give the conversation's memory back."""
        if self._lane is not None:
            self._lane.close()
            self._lane = None

    def _prompt(self, observation: Observation) -> list[int]:
        message = self._model.dialect.render(observation)
        if self._last is None:
            dialect = self._model.dialect
            return self._model.chat.opening(dialect.system(), message, dialect.shots)
        # A turn that was cut off lacks the end token; the environment adds it, so it is never trained on.
        closing = [self._model.chat.eos_id] if self._last.truncated else []
        return [*closing, *self._model.chat.reply(message)]
