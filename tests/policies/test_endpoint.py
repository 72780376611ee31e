"""An endpoint is spoken to over real HTTP: its answers become actions, its failures one clear error."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from journeyman.envs.actions import MALFORMED
from journeyman.envs.observation import Observation
from journeyman.policies.dialect import dialect
from journeyman.policies.endpoint import EndpointPolicy, EndpointSettings
from journeyman.policies.policy import PolicyError, TokenLimit


class Server:
    """Answers each request with the next of `answers`: (status, body, headers). The last one is repeated."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.path, dict(self.headers), body))
                status, answer, headers = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def says(self, *contents: str) -> None:
        self.answers = [(200, {"choices": [{"message": {"content": content}}]}, {}) for content in contents]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def policy(server: Server) -> Iterator[EndpointPolicy]:
    policy = EndpointPolicy(server.url + "/", "coder", EndpointSettings(backoff_s=0.01, attempts=3, timeout_s=5))
    policy.start(seed=7)
    yield policy
    policy.close()


def _see(text: str) -> Observation:
    return Observation(text)


def test_a_conversation_grows_turn_by_turn(
    server: Server, policy: EndpointPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNEYMAN_API_KEY", "secret")
    server.says('{"tool": "view", "path": "a.py"}', '```json\n{"tool": "test"}\n```')
    assert policy.act(_see("Fix it.")).arguments == {"path": "a.py"}
    assert policy.act(_see("1|x = 1")).tool == "test"
    path, headers, body = server.requests[-1]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (body["model"], body["seed"], body["temperature"], body["max_tokens"]) == ("coder", 7, 0.0, 1024)
    system, *turns = body["messages"]
    turns = turns[2 * len(dialect("json").shots) :]
    assert [m["role"] for m in (system, *turns)] == ["system", "user", "assistant", "user"]
    assert turns[0]["content"] == "Fix it."


def test_a_new_episode_forgets_the_last(server: Server, policy: EndpointPolicy) -> None:
    server.says('{"tool": "test"}')
    policy.act(_see("the first task"))
    policy.close()
    policy.start(seed=8)
    policy.act(_see("the second task"))
    assert "the first task" not in json.dumps(server.requests[-1][2])


def test_a_long_conversation_keeps_its_beginning_and_its_end(server: Server) -> None:
    spoken = dialect("json")
    head = len(spoken.system()) + sum(len(text) for shot in spoken.shots for text in shot)
    settings = EndpointSettings(max_context_chars=head + 400)
    policy = EndpointPolicy(server.url, "coder", settings)
    policy.start(seed=0)
    server.says('{"tool": "test"}')
    for turn in range(8):
        policy.act(_see(f"turn {turn} " + "x" * 100))
    policy.close()
    messages = server.requests[-1][2]["messages"]
    seen = [m["content"].split(" x")[0] for m in messages if m["role"] == "user"][len(spoken.shots) :]
    assert seen[0] == "turn 0" and seen[-1] == "turn 7" and len(seen) < 5
    assert all(a["role"] != b["role"] for a, b in itertools.pairwise(messages))


@pytest.mark.parametrize("content", ["I would look at the tests.", "", None, "half a pair \ud800"])
def test_garbage_is_a_malformed_action(server: Server, policy: EndpointPolicy, content: str | None) -> None:
    server.answers = [(200, {"choices": [{"message": {"content": content}}]}, {})]
    action = policy.act(_see("Fix it."))
    assert action.tool == MALFORMED
    action.text.encode("utf-8")


def test_an_overloaded_server_is_asked_again(server: Server, policy: EndpointPolicy) -> None:
    good = {"choices": [{"message": {"content": '{"tool": "test"}'}}]}
    server.answers = [(503, {}, {}), (429, {}, {"Retry-After": "0"}), (200, good, {})]
    assert policy.act(_see("Fix it.")).tool == "test"
    assert len(server.requests) == 3


def test_a_server_that_stays_overloaded_is_given_up(server: Server, policy: EndpointPolicy) -> None:
    server.answers = [(500, {"error": "out of memory"}, {})]
    with pytest.raises(PolicyError, match=r"no answer in 3 attempts.*HTTP 500.*out of memory"):
        policy.act(_see("Fix it."))
    assert len(server.requests) == 3


def test_a_refusal_is_not_repeated(server: Server, policy: EndpointPolicy) -> None:
    server.answers = [(401, {"error": "no key"}, {})]
    with pytest.raises(PolicyError, match=r"refuses: HTTP 401.*no key"):
        policy.act(_see("Fix it."))
    assert len(server.requests) == 1


FULL: list[tuple[int, dict[str, Any]]] = [
    (400, {"message": "Please reduce the length of the messages.", "code": "context_length_exceeded"}),
    (400, {"message": "This model's maximum context length is 2048 tokens. However, you requested 2310 tokens"}),
    (400, {"message": "Input is too long", "type": "exceed_context_size_error", "n_ctx": 256}),
    (400, {"message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."}),
    (413, {"message": "prompt is too long: 208310 tokens > 200000 maximum"}),
]


@pytest.mark.parametrize("status,error", FULL)
def test_a_full_context_is_a_token_limit(
    server: Server, policy: EndpointPolicy, status: int, error: dict[str, Any]
) -> None:
    server.answers = [(status, {"error": error}, {})]
    with pytest.raises(TokenLimit, match=f"longer than the model behind .* reads: HTTP {status}"):
        policy.act(_see("Fix it."))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "status,said",
    [
        (400, "unknown model"),
        (413, "tokens per minute: limit 6000, requested 9000"),
        (401, "no context window for you"),
    ],
)
def test_other_refusals_are_none(server: Server, policy: EndpointPolicy, status: int, said: str) -> None:
    server.answers = [(status, {"error": {"message": said}}, {})]
    with pytest.raises(PolicyError, match=f"refuses: HTTP {status}.*{said}") as raised:
        policy.act(_see("Fix it."))
    assert not isinstance(raised.value, TokenLimit)


@pytest.mark.parametrize("answer", [b"<html>", {}, {"choices": []}, [1]])
def test_a_server_of_another_kind_is_told(server: Server, policy: EndpointPolicy, answer: Any) -> None:
    server.answers = [(200, answer, {})]
    with pytest.raises(PolicyError, match="does not answer as a chat endpoint"):
        policy.act(_see("Fix it."))


def test_an_answer_that_cannot_be_unpacked_is_asked_for_again(server: Server, policy: EndpointPolicy) -> None:
    good = {"choices": [{"message": {"content": '{"tool": "test"}'}}]}
    server.answers = [(200, b"no gzip", {"Content-Encoding": "gzip"}), (200, good, {})]
    assert policy.act(_see("Fix it.")).tool == "test"
    server.answers = [(200, b"no gzip", {"Content-Encoding": "gzip"})]
    with pytest.raises(PolicyError, match="no answer in 3 attempts; the last: DecodingError"):
        policy.act(_see("Fix it."))


@pytest.mark.parametrize("url", ["ftp://localhost/v1", "http://localhost:80a0/v1", "http://[::1/v1", "http://a\0b/v1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"an endpoint needs an http\(s\) address"):
        EndpointPolicy(url, "coder")


def test_an_endpoint_that_is_down_is_a_policy_error(server: Server) -> None:
    settings = EndpointSettings(backoff_s=0, attempts=2)
    policy = EndpointPolicy("http://127.0.0.1:9/v1", "coder", settings)  # the discard port: nothing listens
    policy.start(seed=0)
    with pytest.raises(PolicyError, match="no answer in 2 attempts; the last: ConnectError"):
        policy.act(_see("Fix it."))
    policy.close()
