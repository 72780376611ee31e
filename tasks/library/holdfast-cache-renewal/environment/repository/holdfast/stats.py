"""What happened to a cache since it was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Stats:
    hits: int = 0
    misses: int = 0
    inserts: int = 0
    updates: int = 0
    evictions: int = 0
    """Live entries that had to go because the cache was full."""
    expiries: int = 0
    """Entries that were found dead."""

    @property
    def lookups(self) -> int:
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Share of lookups that found something; 0 before the first lookup."""
        return self.hits / self.lookups if self.lookups else 0.0
