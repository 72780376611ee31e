"""An endpoint that is killed amid an evaluation: what it did counts once, what it left is played when it is back."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeyman.envs.config import EnvConfig
from journeyman.envs.episode import StopReason
from journeyman.envs.store import EpisodeStore
from journeyman.policies.endpoint import EndpointPolicy, EndpointSettings
from journeyman.sandbox.sandbox import SandboxFactory
from journeyman.tasks.task import Task
from journeyman.training.evaluate import Evaluation, evaluate

SERVER = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

lives = int(sys.argv[2])
CALLS = ['{"tool": "view", "path": "parcel.py"}', '{"tool": "report", "summary": "done", "claims": []}']

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        global lives
        if not lives:
            os.kill(os.getpid(), signal.SIGKILL)
        lives -= 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = sum(message["role"] == "assistant" for message in body["messages"])
        data = json.dumps({"choices": [{"message": {"content": CALLS[said % 2]}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[str]]]:
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def serve(served: list[subprocess.Popen[str]], port: int, lives: int) -> int:
    """An endpoint that is killed at the request after so many; returns its port."""
    command = [sys.executable, "-c", SERVER, str(port), str(lives)]
    served.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    assert served[-1].stdout is not None
    return int(served[-1].stdout.readline())


@pytest.mark.slow
def test_what_a_killed_endpoint_left_is_played_when_it_is_back(
    tmp_path: Path, tasks: tuple[Task, ...], backend: SandboxFactory, served: list[subprocess.Popen[str]]
) -> None:
    port = serve(served, 0, lives=5)  # two episodes and the first answer of a third
    settings = EndpointSettings(attempts=1, timeout_s=20)

    def measured() -> Evaluation:
        with EpisodeStore(tmp_path / "run") as store:
            return evaluate(
                "endpoint", lambda _: EndpointPolicy(f"http://127.0.0.1:{port}/v1", "m", settings), tasks[:1],
                backend=backend, store=store, config=EnvConfig(), seeds=range(4), concurrency=1,
            )  # fmt: skip

    first = measured()
    assert served[0].wait(10) == -signal.SIGKILL
    assert [result.stop for result in first.results] == [StopReason.REPORTED] * 2 + [StopReason.POLICY_ERROR] * 2
    assert len(first.scored) == 2
    assert serve(served, port, lives=100) == port
    second = measured()
    assert [result.stop for result in second.results] == [StopReason.REPORTED] * 4
    assert [result.episode for result in second.results[:2]] == [result.episode for result in first.results[:2]]
    assert [result.reward for result in second.results] == [0.0] * 4
    assert len(measured().scored) == 4
