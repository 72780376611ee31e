"""Which language a repository is written in, as far as its files at the top say."""

from __future__ import annotations

from pathlib import Path

from journeyman.tasks.sources.sdist import SourceError

_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO")
_OTHERS = {
    "package.json": "JavaScript",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "Gemfile": "Ruby",
    "composer.json": "PHP",
    "mix.exs": "Elixir",
    "CMakeLists.txt": "C or C++",
}


def require_python(folder: Path, source: str) -> None:
    """Accept a repository of Python, and name the language of any other.

    Raises:
        SourceError: it is of another language, or of none that is known.
    """
    if any((folder / name).is_file() for name in _PYTHON):
        return
    for name, language in _OTHERS.items():
        if (folder / name).is_file():
            raise SourceError(f"{source}: a {language} repository ({name}); so far tasks are made of Python ones only")
    if not any(folder.glob("*.py")) and not any(folder.glob("*/*.py")):
        raise SourceError(f"{source}: no Python in it: no pyproject.toml, setup.py or .py file at its top or one below")
