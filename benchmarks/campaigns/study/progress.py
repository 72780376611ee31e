"""A line now and then: this runs for hours, mostly unwatched."""

from __future__ import annotations

import time

from journeyman.training.progress import Progress


def said(title: str) -> Progress:
    last = 0.0

    def report(done: int, total: int, note: str = "") -> None:
        nonlocal last
        if done == total or time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} {title}: {done} of {total} {note}", flush=True)

    return report
