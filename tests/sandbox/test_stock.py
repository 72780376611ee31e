"""What is kept on this machine is listed, and what was not used for long is taken away; what is in use never is."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyman.sandbox import stock, template, usage
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_engine import engine
from journeyman.sandbox.docker_image import LABEL, write_context
from journeyman.sandbox.image import environment_of, note_task
from journeyman.sandbox.sandbox import File, ImageError, SandboxUnavailable, Snapshot
from journeyman.sandbox.snapshots import SnapshotMissing, SnapshotStore
from journeyman.sandbox.stock import Item, Kind, disk_bytes, prune, to_prune
from journeyman.sandbox.template import template_of
from journeyman.sandbox.usage import hold, last_use, nobody_holds, note_use
from tests.sandbox.conftest import BARE

DAY_S = 86_400.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, empty, and no engine."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stock, "_images", lambda: iter(()))
    return tmp_path / "cache"


def used_before(folder: Path, seconds: float) -> None:
    (folder / ".used").touch()
    os.utime(folder / ".used", (time.time() - seconds,) * 2)


def laid(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_text(text)
    return folder


def by_kind(kind: Kind) -> list[Item]:
    return [item for item in stock.stock() if item.kind is kind]


def test_what_is_built_is_listed_with_who_shares_it(home: Path, tmp_path: Path) -> None:
    environment_of(BARE)
    note_task(BARE, "one")
    note_task(BARE, "two")
    note_task(BARE, "one")
    for name in ("first", "second"):
        template_of(laid(tmp_path / name, "same"))
    SnapshotStore().put(Snapshot("a" * 64, "b" * 64, {"x": File(b"1")}))
    (environment,), (found,), (state,) = map(by_kind, (Kind.ENVIRONMENT, Kind.TEMPLATE, Kind.SNAPSHOT))
    assert (environment.name, environment.shared_by, environment.in_use) == (BARE.key, 2, True)
    assert environment.about == "python 3.11: nothing"
    assert environment.size == disk_bytes(home / "environments" / BARE.key) > 0
    assert found.shared_by == 2
    assert found.about == f"{tmp_path / 'first'} and 1 more"
    assert state.name == f"{'a' * 64}-{'b' * 64}"
    assert time.time() - found.made < 60


def test_what_was_used_least_goes_first_until_it_fits(home: Path, tmp_path: Path) -> None:
    made = [template_of(laid(tmp_path / str(number), str(number) * 10_000)).folder.parent for number in range(4)]
    for days, folder in zip((2, 4, 1, 3), made, strict=True):
        used_before(folder, days * DAY_S)
    items = stock.stock()
    total = sum(item.size for item in items)
    gone = prune(to_prune(items, keep_bytes=total - items[0].size - 1))
    assert [item.name for item in gone] == [made[1].name, made[3].name]
    assert [folder.exists() for folder in made] == [True, False, True, False]
    assert sum(item.size for item in stock.stock()) == total - sum(item.size for item in gone)
    template._by_signature.clear()
    assert template_of(tmp_path / "1").folder.parent == made[1], "it is made again when it is needed"


def test_what_was_not_used_for_long_goes(home: Path, tmp_path: Path) -> None:
    old, young = (template_of(laid(tmp_path / name, name)).folder.parent for name in ("old", "young"))
    used_before(old, 31 * DAY_S)
    used_before(young, 29 * DAY_S)
    assert [item.name for item in prune(to_prune(stock.stock(), unused_s=30 * DAY_S))] == [old.name]


def test_a_living_sandbox_keeps_what_it_stands_on(home: Path, repository: Path, tmp_path: Path) -> None:
    with open_backend("namespace").create(BARE, repository) as sandbox:
        for folder in [*(home / "templates").iterdir(), *(home / "environments").iterdir()]:
            if folder.is_dir():
                used_before(folder, DAY_S)
        assert prune(to_prune(stock.stock(), everything=True)) == []
        assert sandbox.run("cat data.bin | wc -c", timeout_s=20).text == "256\n"
        listed = [replace(item, in_use=False) for item in stock.stock()]
        assert prune(to_prune(listed, everything=True)) == [], "also one that came into use after it was listed"
    assert [item.kind for item in prune(to_prune(stock.stock(), everything=True))] == [Kind.TEMPLATE]
    with open_backend("namespace").create(BARE, repository) as sandbox:
        assert sandbox.run("cat data.bin | wc -c", timeout_s=20).text == "256\n"


@pytest.mark.slow
def test_pruning_beside_sandboxes_that_begin_spoils_none(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing counts as used a moment ago: a sandbox has all of its files, or does not begin."""
    monkeypatch.setattr(stock, "RECENT_S", 0.0)
    monkeypatch.setattr(stock, "NOTED_S", 1e9)
    folder = tmp_path / "repository"
    for number in range(20):
        laid(folder / str(number), str(number))
    factory, begun, taken, over = open_backend("namespace"), 0, [0], threading.Event()

    def keep_pruning() -> None:
        while not over.is_set():
            taken[0] += len(prune(replace(item, in_use=False) for item in by_kind(Kind.TEMPLATE)))

    with ThreadPoolExecutor(1) as pool, ExitStack() as at_the_end:
        pruning = pool.submit(keep_pruning)
        at_the_end.callback(over.set)
        for round_ in range(20):
            with suppress(SandboxUnavailable, ImageError), factory.create(BARE, folder) as sandbox:
                begun += 1
                assert sandbox.run("cat */a.txt | wc -c", timeout_s=20).text == "30\n"
                assert sandbox.snapshot().is_pristine
            before, until = taken[0], time.monotonic() + 10
            while round_ % 4 == 0 and taken[0] == before and time.monotonic() < until:
                time.sleep(0.001)
        over.set()
        pruning.result()
    assert begun >= 5
    assert taken[0] >= 5


