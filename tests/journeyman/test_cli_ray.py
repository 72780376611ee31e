"""`--engine ray`: episodes on a cluster of real Ray nodes; whatever dies, each is recorded once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from journeyman.envs.store import EpisodeStore
from journeyman.envs.summary import State
from journeyman.tasks.harbor import save_task
from tests.journeyman.conftest import Call
from tests.making import tiny_project, tiny_task
from tests.processes import below, eventually, hears_ctrl_c

NODE = {"num_cpus": 1, "object_store_memory": 100 * 1024**2, "include_dashboard": False}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes on this machine, each with a raylet and an object store of its own."""
    utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed: pip install 'journeyman[scale]'")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    Path("/tmp/ray").mkdir(exist_ok=True)  # where Ray notes the head's address, whatever folder it is given
    with TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # Ray's socket paths are long
        nodes = utils.Cluster(initialize_head=True, head_node_args={**NODE, "temp_dir": folder})
        nodes.add_node(**NODE)
        yield nodes
        nodes.shutdown()


def raylet_of(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    return int(raylet.process.pid)


@contextmanager
def started(*words: object) -> Iterator[subprocess.Popen[str]]:
    """A command that runs, in a process group of its own as in a terminal."""
    command = [sys.executable, "-m", "journeyman", *map(str, words)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_node_that_dies_in_mid_run_costs_no_episode(cluster: Any, backend: str, tmp_path: Path) -> None:
    for task in (tiny_task(tmp_path / "a"), tiny_project(tmp_path / "b")):
        save_task(task, tmp_path / "tasks" / task.name)
    run = tmp_path / "run"
    words = ("run", tmp_path / "tasks", "--engine", "ray", "--ray-address", cluster.address, "--backend", backend)
    store = EpisodeStore(run)
    doomed = cluster.worker_nodes.copy().pop()
    with started(*words, "--episodes", 16, "--concurrency", 6, "--out", run, "--json") as command:
        assert eventually(lambda: sum(each.state is State.FINISHED for each in store.summaries()) >= 3, 120)
        assert eventually(lambda: frozen_in_play(doomed), 120), "a worker of this node has an episode at hand"
        signal_all(doomed, signal.SIGKILL)  # all at once, as if the power went
        out, err = command.communicate(timeout=300)
    assert command.returncode == 0, err
    assert err == "", "Ray keeps its words to itself"
    said = json.loads(out)
    assert said["engine"]["lost_workers"] >= 1
    wanted = {(task, seed): 1 for task in ("tiny-parcel", "tiny-times") for seed in range(16)}
    assert Counter((each["task"], each["seed"]) for each in said["episodes"]) == wanted
    kept = [episode for episode in store.episodes() if episode.stop != "interrupted"]
    assert Counter((each.task, each.seed) for each in kept) == wanted, "none lost, none doubled"
    assert {each.id for each in kept} == {each["id"] for each in said["episodes"]}
    assert all(each.resolved for each in kept) and not store.problems()
    assert all("worker was lost" in each.detail for each in store.episodes() if each.stop == "interrupted")


def signal_all(node: Any, number: signal.Signals) -> None:
    """To the node's raylet and all that it started."""
    for pid in (raylet_of(node), *below(raylet_of(node))):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def frozen_in_play(node: Any) -> bool:
    """Stop the whole node; if no worker of it had an episode at hand by then, let it go on.

    What is seen of a running node may be over before a signal arrives, so it is looked at while it stands still.
    """
    signal_all(node, signal.SIGSTOP)
    if plays(node):
        return True
    signal_all(node, signal.SIGCONT)
    return False


def plays(node: Any) -> bool:
    """Whether a worker of the node has an episode at hand: Ray shows a task's name as its process's."""
    for pid in below(raylet_of(node)):
        with suppress(OSError):
            if b"seed" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return True
    return False


def folders_of(processes: set[int]) -> set[Path]:
    """Where a Ray of our own has its files, by what its processes were called with."""
    found = set()
    for pid in processes:
        with suppress(OSError):
            found |= set(re.findall(rb"/tmp/journeyman-ray-\w+", Path(f"/proc/{pid}/cmdline").read_bytes()))
    return {Path(os.fsdecode(each)) for each in found}


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_is_stopped_leaves_nothing_running(
    blow: signal.Signals, task_folder: Path, backend: str, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'journeyman[scale]'")
    run = tmp_path / "run"
    words = ("run", task_folder, "--policy", "random", "--engine", "ray", "--backend", backend)
    store = EpisodeStore(run)
    with started(*words, "--episodes", 500, "--concurrency", 4, "--out", run) as command:
        assert eventually(lambda: sum(each.steps for each in store.summaries()) >= 5, 120)
        family = below(command.pid)
        (folder,) = folders_of(family)
        os.killpg(command.pid, blow)  # as the terminal does: to whatever is in the foreground
        _, err = command.communicate(timeout=300)
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), 180)
    assert not [each for each in store.summaries() if each.state is State.RUNNING] and not store.problems()
    if blow == signal.SIGKILL:
        from journeyman.policies.ray_cluster import sweep

        sweep()  # as the next one does that starts
    assert not folder.exists()
    if blow == signal.SIGINT:
        assert command.returncode == 130 and err.startswith("error: interrupted; ") and err.count("\n") == 1
        assert all(each.state is State.FINISHED for each in store.summaries())


def test_episodes_of_a_cluster_read_like_those_of_this_machine(
    call: Call, task_folder: Path, backend: str, ray_here: None
) -> None:
    shown = call("run", task_folder, "--engine", "ray", "--backend", backend, "--episodes", 2)
    assert shown.exit_code == 0, shown.stderr
    assert "1 of 2 episodes began on a node that had their environment\n2 of 2 episodes resolved" in shown.stdout
    assert call("replay", "last", "--verify").stdout.startswith("identical"), "it finds the task's folder here"
    words = ("eval", "--policy", "oracle", "--tasks", task_folder, "--backend", backend, "--json")
    there, here = (json.loads(call(*words, "--engine", name, "--out", name).stdout) for name in ("ray", "local"))
    assert there["engine"] == {"begun": 1, "where_built": 0, "lost_workers": 0}
    assert there["resolved"] == here["resolved"] == 1 and there["facts"] == here["facts"]


def test_without_ray_it_says_what_to_install(
    call: Call, task_folder: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for module in ("ray_engine", "ray_cluster", "ray_placement", "ray_worker"):
        monkeypatch.delitem(sys.modules, f"journeyman.policies.{module}", raising=False)
    for words in (["run", task_folder], ["eval", "--policy", "noop", "--tasks", task_folder]):
        shown = call(*words, "--engine", "ray", "--backend", backend)
        assert shown.exit_code == 2 and shown.stdout == ""
        assert shown.stderr == "error: the ray engine needs Ray: pip install 'journeyman[scale]'\n"


@pytest.mark.parametrize(
    "words,message",
    [
        (["--engine", "cloud"], "no engine 'cloud'; there are: local, processes, ray"),
        (["--engine", "ray", "--policy", "human"], "a person acts at this terminal"),
        (["--engine", "ray", "--ray-address", "ray://head:10001"], "HOST:PORT"),
        (["--engine", "ray", "--ray-address", "127.0.0.1:1"], "no Ray cluster at 127.0.0.1:1"),
        (["--engine", "ray", "--ray-address", "head"], "HOST:PORT"),
    ],
)
def test_what_cannot_be_is_one_line(
    call: Call, task_folder: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--ray-address" in words:
        ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'journeyman[scale]'")
        monkeypatch.setattr(ray, "is_initialized", lambda: False)  # by another test of this process
    shown = call("run", task_folder, *words)
    assert shown.exit_code == 2 and message in shown.stderr and shown.stderr.count("\n") == 1
    assert not Path("runs").exists()
