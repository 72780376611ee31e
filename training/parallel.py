"""The same work on many things, several at once, for what is more than one episode a thing (else `rollout_many`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each_of(
    items: Sequence[T],
    work: Callable[[T, threading.Event], R],
    *,
    concurrency: int,
    on_done: Callable[[R], None],
) -> list[R]:
    """What `work` makes of each item, in the items' order.

    Args:
        work: told besides when to stop: the event is set once another one has raised, or at Ctrl-C.
        on_done: told each result as it comes, one call at a time, in the caller's thread.

    Raises:
        Exception: the first that `work` raised, once those that were running have ended; the others never began.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="lesson") as threads:
        futures = [threads.submit(work, item, stop) for item in items]
        try:
            for future in as_completed(futures):
                on_done(future.result())
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            stop.set()
            raise
    return [future.result() for future in futures]