def test_what_was_used_a_moment_ago_stays(home: Path, tmp_path: Path) -> None:
    folder = template_of(laid(tmp_path / "new", "x")).folder.parent
    (item,) = stock.stock()
    assert item.in_use
    used_before(folder, DAY_S)
    (item,) = stock.stock()
    (folder / ".used").touch()
    assert prune([item]) == [], "used between the listing and now"


def test_what_a_dead_process_left_unfinished_goes(home: Path, tmp_path: Path) -> None:
    template_of(laid(tmp_path / "whole", "x"))
    left = laid(home / "templates" / ".new-dead", "half"), laid(home / "scratch" / "dead", "half")
    busy = laid(home / "templates" / ".new-busy", "half")
    for folder in left:
        os.utime(folder, (1, 1))
    gone = prune(to_prune(stock.stock(), keep_bytes=10**12))
    assert {item.name for item in gone} == {"templates/.new-dead", "scratch/dead"}
    assert busy.exists()


def test_states_go_too(home: Path) -> None:
    store = SnapshotStore()
    for number in range(3):
        store.put(Snapshot(f"{number:064x}", "b" * 64, {"x": File(bytes([number]) * 100)}))
    for path in (home / "snapshots" / "states").glob("*/*"):
        os.utime(path, (time.time() - (2 if path.name.startswith("0" * 63 + "1") else 1) * DAY_S,) * 2)
    items = stock.stock()
    (gone,) = prune(to_prune(items, keep_bytes=sum(item.size for item in items) - 1))
    assert gone.name.startswith("0" * 63 + "1")
    with pytest.raises(SnapshotMissing):
        store.get(gone.name[:64])
    assert len(store.kept()) == 2


items_drawn = st.lists(
    st.builds(
        Item, st.sampled_from([Kind.TEMPLATE, Kind.ENVIRONMENT]), st.uuids().map(str), st.just(""), st.integers(0, 100),
        st.just(0.0), st.floats(0, 1e6), st.integers(0, 3), st.booleans(),
    )
)  # fmt: skip


@given(items=items_drawn, keep=st.integers(0, 500))
def test_no_more_goes_than_must(items: list[Item], keep: int) -> None:
    gone = to_prune(items, keep_bytes=keep)
    assert not any(item.in_use for item in gone)
    left = [item for item in items if item not in gone]
    size = sum(item.size for item in left)
    assert size <= keep or all(item.in_use for item in left)
    assert not gone or size + gone[-1].size > keep, "the last one had to go as well"
    assert all(item.in_use or item.used >= one.used for item in left for one in gone)


def test_holding_is_counted_and_ends(home: Path) -> None:
    folder = laid(home / "held", "x")
    first, second = hold(folder), hold(folder)
    for release, free in ((first, False), (second, True)):
        with nobody_holds(folder) as alone:
            assert not alone
        release()
        with nobody_holds(folder) as alone:
            assert alone is free
    hold(Path("/"))()
    assert not Path("/.held").exists(), "nothing is written outside of the cache"


def test_a_use_is_noted_once_a_minute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, now = laid(home / "noted", "x"), [1000.0]
    monkeypatch.setattr(usage.time, "monotonic", lambda: now[0])
    note_use(folder)
    os.utime(folder / ".used", (5, 5))
    now[0] += 59
    note_use(folder)
    assert last_use(folder) == 5
    now[0] += 2
    note_use(folder)
    assert time.time() - last_use(folder) < 60


@pytest.fixture
def docker_image(tmp_path: Path) -> Callable[[str, str], str]:
    def build(name: str, recipe: str) -> str:
        context = io.BytesIO()
        write_context(context, recipe, [("tree", laid(tmp_path / "tree", "x" * 300_000))])
        context.seek(0)
        engine().build(context, name, labels={LABEL: "env"}, network="none", log=tmp_path / "build.log")
        return name

    return build


@pytest.mark.docker
def test_docker_images_are_listed_and_pruned(docker_image: Callable[[str, str], str]) -> None:
    below = docker_image("journeyman/test-stock:below", "FROM scratch\nCOPY tree /below\n")
    above = docker_image("journeyman/test-stock:above", f"FROM {below}\nCOPY tree /above\n")
    found = {item.name: item for item in by_kind(Kind.IMAGE)}
    assert found[below].shared_by == 1
    assert found[above].shared_by == 0
    assert 300_000 <= found[above].size < 400_000, "its own part alone"
    assert found[below].in_use, "just made"
    assert prune([found[above], found[below]]) == [found[above], found[below]]
    assert engine().image(above) is None
    assert engine().image(below) is None


@pytest.mark.docker
def test_a_failed_build_names_the_line_and_keeps_its_log(
    docker_image: Callable[[str, str], str], tmp_path: Path
) -> None:
    recipe = "FROM journeyman-base:bookworm\nRUN echo fine\nRUN echo 'E: Unable to locate package nosuch' && false\n"
    with pytest.raises(ImageError) as caught:
        docker_image("journeyman/test-stock:never", recipe)
    said = str(caught.value)
    assert "failed at \"Step 3/4 : RUN echo 'E: Unable" in said
    assert '": E: Unable to locate package nosuch; the end of ' in said
    assert str(tmp_path / "build.log") in said
    log = (tmp_path / "build.log").read_text()
    assert "Step 1/4" in log
    assert "returned a non-zero code: 1" in log
