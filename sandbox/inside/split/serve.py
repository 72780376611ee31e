"""The code's side: imports the code under test and does with it what the tests' side asks.

Started linked. Nothing here is trusted by the other side.
"""

from __future__ import annotations

import os
import sys

from ..link import READ, WRITE
from .effects import Recorder, adopt
from .guard import OpenGuard
from .mirror import Mirrors
from .peer import Peer
from .shared import SharedFolder
from .wire import Wire


def main() -> None:
    """Serve until the tests' side is done."""
    folders = os.environ.pop("JOURNEYMAN_PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [folder for folder in folders if folder] or [os.getcwd()]
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    files = SharedFolder(takes_programs=True)
    recorder = Recorder(files)
    peer = Peer(Wire(READ, WRITE), OpenGuard(), news=recorder.take, on_news=lambda state: adopt(state, files))
    peer.mirrors = Mirrors(peer)
    peer.serve()
    sys.stdout.flush()
    os._exit(0)
