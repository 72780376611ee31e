"""The other side of `workers.py`: a process that holds environments. `python -m journeyman.envs.worker ADDRESS`

On standard input it gets a line of JSON, the key of whoever may call and where Python finds its modules; it ends when
that input does.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Listener
from typing import Any

from journeyman.envs.repo_env import RepoEnv

_forked: dict[int, RepoEnv] = {}
_numbers = itertools.count()
_open: set[RepoEnv] = set()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; our parent ends what it began
    told = json.loads(sys.stdin.buffer.readline())
    sys.path[:] = told["path"]
    with Listener(sys.argv[1], authkey=bytes.fromhex(told["key"])) as listener:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        print("ready", flush=True)
        while True:
            try:
                line = listener.accept()
            except (OSError, EOFError):  # a caller that was gone again
                continue
            threading.Thread(target=_serve, args=(line,), daemon=True).start()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    for env in list(_open):
        env.close()
    os._exit(0)


def _serve(line: Connection[Any, Any]) -> None:
    """Answer one caller until it hangs up."""
    held: list[RepoEnv] = []
    try:
        while True:
            what, about = line.recv()
            _answer(line, lambda what=what, about=about: _do(held, what, about))  # type: ignore[misc]
    except (EOFError, OSError):
        pass
    finally:
        for env in held:
            env.close()
            _open.discard(env)
        line.close()


def _do(held: list[RepoEnv], what: str, about: tuple[Any, ...]) -> Any:
    if what == "open":
        held.append(RepoEnv(*about))
        _open.add(held[-1])
        return None
    if what == "adopt":
        held.append(_forked.pop(*about))
        return None
    (env,) = held
    if what == "fork":
        number = next(_numbers)
        _forked[number] = env.fork()
        _open.add(_forked[number])
        return number
    if what == "reset":
        seed, options = about
        return env.reset(seed=seed, options=options)
    calls: dict[str, Callable[..., Any]] = {
        "step": env.step, "recall": env.recall, "conclude": env.conclude, "close": env.close,
    }  # fmt: skip
    return calls[what](*about)


def _answer(line: Connection[Any, Any], call: Callable[[], Any]) -> None:
    try:
        answer = (True, call())
    except Exception as error:
        answer = (False, error)
    try:
        line.send(answer)
    except (pickle.PicklingError, TypeError, AttributeError):  # an error that holds what cannot travel
        line.send((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))


if __name__ == "__main__":
    main()
