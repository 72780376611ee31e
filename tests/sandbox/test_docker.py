"""What holds for Docker sandboxes beyond every backend's contract: images, hardening, and nothing left over."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from journeyman.sandbox import lanes
from journeyman.sandbox.docker import DockerSandboxes, unfit
from journeyman.sandbox.docker_engine import Engine, engine
from journeyman.sandbox.docker_image import BASE_VARIABLE, LOCAL_BASE, image_for, write_context
from journeyman.sandbox.docker_reaper import LABEL, owner, reap
from journeyman.sandbox.sandbox import Environment, ImageError, Limits, Sandbox, SandboxLost
from journeyman.sandbox.template import OWNER, template_of

pytestmark = pytest.mark.docker

BARE = Environment(requirements=())
FACTORY = DockerSandboxes()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "greet.py").write_text("print('hello')\n")
    (folder / "run.sh").write_text("#!/bin/sh\nexec python greet.py\n")
    (folder / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def sdk() -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=60)
    yield client
    client.close()


@pytest.fixture
def base() -> str:
    if not engine().image(LOCAL_BASE):
        pytest.skip(f"the engine has no {LOCAL_BASE}; .ci/prepare makes it")
    return LOCAL_BASE


@pytest.fixture(autouse=True)
def none_idle() -> Iterator[None]:
    """No container waits from one test to the next."""
    lanes.dismiss()
    yield
    lanes.dismiss()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where containers cannot be reused."""
    monkeypatch.setitem(unfit, os.getpid(), "for a test")


@pytest.fixture
def mine(sdk: docker.DockerClient) -> Callable[[], list[str]]:
    """Names of this process's containers."""
    return lambda: [
        each["Names"][0].strip("/") for each in sdk.api.containers(all=True, filters={"label": f"{LABEL}={owner()}"})
    ]


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


TIGHT = Limits(memory_mb=300, processes=77, open_files=99, disk_mb=40, inodes=400)


def bounds(sdk: docker.DockerClient, name: str) -> dict[str, Any]:
    """How a container is held in, seen to be so as far as all are."""
    about = sdk.api.inspect_container(name)
    host: dict[str, Any] = about["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"][0] == "no-new-privileges"
    assert host["Memory"] == host["MemorySwap"] == 300 * 1024 * 1024
    assert host["LogConfig"]["Type"] == "none"
    assert host["AutoRemove"] is True
    assert not host["Privileged"]
    assert not about["ExecIDs"], "nothing runs by docker exec"
    return {**host, "user": about["Config"]["User"]}


def hold(sandbox: Sandbox) -> None:
    """Try what a command must not be able to do."""
    status = sandbox.run("cat /proc/self/status", timeout_s=10).text
    assert "CapEff:\t0000000000000000" in status and "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert sandbox.run("ulimit -n; ulimit -c", timeout_s=10).text.split() == ["99", "0"]
    assert sandbox.run("ls /sys/class/net", timeout_s=10).text.split() == ["lo"]
    for forbidden in (
        *("touch /opt/env/x", "touch /etc/x", "touch /dev/x", "touch /run/x", "kill -9 1; ls /root"),
        *("ls /proc/1/fd", "cat /proc/kcore", "echo 1 > /proc/sys/kernel/hostname"),
        *("ls /opt/templates/*", "ls /run/journeyman/*", "ls /opt/repository/*/*"),
    ):
        assert not sandbox.run(forbidden, timeout_s=10).ok, forbidden


def test_a_reused_container_is_hardened(
    repository: Path, sdk: docker.DockerClient, mine: Callable[[], list[str]]
) -> None:
    with FACTORY.create(BARE, repository, limits=TIGHT) as sandbox:
        host = bounds(sdk, mine()[0])
        assert host["user"] == f"{OWNER}:{OWNER}"
        assert host["PidsLimit"] == 77 + 8, "the container's own processes beside the sandbox's"
        assert [bind.rpartition(":")[2] for bind in host["Binds"]] == ["rw", "ro"], "the socket, the repositories"
        assert '"mount"' not in host["SecurityOpt"][1] and '"bpf"' in host["SecurityOpt"][1]
        hold(sandbox)
        assert not sandbox.run("touch /dev/mqueue/x", timeout_s=10).ok, "it would be there for the next one"


def test_a_container_for_one_sandbox_is_hardened(
    plain: None, repository: Path, sdk: docker.DockerClient, mine: Callable[[], list[str]]
) -> None:
    with FACTORY.create(BARE, repository, limits=TIGHT) as sandbox:
        (name,) = mine()
        host = bounds(sdk, name)
        assert (host["user"], host["PidsLimit"]) == ("1000:1000", 77)
        assert not host["Binds"] and len(host["SecurityOpt"]) == 1
        hold(sandbox)
        assert not sandbox.run("touch /opt/repository/x", timeout_s=10).ok
        sandbox.write("new", b"1")
        with sandbox.fork() as other:
            assert other.read("new") == b"1"


