"""What can be laid again from a recipe does not stay for ever; what somebody needs does."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from journeyman.sandbox import template
from journeyman.sandbox.expiry import UNUSED_S, expire
from journeyman.sandbox.template import template_of
from journeyman.sandbox.usage import held

OLD_S, YOUNG_S = UNUSED_S + 3600, UNUSED_S - 3600


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own, empty."""
    monkeypatch.setenv("JOURNEYMAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def repository(place: Path, text: str) -> Path:
    (place / "repository").mkdir(parents=True)
    (place / "repository" / "a.txt").write_text(text)
    return place / "repository"


def used_before(folder: Path, seconds: float) -> Path:
    (folder / ".used").touch()
    os.utime(folder / ".used", (time.time() - seconds,) * 2)
    return folder


def laid(home: Path, name: str, seconds: float) -> tuple[Path, Path]:
    """A task's place in the cache and its template, both used so long ago."""
    place = home / "packed" / name
    made = template_of(repository(place, name)).folder.parent
    (place / "manifest.json").write_text(json.dumps({"task": name}))
    return used_before(place, seconds), used_before(made, seconds)


def test_a_day_after_the_last_use_folders_templates_and_lookups_are_gone(home: Path) -> None:
    old, young = laid(home, "old", OLD_S), laid(home, "young", YOUNG_S)
    expire()
    assert not any(map(Path.exists, old))
    assert all(map(Path.exists, young))
    assert len(list((home / "lookups").iterdir())) == 1
    expire(time.time() + 2 * UNUSED_S)
    assert not any(map(Path.exists, young))
    assert not list((home / "lookups").iterdir())


def test_what_somebody_holds_or_has_used_meanwhile_stays(home: Path) -> None:
    place, made = laid(home, "busy", OLD_S)
    with held(place), held(made):
        expire()
    assert place.is_dir() and made.is_dir()
    template._by_signature.clear()
    assert template_of(place / "repository").folder.parent == made
    (made / ".used").touch()
    expire()
    assert made.is_dir() and not place.exists()


def test_a_template_of_a_repository_of_the_users_own_is_no_business_of_ours(home: Path, tmp_path: Path) -> None:
    own = used_before(template_of(repository(tmp_path / "own", "own")).folder.parent, OLD_S)
    shared = repository(tmp_path / "same", "shared"), laid(home, "shared", OLD_S)[1]
    assert used_before(template_of(shared[0]).folder.parent, OLD_S) == shared[1]
    expire()
    assert own.is_dir() and shared[1].is_dir()


def test_torn_lookups_and_two_at_once_do_no_harm(home: Path) -> None:
    gone = [path for number in range(8) for path in laid(home, f"old{number}", OLD_S)]
    (home / "lookups" / "torn.json").write_text("{")
    (home / "lookups" / "other.json").write_text("[]")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: expire(), range(4)))
    assert not any(map(Path.exists, gone))
    assert not [path for path in (home / "templates").iterdir() if path.is_dir()]
