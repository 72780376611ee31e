"""Landlock, a third wall beside mounts and the system call filter (Linux 5.19; signals and sockets: 6.12).

No device node can be made and no mount changed, and neither a signal nor a connection to an abstract socket leaves the
sandbox. Where files may be written is left to the mounts: rules for folders would not outlive a `freeze`, which mounts
the workspace anew.
"""
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH106, PTH107, PTH108, PTH110, PTH112, PTH114, PTH115, PTH116, PTH120, PTH123, PTH208,
# ruff: noqa: PTH211, RUF100, SIM105, TID251
# (pathlib and contextlib cost start-up time; and started by the launcher this package is called `inside`)

from __future__ import annotations

import os
import struct

from . import kernel as k

MAKE_CHARACTER_DEVICE, MAKE_BLOCK_DEVICE, REFER = 1 << 6, 1 << 11, 1 << 13
ABSTRACT_SOCKETS, SIGNALS = 1, 2
PATH_BENEATH = 1


def restrict() -> int:
    """Put the rules over this process and all that it starts. Needs `PR_SET_NO_NEW_PRIVS`.

    Returns the version in force; 0 where there is none, or the first, by which no file could move to another folder.
    """
    version = k.landlock_version()
    if version < 2:
        return 0
    handled = MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE | REFER
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = k.landlock_rules(struct.pack("QQQ", handled, 0, ABSTRACT_SOCKETS | SIGNALS)[:size])
    everywhere = os.open("/", os.O_PATH | os.O_DIRECTORY)
    k.landlock_allow(rules, PATH_BENEATH, struct.pack("=Qi", REFER, everywhere))  # else any rule at all forbids it
    k.landlock_restrict(rules)
    for handle in (everywhere, rules):
        os.close(handle)
    return version
