"""What a run of many episodes comes to, from its index alone: by task, by policy, by how they ended, over time."""

from __future__ import annotations

from dataclasses import dataclass

from journeyman.envs.blobs import Blobs
from journeyman.envs.codec import CodecError, unpack, unpack_episode
from journeyman.envs.episode import Episode
from journeyman.envs.log import LogError, read_at
from journeyman.envs.query import Query
from journeyman.envs.store import EpisodeDamaged, EpisodeNotFound, EpisodeStore


@dataclass(frozen=True, slots=True)
class Group:
    """Episodes that have a task, a policy or an end in common."""

    name: str
    episodes: int
    scored: int
    resolved: int
    mean_reward: float | None
    """Of the scored ones; None without any."""
    mean_steps: float


class Overview:
    """Of one run. The limit and the offset of a query count for nothing here."""

    def __init__(self, store: EpisodeStore) -> None:
        self._segments, self._blobs = store.folder / "segments", Blobs(store.folder / "blobs")
        self._index = store.index()

    def groups(self, query: Query, by: str) -> tuple[Group, ...]:
        """The episodes that a query takes, together by "task", "policy" or "stop"."""
        return tuple(Group(*row) for row in self._index.groups(query, by)) if self._index is not None else ()

    def rewards(self, query: Query) -> list[float]:
        """Of the scored episodes that a query takes, the oldest first."""
        return self._index.rewards(query) if self._index is not None else []

    def head(self, episode_id: str) -> Episode:
        """An episode without its steps: one record is read.

        Raises:
            EpisodeNotFound: there is none.
            EpisodeDamaged: its bytes are lost.
        """
        index = self._index
        attempts = index.named(episode_id) if index is not None else []
        if index is None or len(attempts) != 1:
            raise EpisodeNotFound(f"no episode {episode_id!r} in {self._segments.parent}")
        (attempt,) = attempts
        places = [place for kind, _, place in index.records(attempt) if kind != "step"]
        try:
            return unpack_episode(unpack(read_at(self._segments / attempt.segment, places[-1])), self._blobs)
        except (IndexError, LogError, CodecError, OSError) as error:
            raise EpisodeDamaged(f"episode {episode_id}: {error}") from error
