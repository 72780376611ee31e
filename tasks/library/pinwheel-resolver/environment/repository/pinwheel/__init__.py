"""A dependency resolver with a lock file."""

from pinwheel.errors import CycleError, LockError, ResolutionError, SpecifierError, UnknownPackageError, VersionError
from pinwheel.explain import render_tree, why
from pinwheel.index import Index
from pinwheel.lock import Problem, check_lock, read_lock, write_lock
from pinwheel.names import normalize_name
from pinwheel.order import install_batches
from pinwheel.requirements import Requirement, SpecifierSet
from pinwheel.resolve import Edge, Resolution, resolve
from pinwheel.versions import Version

__all__ = [
    "CycleError",
    "Edge",
    "Index",
    "LockError",
    "Problem",
    "Requirement",
    "Resolution",
    "ResolutionError",
    "SpecifierError",
    "SpecifierSet",
    "UnknownPackageError",
    "Version",
    "VersionError",
    "check_lock",
    "install_batches",
    "normalize_name",
    "read_lock",
    "render_tree",
    "resolve",
    "why",
    "write_lock",
]
