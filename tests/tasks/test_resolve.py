"""Requirement lines become exact versions; what the index has none of, or what does not fit together, gives way."""

from __future__ import annotations

import pytest

from journeyman.tasks.sources import resolve as module
from journeyman.tasks.sources.resolve import ANY_PYTEST, BOTH, LOOSENED, OTHER_PYTEST, resolve
from journeyman.tasks.sources.sdist import SourceError

NONE_SUCH = "Could not find a version that satisfies the requirement {} (from versions: none) ERROR: No matching"
NOT_THIS = (
    "Could not find a version that satisfies the requirement idna>9 (from versions: 2.0, 3.10) ERROR: No matching"
)


def pip(refused: dict[str, str], asked: list[tuple[str, ...]], unbuilt: str = "") -> object:
    """A pip that refuses some lines, with what it says of each, and cannot build one."""

    def ask(lines: tuple[str, ...], _python: str) -> tuple[tuple[str, ...], str, str]:
        asked.append(lines)
        if unbuilt in lines:
            return (), "note: This is an issue with the package mentioned above, not pip.", unbuilt
        return next((((), said, "") for line, said in refused.items() if line in lines), (lines, "", ""))

    return ask


def test_what_the_index_does_not_have_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"My_Own.Tools>=2": NONE_SUCH.format("my-own-tools>=2"), "inner": NONE_SUCH.format("inner")}
    monkeypatch.setattr(module, "_ask_pip", pip(refused, []))
    found, remark = resolve(("pytest==8.3.5", "My_Own.Tools>=2", "idna", "inner"), "3.11", "it")
    assert found == ("pytest==8.3.5", "idna")
    assert remark == "left out, because the package index has none such: My_Own.Tools>=2, inner"


def test_what_cannot_be_built_here_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ask_pip", pip({}, [], unbuilt="psycopg2"))
    found, remark = resolve(("pytest==8.3.5", "psycopg2", "idna"), "3.11", "it")
    assert found == ("pytest==8.3.5", "idna")
    assert remark == "left out, because it cannot be built here: psycopg2"


def test_pip_says_what_it_was_busy_with() -> None:
    said = (
        "Collecting idna (from -r w.txt (line 2))\nCollecting odd>=1 (from web->-r w.txt (line 3))\n  Using odd.tar.gz"
    )
    lines = ("pytest==8.3.5", "idna", "web")
    assert module._unbuilt(said, lines) == "web"
    assert module._unbuilt("Collecting pluggy (from pytest->-r w.txt (line 1))", lines) == ""
    assert module._unbuilt("no line of its", lines) == ""


def test_versions_that_do_not_fit_are_loosened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ask_pip", pip({"idna>9": NOT_THIS}, []))
    assert resolve(("pytest==8.3.5", "idna>9"), "3.11", "it") == (("pytest==8.3.5", "idna"), LOOSENED)


def test_what_needs_a_newer_pytest_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Cannot install -r w.txt (line 2) and pytest==8.3.5 because these package versions conflict"
    monkeypatch.setattr(module, "_ask_pip", pip({"pytest==8.3.5": said}, []))
    assert resolve(("pytest==8.3.5", "new>2"), "3.11", "it") == ((ANY_PYTEST, "new>2"), OTHER_PYTEST)
    monkeypatch.setattr(module, "_ask_pip", pip({"pytest==8.3.5": said, "new>2": said}, []))
    assert resolve(("pytest==8.3.5", "new>2"), "3.11", "it") == ((ANY_PYTEST, "new"), BOTH)


@pytest.mark.parametrize("said", [NONE_SUCH.format("deeper"), "no network", NONE_SUCH.format("pytest==8.3.5")])
def test_what_is_of_no_line_ends_it_with_the_reason(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(module, "_ask_pip", pip({"pytest==8.3.5": said}, asked))
    with pytest.raises(SourceError) as caught:
        resolve(("pytest==8.3.5", "idna"), "3.11", "it")
    assert said in str(caught.value) and len(asked) == 1
