"""Sampling by a vLLM server; see `policies/vllm_engine.py`, also for what of it was never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from torch import distributed

from journeyman.envs.actions import TokenTurn
from journeyman.policies.batch import Turn
from journeyman.policies.engine import Lane, Lanes
from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError
from journeyman.policies.vllm_engine import VllmLane, answered, conversation, request
from journeyman.policies.weights import weight_forms, whole_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SERVE = (
    "VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --dtype bfloat16 --logprobs-mode processed_logprobs "
    """--weight-transfer-config '{"backend": "nccl"}'"""
)
"""How the server is to be started; without the last option it samples, but takes no new weights."""

_CONNECT_S, _TURN_S = 10.0, 600.0


class VllmServer(Lanes):
    """A vLLM server elsewhere, by its OpenAI-compatible API and token ids alone.

    Raises:
        ModelError: no vLLM server answers at the address.
    """

    def __init__(self, url: str, eos_id: int) -> None:
        """`url`: such as http://localhost:8000."""
        super().__init__(eos_id)
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=httpx.Timeout(_TURN_S, connect=_CONNECT_S))
        self._trl: Any = None
        try:
            self._model = self._client.get(f"{self.url}/v1/models").raise_for_status().json()["data"][0]["id"]
            self.version = f"vllm {self._client.get(f'{self.url}/version').raise_for_status().json()['version']}"
            config = self._model_config()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError) as error:
            self._client.close()
            why = str(error).partition("\n")[0]
            raise ModelError(f"no vLLM server answers at {url} ({why}); start one: {SERVE}") from error
        self._processed = config.get("logprobs_mode") == "processed_logprobs"
        self._rounds = str(config.get("dtype")).endswith("bfloat16")  # "torch.bfloat16"

    def submit(self, turn: Turn) -> TokenTurn:
        """Ask for a turn.

        Raises:
            PolicyError: the server cannot be reached, refuses, or answers with what cannot be trained on.
        """
        if turn.sampling.temperature not in (0.0, 1.0) and not self._processed:
            raise PolicyError(
                f"the vLLM server at {self.url} does not say that its log-probabilities are those after temperature; "
                f"start it so: {SERVE}"
            )
        prompt = conversation(turn)
        asked = {"model": self._model, "prompt": prompt, "return_token_ids": True, **request(turn, self.eos_id)}
        try:
            answer = self._client.post(f"{self.url}/v1/completions", json=asked)
            if answer.is_error:
                raise PolicyError(f"the vLLM server answered {answer.status_code}: {answer.text[:300]}")
            choice = answer.json()["choices"][0]
            if choice["prompt_token_ids"] != prompt:
                raise PolicyError("the vLLM server read other tokens than it was sent")
            answered(turn, self.eos_id, choice["token_ids"], choice["logprobs"]["token_logprobs"])
        except httpx.HTTPError as error:
            raise PolicyError(f"the vLLM server at {self.url} cannot be reached: {error}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise PolicyError(f"the vLLM server's answer has no token ids and log-probabilities: {error!r}") from error
        return turn.result(self.eos_id)

    def refresh(self, model: PreTrainedModel) -> None:
        """Send the server this model's weights. Of several processes that train it together all must call this: the
        first sends, and none goes on before it has.

        Raises:
            PolicyError: a conversation of ours is open, or the server takes no weights.
        """
        with self._between_conversations():
            try:
                self._send_weights(model)
            except Exception as error:  # TRL raises bare ones
                raise PolicyError(f"no new weights for {self.url}: {error}; start the server so: {SERVE}") from error

    def _send_weights(self, model: Any) -> None:
        together = distributed.is_available() and distributed.is_initialized()
        if together and distributed.get_rank() != 0:
            for _ in whole_weights(model, rounded=self._rounds):
                pass  # the first puts each together from parts that lie here
        else:
            self._stream(model)
        if together:
            distributed.barrier()

    def _stream(self, model: Any) -> None:
        # TRL's client, for it follows how vLLM's own weight transfer changes from version to version.
        from trl.generation.vllm_client import VLLMClient

        if self._trl is None:
            client = VLLMClient(base_url=self.url)
            client.init_communicator(device=model.device)
            self._trl = client
        formed = weight_forms(model, rounded=self._rounds)
        forms = [(name, str(dtype).removeprefix("torch."), shape) for name, dtype, shape in formed]
        self._trl.update_named_params(forms, whole_weights(model, rounded=self._rounds))
        self._trl.reset_prefix_cache()

    def close(self) -> None:
        """Idempotent."""
        if self._trl is not None:
            self._trl.close_communicator()
            self._trl = None
        self._client.close()

    def _lane(self, seed: int) -> Lane:
        return VllmLane(self, seed)

    def _model_config(self) -> dict[str, Any]:
        """What the server says of its model, in development mode only."""
        answer = self._client.get(f"{self.url}/server_info", params={"config_format": "json"})
        config = answer.json().get("vllm_config", {}) if answer.is_success else {}
        found = config.get("model_config") if isinstance(config, dict) else None
        return found if isinstance(found, dict) else {}
