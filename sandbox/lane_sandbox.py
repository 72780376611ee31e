"""A sandbox on a lane: it begins with a fork, and forks by freezing what was written as a layer that two then share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial

from journeyman.sandbox.channel import Channel
from journeyman.sandbox.lanes import Lane, Pool
from journeyman.sandbox.remote import RemoteSandbox
from journeyman.sandbox.sandbox import Limits, Sandbox, SandboxError, SandboxUnavailable
from journeyman.sandbox.template import Template
from journeyman.sandbox.usage import held

MAX_LAYERS = 200
"""Frozen layers below one sandbox; from then on a fork copies what differs from the repository."""


class LaneSandbox(RemoteSandbox):
    """See `RemoteSandbox`.

    Args:
        layers: how many frozen layers lie below what it writes.
    """

    def __init__(
        self,
        channel: Channel,
        template: Template,
        *,
        variables: Mapping[str, str],
        limits: Limits,
        pool: Pool,
        lane: Lane,
        layers: int,
        facts: Mapping[str, str],
    ) -> None:
        super().__init__(
            channel,
            template,
            variables=variables,
            end=partial(_end, pool, lane),
            again=partial(open_on, pool, template, variables, limits),
            facts=facts,
        )
        self._limits, self._pool, self._lane, self._layers = limits, pool, lane, layers

    def fork(self) -> Sandbox:
        """See `Sandbox.fork`. What was written becomes a layer that both have; nothing is copied."""
        if self.facts["workspace"] != "overlay" or self._layers >= MAX_LAYERS:
            return super().fork()
        with self._channel.quiet():
            layers = self._lane.freeze()
        self._layers += 1
        try:
            return open_on(self._pool, self._template, self._variables, self._limits, layers)
        finally:
            for layer in layers:
                os.close(layer)


def open_on(
    pool: Pool, template: Template, variables: Mapping[str, str], limits: Limits, layers: Sequence[int] = ()
) -> Sandbox:
    """A new sandbox on a lane of the pool, over the repository and mounts of frozen layers, oldest first.

    Raises:
        SandboxUnavailable: the kernel refuses something; the message says what.
    """
    with held(template.folder.parent):
        lane = pool.take()
        try:
            channel, facts = lane.launch(f"{template.folder.parent.name}/{template.folder.name}", limits, layers)
        except BaseException as error:
            lane.end()
            pool.give(lane, good=False)
            if isinstance(error, SandboxError):
                raise SandboxUnavailable(str(error)) from error
            raise
        return LaneSandbox(
            channel,
            template,
            variables=variables,
            limits=limits,
            pool=pool,
            lane=lane,
            layers=len(layers),
            facts={"memory limit": lane.memory, **facts},
        )


def _end(pool: Pool, lane: Lane) -> None:
    pool.give(lane, lane.end())
