"""Attacks on a sandbox: commands by which a policy may try to get out, to stay alive, or to take more than its share.

What `case.toml` says of an attack:

    why        what it is after
    timeout_s  the command's wall clock, in seconds (default 20)
    ends       how the command must end: "itself", "time", or "either" (default: "itself")
    says       words that its output must hold: that it tried (default: "tried")
    then       a second command, which must print nothing: what would show that something stayed
    reads      paths that are then asked for; each must be answered or refused at once
    needs      "group" where it holds only with a memory limit over the whole sandbox (see docs/security.md)

What holds of every attack: the command ends in time and prints no more than was asked for, nothing that it started is
alive, it reached nothing (its script prints LANDED where it did) and saw nothing of the host, and the sandbox goes on
answering.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from journeyman.sandbox.sandbox import Sandbox, SandboxFactory, SandboxPathError

from .hostile import SLACK_S, Host, expect, folders, opened, run_script

MAX_OUTPUT = 10_000
ANSWER_S = 5.0
"""How long a trivial request may take afterwards, in seconds, on top of the slack."""


@dataclass(frozen=True)
class Attack:
    """One attack and what must hold of it."""

    script: Path
    why: str
    timeout_s: float = 20.0
    ends: str = "itself"
    says: tuple[str, ...] = ("tried",)
    then: str = ""
    reads: tuple[str, ...] = ()
    needs: str = ""

    @property
    def name(self) -> str:
        return self.script.parent.name


def attacks() -> list[Attack]:
    """Every attack of the battery, by name."""
    return [Attack(script, **about) for script, about in folders("attacks")]


def is_promised(attack: Attack, sandbox: Sandbox) -> bool:
    """Whether the backend promises here what the attack tries."""
    return attack.needs != "group" or "per process" not in getattr(sandbox, "facts", {}).get("memory limit", "")


def try_attack(attack: Attack, factory: SandboxFactory, host: Host) -> bool:
    """Make the attack in a sandbox; says whether it was made, which it is not where nothing is promised against it.

    Raises:
        Landed: something that must hold did not.
    """
    with opened(factory) as (sandbox, commands):
        if not is_promised(attack, sandbox):
            return False
        start = time.monotonic()
        done = run_script(attack.script, sandbox, host, timeout_s=attack.timeout_s, max_output_bytes=MAX_OUTPUT)
        took = time.monotonic() - start
        left = commands()
        expect(took < attack.timeout_s + SLACK_S, f"the command took {took:.1f} s")
        expect(not left, f"{len(left)} processes outlived the command")
        expect(len(done.output) < MAX_OUTPUT + 100, f"it printed {len(done.output)} bytes")
        expect("LANDED" not in done.text, done.text[-500:])
        host.expect_unseen(done.output, "the output")
        expect(attack.ends == "either" or done.timed_out is (attack.ends == "time"), f"timed out: {done.timed_out}")
        expect(all(word in done.text for word in attack.says), f"it did not try: {done.text[-500:]}")
        _expect_answers(attack, sandbox)
    host.expect_unharmed()
    return True


def _expect_answers(attack: Attack, sandbox: Sandbox) -> None:
    start = time.monotonic()
    for path in attack.reads:
        try:
            sandbox.read(path)
        except SandboxPathError:
            continue
    expect(sandbox.run("echo alive", timeout_s=ANSWER_S + SLACK_S).text == "alive\n", "the next command failed")
    sandbox.snapshot()
    expect(time.monotonic() - start < ANSWER_S + SLACK_S, "the sandbox became slow")
    if attack.then:
        stayed = sandbox.run(attack.then, timeout_s=ANSWER_S + SLACK_S).text
        expect(stayed == "", f"something stayed: {stayed[-500:]}")