def test_where_containers_cannot_be_reused_it_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(unfit, os.getpid(), raising=False)
    monkeypatch.setattr(Engine, "is_local", False)
    with pytest.warns(RuntimeWarning, match="cannot be reused here .the engine runs elsewhere"):
        FACTORY.create(BARE, repository).close()
    FACTORY.create(BARE, repository).close()
    unfit.pop(os.getpid())


def test_disk_and_inodes_are_bounded_in_both_folders(repository: Path, plain: None) -> None:
    with FACTORY.create(BARE, repository, limits=Limits(disk_mb=40, inodes=400)) as sandbox:
        blocks = sandbox.run("stat -f -c '%b %S %c' /workspace /tmp", timeout_s=10).text.split()
        assert int(blocks[0]) * int(blocks[1]) + int(blocks[3]) * int(blocks[4]) == 40 * 1024 * 1024
        assert int(blocks[2]) + int(blocks[5]) == 400
        for folder in ("/workspace", "/tmp"):
            full = sandbox.run(f"head -c 50000000 /dev/zero > {folder}/big; rm {folder}/big", timeout_s=30)
            assert "No space left" in full.text
        many = sandbox.run("i=0; while [ $i -lt 500 ]; do : > f$i || exit 9; i=$((i+1)); done", timeout_s=30)
        assert many.exit_code != 0 and "No space left" in many.text


def test_a_repository_that_does_not_fit_is_told(repository: Path, plain: None) -> None:
    with pytest.raises(SandboxLost, match="No space left"):
        FACTORY.create(BARE, repository, limits=Limits(inodes=2))


def test_images_are_built_once_and_named_by_content(repository: Path, tmp_path: Path, sdk: docker.DockerClient) -> None:
    first = image_for(engine(), BARE, template_of(repository))
    made = sdk.images.get(first).attrs["Created"]
    assert image_for(engine(), BARE, template_of(repository)) == first
    assert sdk.images.get(first).attrs["Created"] == made
    (tmp_path / "greet.py").write_text("print('another')\n")
    assert image_for(engine(), BARE, template_of(tmp_path)) != first


def test_modes_and_dates_survive_the_image(repository: Path) -> None:
    with FACTORY.create(BARE, repository) as sandbox:
        assert sandbox.run("./run.sh", timeout_s=20).text == "hello\n"
        assert sandbox.run("stat -c '%y %U' greet.py | cut -c1-10", timeout_s=10).text == "2000-01-01\n"
        assert sandbox.snapshot().is_pristine


@pytest.mark.parametrize(
    ("recipe", "complaint"),
    [
        ("RUN rm /usr/bin/python3", r"failed at 'Step 3/\d : RUN .*python3"),
        ("RUN ln -sf /bin/sh /usr/bin/python3.11", r"failed at 'Step 3/\d : RUN .*(?s:.*)Syntax error"),
        ("VOLUME /data", "declares volumes, which no limit would bound"),
    ],
)
def test_a_base_image_that_will_not_do_is_refused(
    recipe: str, complaint: str, repository: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"journeyman-test:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    context = io.BytesIO()
    write_context(context, f"FROM {base}\n{recipe}\n", [])
    context.seek(0)
    engine().build(context, name, labels={}, network="none", log=tmp_path / "build.log")
    monkeypatch.setenv(BASE_VARIABLE, name)
    with pytest.raises(ImageError, match=complaint):
        FACTORY.create(BARE, repository)


def test_a_base_image_that_nobody_has_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_VARIABLE, "localhost:9/journeyman/none:1")
    with pytest.raises(ImageError, match=r"pull localhost:9/journeyman/none:1.*JOURNEYMAN_DOCKER_BASE"):
        FACTORY.create(BARE, repository)


