"""Which language a repository is written in, as far as its files at the top say."""

from __future__ import annotations

from pathlib import Path

from journeyman.tasks.sources.sdist import SourceError

_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")
_TOOLCHAINS = {"package.json": "node", "go.mod": "go", "Cargo.toml": "rust"}
_OTHERS = {
    "pom.xml": "Java",
    "build.gradle": "Java",
    "Gemfile": "Ruby",
    "composer.json": "PHP",
    "mix.exs": "Elixir",
    "CMakeLists.txt": "C or C++",
}


def toolchain_for(folder: Path, source: str) -> str:
    """What a repository's tests run with, as `Environment.toolchain` says it: "" for Python, whose files go first.

    Raises:
        SourceError: it is of another language, or of none that is known.
    """
    if any((folder / name).is_file() for name in _PYTHON):
        return ""
    for name, toolchain in _TOOLCHAINS.items():
        if (folder / name).is_file():
            return toolchain
    for name, language in _OTHERS.items():
        if (folder / name).is_file():
            raise SourceError(
                f"{source}: a {language} repository ({name}); tasks are made of Python, JavaScript, Go and Rust ones"
            )
    if any(folder.glob("*.go")):
        raise SourceError(f"{source}: Go without a go.mod: run `go mod init NAME` in it, and add it again")
    if not any(folder.glob("*.py")) and not any(folder.glob("*/*.py")):
        raise SourceError(
            f"{source}: no language found: no pyproject.toml, setup.py, package.json, go.mod, Cargo.toml at its top, "
            "nor a .py file there or one below"
        )
    return ""
