"""Policies by name, as users write them.

noop                      reports at once
random                    random calls, and some garbage
oracle                    plays the reference solution; where the task cannot be done, the honest block
mistaken                  goes wrong first, then plays it
misreading                asks for a wrong name first, then plays it
blocked                   looks for what is missing, and reports that it cannot be done
pretending                looks once, and reports success whatever it saw
oracle+PERSONA, mistaken+PERSONA, misreading+PERSONA  the same, told in a persona's manner: terse-senior, patient-mentor
human                     asks at the terminal
endpoint:URL#MODEL        an OpenAI-compatible endpoint, such as endpoint:http://localhost:8000/v1#qwen
local:MODEL[@DIALECT][@SAMPLER]  a model on this machine: a hub id, a folder, or a built-in name; how it writes tool
                          calls (json, lines) and what samples (transformers, llamacpp, vllm, vllm:URL)
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from journeyman.policies.blocked import BlockedPolicy, PretendingPolicy, needs_a_look, oracle_class
from journeyman.policies.dialect import DIALECTS
from journeyman.policies.endpoint import EndpointPolicy, EndpointSettings
from journeyman.policies.human import HumanPolicy
from journeyman.policies.local_settings import SAMPLERS, LocalSettings
from journeyman.policies.misreading import MisreadingOraclePolicy
from journeyman.policies.persona import PERSONAS, PersonaPolicy
from journeyman.policies.policy import Policy
from journeyman.policies.scripted import NoOpPolicy, RandomPolicy
from journeyman.tasks.task import Task

if TYPE_CHECKING:
    from journeyman.policies.local import LocalModel

POLICIES = (
    "noop", "random", "oracle[+PERSONA]", "mistaken[+PERSONA]", "misreading[+PERSONA]", "blocked", "pretending",
    "human", "endpoint:URL#MODEL", "local:MODEL[@DIALECT][@SAMPLER]",
)  # fmt: skip

_T = TypeVar("_T")
_LOADING = threading.Lock()
"""Held while a model is loaded: two threads would load it twice, and transformers cannot load in two at once."""


def make_policy(spec: str, task: Task, **options: Any) -> Policy:
    """A policy for one task at a time. Only the scripted ones that know the task look at it.

    A local model is loaded once in a process, however many policies are made of it.

    Args:
        options: settings of that kind of policy: `with_test_first` (oracle, mistaken, misreading), `garbage_share` and
            `report_share` (random), the fields of `EndpointSettings` and `LocalSettings`.

    Raises:
        ValueError: no policy has that name, or it has no such option; the message lists what there is.
        PolicyError: it cannot be made: the task has no solution, the model cannot be loaded.
    """
    kind, _, rest = spec.partition(":")
    if kind == "endpoint" and rest:
        url, _, model = rest.rpartition("#")
        return EndpointPolicy(url, model, _made(spec, EndpointSettings, **options))
    if kind == "local" and rest:
        return _local(spec, rest, options)
    if spec in ("blocked", "pretending"):
        player: Callable[..., Policy] = BlockedPolicy if spec == "blocked" else PretendingPolicy
        return _made(spec, player, task, **options)
    played, _, persona = spec.partition("+")
    if played in ("oracle", "mistaken", "misreading") and (not persona or persona in PERSONAS):
        policy = _oracle(spec, task, played, options)
        return PersonaPolicy(policy, persona, task) if persona else policy
    plain: dict[str, Callable[..., Policy]] = {"noop": NoOpPolicy, "random": RandomPolicy, "human": HumanPolicy}
    if spec not in plain:
        raise ValueError(f"no policy {spec!r}; there are: {', '.join(POLICIES)}")
    return _made(spec, plain[spec], **options)


def _oracle(spec: str, task: Task, played: str, options: dict[str, Any]) -> Policy:
    if task.infeasible is not None:  # an honest block is its reference
        return BlockedPolicy(task)
    if played == "misreading" and not needs_a_look(task):
        return _made(spec, MisreadingOraclePolicy, task, **options)
    return _made(spec, oracle_class(task, mistaken=played == "mistaken"), task, **options)


def read_local(rest: str) -> tuple[str, dict[str, str]]:
    """What follows `local:`: the model, and the settings that are named after it."""
    found: dict[str, str] = {}
    while True:
        model, at, name = rest.rpartition("@")
        kind = "dialect" if name in DIALECTS else "sampler" if name in SAMPLERS or name.startswith("vllm:") else ""
        if not at or not kind:
            return rest, found
        rest, found = model, {kind: name, **found}


def _local(spec: str, rest: str, options: dict[str, Any]) -> Policy:
    model, named = read_local(rest)
    settings = _made(spec, LocalSettings, **{**options, **named})
    with _LOADING:
        return _local_model(model, settings).policy()


@cache
def _local_model(name: str, settings: LocalSettings) -> LocalModel:
    from journeyman.policies.local import LocalModel

    return LocalModel.load(name, settings=settings)


def _made(spec: str, make: Callable[..., _T], *args: Any, **options: Any) -> _T:
    try:
        inspect.signature(make).bind(*args, **options)
    except TypeError:
        known = list(inspect.signature(make).parameters)[len(args) :]
        raise ValueError(f"policy {spec}: options are {', '.join(known) or 'none'}, not {', '.join(options)}") from None
    return make(*args, **options)
