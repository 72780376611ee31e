"""Toolchains: the host's are found, what npm brings stands apart from the code, and a missing one is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeyman.sandbox import toolchain as module
from journeyman.sandbox.backends import open_backend
from journeyman.sandbox.docker_image import _recipe
from journeyman.sandbox.sandbox import Environment, ImageError, SandboxUnavailable
from journeyman.sandbox.toolchain import KINDS, debian_packages, install_modules, pinned_modules, toolchain_of

ASK = {"node": "node --version", "go": "go version", "rust": "cargo --version && rustc --version && cc --version"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.toolchain(name)) for name in KINDS])
def test_its_tools_are_there_and_cannot_be_changed(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with open_backend("namespace").create(Environment(requirements=(), toolchain=name), tmp_path) as sandbox:
        done = sandbox.run(ASK[name], timeout_s=60)
        assert done.ok, done.text
        assert toolchain_of(name).version in done.text
        place = sandbox.run(f"dirname $(command -v {ASK[name].split()[0]})", timeout_s=60).text.strip()
        assert not sandbox.run(f"touch {place}/x", timeout_s=60).ok


def test_what_is_missing_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, install in (("node", "apt install nodejs"), ("go", "golang-go"), ("rust", "rustup")):
        with pytest.raises(SandboxUnavailable, match=install) as raised:
            toolchain_of.__wrapped__(name)
        assert "not on PATH" in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(ImageError, match="there are node, go, rust"):
        toolchain_of("cobol")
    with pytest.raises(ImageError, match="apt install npm"):
        pinned_modules({"tape": "^5"}, tmp_path)
    assert pinned_modules({}, tmp_path) == ()


def test_only_plain_packages_of_npm_are_installed(tmp_path: Path) -> None:
    for line in ("../evil", "tape", "git+ssh://host/x", "--global", "tape@latest", "a@1.0.0\nb"):
        environment = Environment(requirements=(line,), toolchain="node")
        with pytest.raises(ImageError, match="only packages of npm"):
            install_modules(tmp_path / "node_modules", environment, tmp_path / "log", 10)


@pytest.mark.toolchain("go")
def test_packages_of_go_come_with_the_repository(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="vendor them"):
        open_backend("namespace").create(Environment(requirements=("x",), toolchain="go"), tmp_path)


@pytest.mark.slow
@pytest.mark.toolchain("node")
def test_packages_of_npm_stand_where_node_finds_them_and_nobody_writes(tmp_path: Path) -> None:
    lines = pinned_modules({"ms": "^2.1.0"}, tmp_path)
    assert len(lines) == 1 and lines[0].startswith("ms@2.")
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "a.js").write_text("console.log(require('ms')('2 days'));\n")
    with open_backend("namespace").create(Environment(requirements=lines, toolchain="node"), repository) as sandbox:
        assert sandbox.run("node a.js", timeout_s=60).text == "172800000\n"
        assert sandbox.files() == ("a.js",)
        assert not sandbox.run("touch /node_modules/ms/x", timeout_s=60).ok


def test_a_toolchain_has_a_key_of_its_own_and_none_changes_none() -> None:
    plain = Environment(python="3.11", requirements=("pytest==8.3.5",))
    assert plain.key == "6df7eb59a31de9a4", "environments that were built before there were toolchains are still known"
    keys = {Environment(requirements=(), toolchain=name).key for name in ("", "node", "go", "rust")}
    assert len(keys) == 4


def test_an_image_gets_debians_packages() -> None:
    environment = Environment(requirements=("tape@5.7.2",), system_packages=("tree",), toolchain="node")
    assert debian_packages(environment) == ("tree", "nodejs")
    recipe = _recipe("base", environment)
    assert "apt-get install -y --no-install-recommends nodejs tree" in recipe and "COPY node_modules" in recipe
    assert "COPY node_modules" not in _recipe("base", Environment(requirements=(), toolchain="go"))


def test_npms_complaint_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "fails"
    npm.write_text("#!/bin/sh\necho 'npm error 404 no such package' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(module.shutil, "which", lambda _: str(npm))
    with pytest.raises(ImageError, match="404 no such package"):
        pinned_modules({"no-such-package": "*"}, tmp_path)
