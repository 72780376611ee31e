"""A Rust repository: Cargo.toml, and its files by name; what needs no network is left of its dependencies."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import tomlkit

from journeyman.tasks.detect.facts import Facts
from journeyman.tasks.detect.reading import Reading
from journeyman.tasks.edits import is_test_file
from journeyman.tasks.harbor_files import walk
from journeyman.tasks.sources.sdist import SourceError

MANIFEST = "Cargo.toml"
_NO_CODE = frozenset({"vendor", "target", "benches", "examples", "fuzz"})


def read_cargo(facts: Facts, source: str) -> Reading:
    """Files that are tests and files that are code.

    Raises:
        SourceError: it is no crate, or needs others and does not bring them along.
    """
    manifest = _manifest(facts.folder, source)
    package = manifest.get("package")
    if not isinstance(package, dict):
        raise SourceError(f"{source}: its Cargo.toml names no package: give the folder of one crate, with its tests")
    for key, name in (("name", "name"), ("version", "version"), ("licence", "license")):
        if isinstance(package.get(name), str):
            facts.tell(key, package[name], MANIFEST)
    facts.tell("command", "cargo test", "assumed")
    if not _is_vendored(facts.folder):
        needs = [name for name, wish in _table(manifest, "dependencies").items() if not _is_optional(wish)]
        needs += list(_table(manifest, "build-dependencies"))
        if needs:
            raise SourceError(
                f"{source}: needs other crates ({', '.join(needs[:3])}), and tests run without a network: "
                "run `cargo vendor` in it, and add it again"
            )
    files = [name for name, _ in walk(facts.folder) if name.endswith(".rs")]
    files = [name for name in files if not _NO_CODE & set(PurePosixPath(name).parts)]
    tests = tuple(name for name in files if is_test_file(PurePosixPath(name)))
    sources = tuple(name for name in files if name not in tests and name.startswith("src/"))
    return Reading(MANIFEST, tests, sources, "tests/*.rs, and modules of tests below src")


def trim_manifest(folder: Path, source: str) -> list[str]:
    """Take out of Cargo.toml what cargo would look for on a network though the tests may do without it: optional and
    development dependencies, where nothing is vendored; and write the Cargo.lock that is left. Says what went.
    """
    manifest = _manifest(folder, source)
    if _is_vendored(folder) or not isinstance(manifest.get("package"), dict):
        return []
    optional = {name for name, wish in _table(manifest, "dependencies").items() if _is_optional(wish)}
    developed = set(_table(manifest, "dev-dependencies"))
    document = tomlkit.parse((folder / MANIFEST).read_text(encoding="utf-8"))
    for key in ("dev-dependencies", "bench", "example", "workspace"):
        document.pop(key, None)
    for name in optional:
        document["dependencies"].pop(name)
    document.pop("target", None)
    if "features" in document:
        features: dict[str, Any] = dict(_table(manifest, "features"))
        kept = {name: [each for each in wish if not _is_of(each, optional)] for name, wish in features.items()}
        document["features"] = kept
    package = _table(manifest, "package")
    if not _table(manifest, "dependencies").keys() - optional:
        lock = f'version = 3\n\n[[package]]\nname = "{package.get("name")}"\nversion = "{package.get("version")}"\n'
        (folder / "Cargo.lock").write_text(lock, encoding="utf-8")
    (folder / MANIFEST).write_text(tomlkit.dumps(document), encoding="utf-8")
    gone = sorted(optional | developed)
    return [f"left out of Cargo.toml, for there is no vendor folder: {', '.join(gone)}"] if gone else []


def _is_of(feature: str, gone: set[str]) -> bool:
    """Whether a line of a feature asks for a dependency that is gone."""
    return feature.removeprefix("dep:").partition("/")[0].rstrip("?") in gone


def _is_optional(wish: object) -> bool:
    return isinstance(wish, dict) and wish.get("optional") is True


def _is_vendored(folder: Path) -> bool:
    return (folder / "vendor").is_dir()


def _table(manifest: dict[str, Any], key: str) -> dict[str, Any]:
    found = manifest.get(key)
    return found if isinstance(found, dict) else {}


def _manifest(folder: Path, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{source}: its Cargo.toml cannot be read: {error}") from error
