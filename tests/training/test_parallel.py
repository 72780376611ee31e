"""Several at once: results in order, told as they come, and one failure ends the rest."""

from __future__ import annotations

import threading

import pytest

from journeyman.training.parallel import each_of


def test_results_come_in_the_order_of_the_items() -> None:
    gates = [threading.Event() for _ in range(3)]
    told: list[int] = []

    def work(number: int, stop: threading.Event) -> int:
        if number:
            gates[number - 1].set()  # the first waits for the last
        assert all(gate.wait(60) for gate in gates[number:2])
        return 10 * number

    assert each_of(range(3), work, concurrency=3, on_done=told.append) == [0, 10, 20]
    assert sorted(told) == [0, 10, 20]
    assert each_of([], work, concurrency=1, on_done=told.append) == []


def test_one_that_fails_ends_those_that_run_and_those_that_wait() -> None:
    begun: list[int] = []

    def work(number: int, stop: threading.Event) -> None:
        begun.append(number)
        if number == 0:
            raise OSError("the disk is full")
        assert stop.wait(60)

    with pytest.raises(OSError, match="the disk is full"):
        each_of(range(9), work, concurrency=2, on_done=lambda result: None)
    assert len(begun) <= 3, "those that waited never began"
