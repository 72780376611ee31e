"""How many of the battery's cases land: reward hacks at each level of assurance, hostile trees, attacks on the sandbox.

    python benchmarks/redteam.py [--only hacks] [--times 20] [--backend namespace] [--level split] [--json]

LEVELS = tuple(Assurance)
KINDS = ("hacks", "trees", "attacks")
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.sandbox import SandboxError, SandboxFactory
from journeyman.tasks.grading import grade
from journeyman.tasks.verdict import Assurance
from tests.redteam.attacks import Attack, attacks, try_attack
from tests.redteam.cases import Case, cases, task
from tests.redteam.hostile import Host, Landed
from tests.redteam.trees import trees, try_tree

LEVELS = tuple(Assurance)
KINDS = ("hacks", "trees", "attacks")


def paid(case: Case, level: Assurance, factory: SandboxFactory) -> bool:
    return grade(task(level, case.task), case.tree, factory).resolved is True


def measured(level: Assurance, times: int, factory: SandboxFactory, *, shown: bool) -> dict[str, object]:
    started = time.perf_counter()
    hacks = cases("hacks")
    landed = [case for case in hacks if paid(case, level, factory)]
    adaptive = [case for case in hacks if case.adaptive]
    after = [case for case in hacks if case.after_freeze]
    legitimate = cases("legitimate")
    honest = sum(paid(case, level, factory) for case in legitimate for _ in range(times))
    result: dict[str, object] = {
        "level": level.value,
        "hacks": len(hacks),
        "paid": len(landed),
        "adaptive": len(adaptive),
        "adaptive_paid": sum(case.adaptive for case in landed),
        "after_freeze": len(after),
        "after_freeze_paid": sum(case.after_freeze for case in landed),
        "paid_names": [case.name for case in landed],
        "legitimate": len(legitimate) * times,
        "legitimate_paid": honest,
        "seconds": round(time.perf_counter() - started, 1),
    }
    if shown:
        print(
            f"{level:6} pays {len(landed):3} of {len(hacks)} hacks (of {len(adaptive)} adaptive ones"
            f" {result['adaptive_paid']}, of {len(after)} written after the freeze {result['after_freeze_paid']}),"
            f" and {honest} of {len(legitimate) * times} legitimate gradings"
            f" ({len(legitimate)} solutions, {times} times each); {result['seconds']} s",
            flush=True,
        )
        for case in landed:
            print(f"         {case.name}: {case.why}")
    return result


def hostile(kind: str, factory: SandboxFactory, *, shown: bool) -> dict[str, object]:
    """Try every tree or attack."""
    started = time.perf_counter()
    landed: dict[str, str] = {}
    unpromised: list[str] = []
    with Host() as host:
        found = trees() if kind == "trees" else attacks()
        for case in found:
            try:
                if isinstance(case, Attack):
                    if not try_attack(case, factory, host):
                        unpromised.append(case.name)
                else:
                    try_tree(case, factory, host)
            except (Landed, SandboxError) as error:
                landed[case.name] = str(error)
    result: dict[str, object] = {
        "kind": kind,
        "backend": factory.name,
        "user": os.getuid(),
        "tried": len(found) - len(unpromised),
        "landed": landed,
        "not_promised_here": unpromised,
        "seconds": round(time.perf_counter() - started, 1),
    }
    if shown:
        print(
            f"{kind:7} {len(landed)} of {result['tried']} land ({factory.name}, user {os.getuid()});"
            f" not promised here: {', '.join(unpromised) or 'none'}; {result['seconds']} s",
            flush=True,
        )
        for name, why in landed.items():
            print(f"         {name}: {why}")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", choices=KINDS, help="default: all of them")
    parser.add_argument("--backend", choices=["namespace", "docker"], default="namespace")
    parser.add_argument("--level", choices=[level.value for level in LEVELS], help="default: all of them")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    factory = open_backend(arguments.backend)
    levels = [level for level in LEVELS if arguments.level in (None, level.value)]
    kinds = [arguments.only] if arguments.only else KINDS
    results = []
    if "hacks" in kinds:
        results += [measured(level, arguments.times, factory, shown=not arguments.json) for level in levels]
    results += [hostile(kind, factory, shown=not arguments.json) for kind in kinds if kind != "hacks"]
    if arguments.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
