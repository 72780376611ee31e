"""A stream between two commands in two sandboxes, on every backend."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from journeyman.sandbox.link import link
from journeyman.sandbox.sandbox import Completed

from .conftest import MakeSandbox

ECHO = "cat <&3 >&4"


def run_both(make: MakeSandbox, one: str, other: str, *, timeouts: tuple[float, float] = (20, 20)) -> list[Completed]:
    ends = link()
    sandboxes = make(), make()
    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(sandbox.run, command, timeout_s=timeout, link=end)
            for sandbox, command, timeout, end in zip(sandboxes, (one, other), timeouts, ends, strict=True)
        ]
        done = [each.result() for each in running]
    assert all(sandbox.run("echo alive", timeout_s=20).text == "alive\n" for sandbox in sandboxes)
    return done


def test_what_one_writes_the_other_reads(make: MakeSandbox) -> None:
    echo, said = run_both(make, ECHO, "echo hello >&4; exec 4>&-; cat <&3")
    assert (echo.exit_code, said.text) == (0, "hello\n")


def test_much_in_both_directions_at_once_stands_still_nowhere(make: MakeSandbox) -> None:
    size = 3_000_000
    _, counted = run_both(make, ECHO, f"(head -c {size} /dev/zero >&4) & exec 4>&-; cat <&3 | wc -c")
    assert int(counted.text) == size


def test_the_end_of_one_command_is_the_end_of_the_others_input(make: MakeSandbox) -> None:
    died, waited = run_both(make, "exit 3", "cat <&3; echo over")
    assert (died.exit_code, waited.text) == (3, "over\n")


def test_one_that_reads_nothing_does_not_hold_the_other_longer_than_it_lives(make: MakeSandbox) -> None:
    started = time.monotonic()
    idle, writer = run_both(make, "sleep 60", "head -c 3000000 /dev/zero >&4; echo through", timeouts=(1.5, 30))
    assert idle.timed_out
    assert writer.text.endswith("through\n")
    assert time.monotonic() - started < 20


def test_nobody_at_the_other_end_costs_its_own_time_only(make: MakeSandbox) -> None:
    end, _ = link()
    done = make().run("cat <&3", timeout_s=0.5, link=end)
    assert done.timed_out


def test_a_command_without_a_link_has_no_such_descriptors(make: MakeSandbox) -> None:
    assert make().run("ls /proc/self/fd | sort -n | tail -1", timeout_s=20).text.strip() in ("2", "3")  # 3 is ls's own