def test_a_package_that_does_not_exist_fails_by_its_step(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Environment(requirements=(), system_packages=("no-such-package-anywhere",))
    with pytest.raises(ImageError, match=r"(?s)failed at 'Step .*apt-get.*no-such-package-anywhere"):
        FACTORY.create(lost, repository)


@pytest.mark.parametrize("name", ["tree; rm -rf /", "-o", "$(id)", "Tree", ""])
def test_a_package_name_cannot_smuggle_a_command(name: str, repository: Path) -> None:
    with pytest.raises(ImageError, match="not the name of a Debian package"):
        FACTORY.create(Environment(requirements=(), system_packages=(name,)), repository)


@pytest.mark.slow
def test_system_packages_are_there(repository: Path) -> None:
    with FACTORY.create(Environment(requirements=(), system_packages=("hello",)), repository) as sandbox:
        assert sandbox.run("hello", timeout_s=20).text == "Hello, world!\n"


def test_a_container_killed_from_outside_is_a_lost_sandbox(
    repository: Path, sdk: docker.DockerClient, mine: Callable[[], list[str]]
) -> None:
    sandbox = FACTORY.create(BARE, repository)
    for name in mine():
        with contextlib.suppress(docker.errors.APIError):  # one that is on its way out
            sdk.api.kill(name)
    with pytest.raises(SandboxLost):
        sandbox.run("true", timeout_s=10)
    sandbox.close()
    sandbox.close()
    lanes.dismiss()
    assert not mine()


def test_memory_is_bounded_over_all_processes(repository: Path) -> None:
    with FACTORY.create(BARE, repository, limits=Limits(memory_mb=100)) as sandbox:
        hog = (
            "import os, time; os.fork(); os.fork(); x = bytearray(40_000_000); time.sleep(2); os.write(1, b'survived ')"
        )
        done = sandbox.run(["python", "-c", hog], timeout_s=60)
        assert done.text.count("survived") < 4
        assert sandbox.run("echo fine", timeout_s=10).text == "fine\n"


def test_a_forgotten_sandbox_leaves_nothing(repository: Path, mine: Callable[[], list[str]]) -> None:
    sandbox = FACTORY.create(BARE, repository)
    assert mine()
    del sandbox
    gc.collect()
    lanes.dismiss()
    assert not mine()


def test_a_child_process_does_not_end_its_parents_sandbox(repository: Path) -> None:
    with FACTORY.create(BARE, repository) as sandbox:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                sandbox._end()
            os._exit(0)
        os.waitpid(child, 0)
        assert sandbox.run("echo still here", timeout_s=10).text == "still here\n"


def test_sixteen_at_once(repository: Path, mine: Callable[[], list[str]]) -> None:
    def say(number: int) -> str:
        with FACTORY.create(BARE, repository) as sandbox:
            return sandbox.run(f"echo {number}", timeout_s=30).text

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(say, range(16))) == [f"{number}\n" for number in range(16)]
    lanes.dismiss()
    assert not mine()


def test_the_factory_travels(repository: Path) -> None:
    code = (
        "import pickle, sys, pathlib; from journeyman.sandbox.sandbox import Environment\n"
        "factory = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "with factory.create(Environment(requirements=()), pathlib.Path(sys.argv[2])) as s:\n"
        "    print(s.run('cat greet.py', timeout_s=10).text, end='')\n"
    )
    command = [sys.executable, "-c", code, pickle.dumps(FACTORY).hex(), str(repository)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "print('hello')\n"


HOLD = """
import pathlib, sys, threading
from journeyman.sandbox.docker import DockerSandboxes
from journeyman.sandbox.docker_reaper import owner
from journeyman.sandbox.sandbox import Environment
sandbox = DockerSandboxes().create(Environment(requirements=()), pathlib.Path(sys.argv[1]))
threading.Thread(target=sandbox.run, args=(sys.argv[2],), kwargs={"timeout_s": 300}, daemon=True).start()
print(owner(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("command", ["true", "setsid sleep 300 & trap '' TERM; sleep 300"])
def test_a_killed_supervisor_takes_its_container_along(
    command: str, repository: Path, sdk: docker.DockerClient
) -> None:
    arguments = [sys.executable, "-c", HOLD, str(repository), command]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        label = {"label": f"{LABEL}={supervisor.stdout.readline().strip()}"}
        assert len(sdk.api.containers(all=True, filters=label)) == 1
        supervisor.send_signal(signal.SIGKILL)
    assert eventually(lambda: not sdk.api.containers(all=True, filters=label))


def test_the_reaper_removes_what_dead_owners_left_and_nothing_else(repository: Path, sdk: docker.DockerClient) -> None:
    image = image_for(engine(), BARE, template_of(repository))
    place, _, process = owner().rpartition("] ")
    dead = f"{place}] {process.split()[0]} 1"
    labels = {"dead": dead, "mine": owner(), "foreign": "another-boot pid:[1] 2 3"}
    made = {
        who: sdk.api.create_container(image, ["sleep", "60"], labels={LABEL: label})["Id"]
        for who, label in labels.items()
    }
    try:
        assert made["dead"] in reap(engine())
        left = {each["Id"] for each in sdk.api.containers(all=True, filters={"label": LABEL})}
        assert made["dead"] not in left and {made["mine"], made["foreign"]} <= left
    finally:
        for container in made.values():
            with contextlib.suppress(docker.errors.NotFound):
                sdk.api.remove_container(container, force=True)
