"""What goes wrong."""


class VersionError(ValueError):
    """A text is no version."""


class SpecifierError(ValueError):
    """A text is no specifier set or no requirement."""


class UnknownPackageError(LookupError):
    """The index has no package of that name."""


class ResolutionError(Exception):
    """No choice of versions satisfies all requirements."""


class CycleError(ValueError):
    """Packages depend on each other in a circle."""

    def __init__(self, cycle: list[str]) -> None:
        super().__init__(" -> ".join([*cycle, cycle[0]]))
        self.cycle = cycle
        """Each name depends on the next one, and the last on the first."""


class LockError(ValueError):
    """A text is no lock file; the message names the line."""
