"""What vLLM says and takes, as far as we use it, over a small model of transformers: as a module and as a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

VERSION = "0.31.0"


class StandIn:
    """Samples one turn as vLLM is asked to."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def complete(self, ids: list[int], params: dict[str, Any]) -> tuple[list[int], list[float]]:
        assert params["ignore_eos"] and params["logprobs"] == 0
        assert (params["top_p"], params["top_k"], params["min_p"], params["repetition_penalty"]) == (1.0, 0, 0.0, 1.0)
        generator = torch.Generator().manual_seed(params["seed"])
        sampled: list[int] = []
        logprobs: list[float] = []
        while len(sampled) < params["max_tokens"] and not {*sampled} & {*params["stop_token_ids"]}:
            with torch.no_grad():
                logits = self.model(torch.tensor([[*ids, *sampled]])).logits[0, -1].float()
            logprobs_V = torch.log_softmax(logits / (params["temperature"] or 1.0), dim=-1)
            chosen = torch.multinomial(logprobs_V.exp(), 1, generator=generator) if params["temperature"] else None
            sampled.append(int(logprobs_V.argmax() if chosen is None else chosen))
            logprobs.append(float(logprobs_V[sampled[-1]]))
        return sampled, logprobs


class Module(ModuleType):
    """The module `vllm`: one step of its engine ends one request."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__("vllm")
        self.__version__ = VERSION
        self.made: list[dict[str, Any]] = []
        self.waiting: dict[str, tuple[list[int], dict[str, Any]]] = {}
        self.most_waiting = self.resets = 0
        self.aborted: list[str] = []
        self.loaded: dict[str, torch.Tensor] = {}
        self.fails = False
        self._stand_in = stand_in
        self.SamplingParams, self.LLM = self._params, self._llm

    def _params(self, **params: Any) -> dict[str, Any]:
        assert params.pop("detokenize") is False
        return params

    def _llm(self, **settings: Any) -> Any:
        self.made.append(settings)
        inner = SimpleNamespace(load_weights=lambda pairs: self.loaded.update(pairs))
        worker = SimpleNamespace(model_runner=SimpleNamespace(model=inner))
        engine = SimpleNamespace(
            add_request=self._add, step=self._step, abort_request=self.aborted.extend,
            model_executor=SimpleNamespace(driver_worker=worker),
        )  # fmt: skip
        return SimpleNamespace(llm_engine=engine, reset_prefix_cache=self._reset)

    def _add(self, name: str, prompt: dict[str, list[int]], params: dict[str, Any]) -> None:
        assert name not in self.waiting
        self.waiting[name] = (prompt["prompt_token_ids"], params)
        self.most_waiting = max(self.most_waiting, len(self.waiting))

    def _step(self) -> list[Any]:
        if self.fails:
            self.waiting.clear()
            raise RuntimeError("the GPU is gone")
        name = next(iter(self.waiting))
        ids, logprobs = self._stand_in.complete(*self.waiting.pop(name))
        at = [{id_: SimpleNamespace(logprob=logprob)} for id_, logprob in zip(ids, logprobs, strict=True)]
        on_the_way = [SimpleNamespace(request_id=other, finished=False) for other in self.waiting]
        done = SimpleNamespace(
            request_id=name, finished=True, outputs=[SimpleNamespace(token_ids=ids, logprobs=at)]
        )  # fmt: skip
        return [*on_the_way, done]

    def _reset(self) -> None:
        self.resets += 1


@dataclass
class Served:
    """A server that runs."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of the completions that were asked for."""
    answer: Any = None
    """What is said in the place of a choice; a number is a status."""
    logprobs_mode: str | None = "processed_logprobs"
    """None: not in development mode."""
    dtype: str = "torch.float32"


@contextmanager
def served(stand_in: StandIn) -> Iterator[Served]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            config = {"vllm_config": {"model_config": {"logprobs_mode": server.logprobs_mode, "dtype": server.dtype}}}
            said = {"/v1/models": {"data": [{"id": "coder"}]}, "/version": {"version": VERSION}}
            if server.logprobs_mode:
                said["/server_info?config_format=json"] = config
            self._say(200 if self.path in said else 404, said.get(self.path, {"detail": "Not Found"}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v1/completions" and body["model"] == "coder" and body["return_token_ids"]
            server.asked.append(body)
            if isinstance(server.answer, int):
                self._say(server.answer, {"error": {"message": "no room"}})
                return
            ids, logprobs = stand_in.complete(body["prompt"], body)
            choice = {"prompt_token_ids": body["prompt"], "token_ids": ids, "logprobs": {"token_logprobs": logprobs}}
            self._say(200, {"choices": [choice if server.answer is None else {**choice, **server.answer}]})

        def _say(self, status: int, answer: Any) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Served(f"http://127.0.0.1:{http.server_address[1]}")
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
