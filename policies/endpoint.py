"""A model behind an OpenAI-compatible chat endpoint (vLLM, llama.cpp, Ollama, a provider) as a policy."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from journeyman.envs.actions import Action
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import dialect
from journeyman.policies.policy import PolicyError, TokenLimit

_MAX_WAIT_S = 60.0
"""Longest pause before a retry, whatever the server asks for."""
_OVERLOADED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_TOO_LARGE = frozenset({400, 413})
_FULL = (
    "context_length_exceeded", "maximum context length", "context window",  # OpenAI, and many that speak as it does
    "longer than the maximum model length",  # vLLM
    "exceed_context_size_error", "available context size",  # llama.cpp
    "the model's context length",  # SGLang
    "prompt is too long",  # Anthropic
)  # fmt: skip
"""What servers say, in small letters, of a conversation that is longer than their model reads. There is no standard."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """How an endpoint is spoken to."""

    dialect: str = "json"
    temperature: float = 0.0
    max_tokens: int = 1024
    """Cap of one answer, in tokens."""
    max_context_chars: int = 60_000
    """Longest conversation that is sent, in characters; the oldest turns after the problem statement are left out."""
    timeout_s: float = 120.0
    """Wall clock for one answer, in seconds."""
    attempts: int = 5
    """How often one request is made before the policy gives up."""
    backoff_s: float = 1.0
    """Pause before the first retry, in seconds; it doubles each time. A server's Retry-After goes first."""
    api_key_env: str = "JOURNEYMAN_API_KEY"
    """Environment variable with the key; none is sent when it is not set."""


class EndpointPolicy:
    """Keeps one conversation for each episode; everything is sent anew each turn."""

    def __init__(self, base_url: str, model: str, settings: EndpointSettings | None = None) -> None:
        """
        Args:
            base_url: up to and without "/chat/completions", such as "http://localhost:8000/v1".

        Raises:
            ValueError: the address is not HTTP, no model is named, or there is no such dialect.
        """
        if not base_url.startswith(("http://", "https://")) or not model:
            raise ValueError(f"an endpoint needs an http(s) address and a model, not {base_url!r} and {model!r}")
        try:
            httpx.URL(base_url)
        except httpx.InvalidURL as error:
            raise ValueError(f"an endpoint needs an http(s) address, not {base_url!r}: {error}") from error
        self.name = f"endpoint:{model}"
        self._url, self._model = base_url.rstrip("/") + "/chat/completions", model
        self._settings = settings or EndpointSettings()
        self._dialect = dialect(self._settings.dialect)
        self._client: httpx.Client | None = None
        self._seed = 0
        self._turns: list[dict[str, str]] = []

    def start(self, *, seed: int) -> None:
        self._seed, self._turns = seed, []

    def remember(self, observation: Observation, action: Action) -> None:
        """See `Remembering`."""
        answer = action.text or self._dialect.format(action)
        self._turns.append({"role": "user", "content": self._dialect.render(observation)})
        self._turns.append({"role": "assistant", "content": answer})

    def versions(self) -> dict[str, str]:
        """See `Versioned`."""
        return {
            "model": self._model,
            "settings": json.dumps(asdict(self._settings), sort_keys=True),
            "prompt": hashlib.sha256(self._dialect.system().encode()).hexdigest()[:16],
        }

    def act(self, observation: Observation) -> Action:
        """Send the conversation and read the answer.

        Raises:
            TokenLimit: the conversation is longer than the model reads.
            PolicyError: the endpoint cannot be reached, refuses, or does not speak the protocol.
        """
        self._turns.append({"role": "user", "content": self._dialect.render(observation)})
        answer = self._ask()
        self._turns.append({"role": "assistant", "content": answer})
        return self._dialect.parse(answer)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask(self) -> str:
        settings = self._settings
        body = {
            "model": self._model,
            "messages": self._messages(),
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "seed": self._seed,
        }
        for attempt in range(1, settings.attempts + 1):
            wait = settings.backoff_s * 2 ** (attempt - 1)
            try:
                response = self._open().post(self._url, json=body)
            except httpx.HTTPError as error:  # nobody there, cut off, or an answer that cannot be unpacked
                problem = f"{type(error).__name__}: {error}"
            else:
                if response.is_success:
                    return self._content(response)
                problem = f"HTTP {response.status_code}: {response.text[:300]}"
                if _is_full(response):
                    raise TokenLimit(f"the conversation is longer than the model behind {self._url} reads: {problem}")
                if response.status_code not in _OVERLOADED:
                    raise PolicyError(f"{self._url} refuses: {problem}")
                wait = _retry_after(response, wait)
            if attempt < settings.attempts:
                time.sleep(min(wait, _MAX_WAIT_S))
        raise PolicyError(f"{self._url} gave no answer in {settings.attempts} attempts; the last: {problem}")

    def _open(self) -> httpx.Client:
        if self._client is None:
            key = os.environ.get(self._settings.api_key_env)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            self._client = httpx.Client(headers=headers, timeout=self._settings.timeout_s)
        return self._client

    def _messages(self) -> list[dict[str, str]]:
        """System prompt, the dialect's shots, problem statement, and as many of the last turns as fit."""
        shots = [
            {"role": role, "content": content}
            for shot in self._dialect.shots
            for role, content in zip(("user", "assistant"), shot, strict=True)
        ]
        first, *rest = self._turns
        head = [{"role": "system", "content": self._dialect.system()}, *shots, first]
        room = self._settings.max_context_chars - sum(len(turn["content"]) for turn in head)
        # Turns go in pairs (an answer and what it brought about), so that the roles keep alternating.
        while len(rest) > 2 and sum(len(turn["content"]) for turn in rest) > room:
            del rest[:2]
        return [*head, *rest]

    def _content(self, response: httpx.Response) -> str:
        try:
            data: Any = response.json()
            content = data["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError) as error:
            raise PolicyError(f"{self._url} does not answer as a chat endpoint: {response.text[:300]}") from error
        # Half a surrogate pair can stand in JSON but in no file.
        return str(content or "").encode("utf-8", "replace").decode()


def _is_full(response: httpx.Response) -> bool:
    """Whether a refusal is about the conversation's length. By the words, since both codes mean other things too."""
    said = response.text.lower()
    return response.status_code in _TOO_LARGE and any(words in said for words in _FULL)


def _retry_after(response: httpx.Response, default: float) -> float:
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):  # absent, or a date
        return default
