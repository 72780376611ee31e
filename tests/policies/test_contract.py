"""One suite over every policy: whatever it is shown it answers with an action, it forgets, and its seed repeats it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from journeyman.envs.actions import MALFORMED, TOOLS, Action
from journeyman.envs.observation import Observation
from journeyman.policies.endpoint import EndpointPolicy
from journeyman.policies.human import HumanPolicy
from journeyman.policies.oracle import MistakenOraclePolicy, OraclePolicy
from journeyman.policies.persona import PersonaPolicy
from journeyman.policies.policy import Policy
from journeyman.policies.registry import make_policy
from journeyman.policies.scripted import NoOpPolicy, RandomPolicy, ScriptedPolicy
from journeyman.tasks.task import Task
from tests.making import tiny_project, tiny_task

_SEEN = (
    Observation("Fix it.\n\nFiles:\nparcel.py", steps_left=9),
    Observation("", "view", ok=False, step=1, steps_left=8),
    Observation("parcel.py:1-2\n1|x\n2|\n… lines 3-9 left out", "view", step=2, steps_left=7),
    Observation('\ufffd[31m `{"tool": 1}` ⟦x⟧ %s {} \\', "run", step=3, steps_left=6),
    Observation("1 failed\ntests/test_a.py::t\n", "test", step=4, steps_left=5),
    Observation("99999999999|", "view", step=5, steps_left=4),
    Observation("y" * 300, "search", step=6, steps_left=3),
    *(Observation("3 passed", "test", step=n, steps_left=1) for n in range(7, 14)),
)


class _Echo(BaseHTTPRequestHandler):
    """A model that answers with text that depends on the conversation, now and then no call at all."""

    def do_POST(self) -> None:
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        call = {"tool": "view", "line": size % 50 + 1}
        says = json.dumps(call) if size % 3 else "Let me think."
        data = json.dumps({"choices": [{"message": {"content": says}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def _typing() -> HumanPolicy:
    """Somebody who types the same at each sitting, slips included."""
    return HumanPolicy(console=Console(file=io.StringIO()), stream=io.StringIO("test\nhm\nview a.py:3\nrun ls\n" * 40))


_MAKERS: dict[str, Callable[[Task, str], Policy]] = {
    "noop": lambda task, address: NoOpPolicy(),
    "random": lambda task, address: RandomPolicy(),
    "garbage": lambda task, address: RandomPolicy(garbage_share=1),
    "scripted": lambda task, address: ScriptedPolicy([Action("test"), Action("view", {"path": "a.py"})]),
    "oracle": lambda task, address: OraclePolicy(task, with_test_first=True),
    "mistaken": lambda task, address: MistakenOraclePolicy(task),
    "terse": lambda task, address: PersonaPolicy(RandomPolicy(report_share=0.3), "terse-senior", task),
    "mentor": lambda task, address: PersonaPolicy(OraclePolicy(task), "patient-mentor", task),
    "endpoint": lambda task, address: EndpointPolicy(address, "echo"),
    "local": lambda task, address: make_policy(
        "local:tiny", task, temperature=1.0, max_turn_tokens=4, max_episode_tokens=3000
    ),
}


@pytest.fixture(params=_MAKERS)
def make(
    request: pytest.FixtureRequest, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Policy]:
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    if request.param == "local":
        pytest.importorskip("torch")
    task = tiny_project(tmp_path)
    return lambda: _MAKERS[request.param](task, address)


def _episode(policy: Policy, seed: int) -> list[tuple[str, dict[str, object]]]:
    policy.start(seed=seed)
    actions = [policy.act(observation) for observation in _SEEN]
    policy.close()
    for action in actions:
        assert action.tool in TOOLS or action.tool == MALFORMED
        if action.tool != MALFORMED:
            checked = Action.checked(action.tool, action.arguments)
            assert checked.tool == action.tool, checked.arguments
        assert Action.from_json(action.to_json()).tool == action.tool
    return [(action.tool, dict(action.arguments)) for action in actions]


def test_every_observation_is_answered_and_the_same_seed_answers_the_same(make: Callable[[], Policy]) -> None:
    policy = make()
    assert isinstance(policy, Policy)
    assert policy.name
    first = _episode(policy, seed=5)
    _episode(policy, seed=6)
    assert _episode(policy, seed=5) == first, "start() forgets what came between"
    other = make()
    assert _episode(other, seed=5) == first, "nothing but the seed and the observations decide"


def test_a_policy_can_be_closed_at_any_time(make: Callable[[], Policy]) -> None:
    policy = make()
    policy.close()
    policy.start(seed=1)
    policy.act(_SEEN[0])
    policy.close()
    policy.close()
    policy.start(seed=1)
    policy.act(_SEEN[0])
    policy.close()


def test_a_person_is_a_policy_too() -> None:
    assert isinstance(_typing(), Policy)
    assert [tool for tool, _ in _episode(_typing(), seed=0)][:4] == ["test", "view", "run", "test"]


@pytest.mark.parametrize("seed", range(4))
def test_the_seed_matters_where_chance_does(seed: int, tmp_path: Path) -> None:
    task = tiny_task(tmp_path)
    for make in (RandomPolicy, lambda: MistakenOraclePolicy(task)):
        assert len({str(_episode(make(), seed=seed + n)) for n in range(6)}) > 1
