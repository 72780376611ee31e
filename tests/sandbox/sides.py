"""The two sides of a split run in one process, the code's in a thread."""

from __future__ import annotations

import os
import sys
import threading
import types
from pathlib import Path

from journeyman.sandbox.inside.split.guard import OpenGuard, TestsGuard
from journeyman.sandbox.inside.split.mirror import Mirrors
from journeyman.sandbox.inside.split.peer import Peer
from journeyman.sandbox.inside.split.wire import Wire

CODE = '''
import enum
from collections import namedtuple
from contextlib import contextmanager
from dataclasses import dataclass

class Kind(enum.IntEnum):
    ONE = 1

class Colour(enum.Enum):
    RED = "r"

Point = namedtuple("Point", "x y")

class BadValue(ValueError):
    code = 7

@dataclass(frozen=True)
class Money:
    amount: int
    def __add__(self, other):
        return Money(self.amount + other.amount)
    def __lt__(self, other):
        return self.amount < other.amount

class Yes:
    """Says yes to everything."""
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    def __rsub__(self, other): return 0
    def __contains__(self, item): return True

class YesInt(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__

class Shelf:
    def __init__(self): self.items = ["a", "b"]
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def __getitem__(self, key): return self.items[key]
    def __contains__(self, item): return item in self.items

class Documented:
    def __init__(self, text): self.text = text
    @property
    def __doc__(self): return self.text

class Multi(dict):
    """Many values of a key; the last one counts."""
    def __init__(self, pairs):
        for key, value in pairs: dict.setdefault(self, key, []).append(value)
    def __getitem__(self, key): return dict.__getitem__(self, key)[-1]
    def __iter__(self): return dict.__iter__(self)
    def getlist(self, key): return list(dict.__getitem__(self, key))
    def values(self): return [self[key] for key in self]
class Frozen(dict):
    def __hash__(self): return 7
    def changed(self, key, value): return Frozen({**self, key: value})
class Recent(dict):
    def __init__(self): self.hits = 0
    def __getitem__(self, key):
        self.hits += 1
        return dict.__getitem__(self, key)
class YesDict(dict):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __contains__(self, item): return True
    def hello(self): return "hello"
class YesSet(set):
    def issubset(self, other): return True
    def isdisjoint(self, other): return True
    def difference(self, other): return set()
    def __sub__(self, other): return set()
    def __le__(self, other): return True
    def __contains__(self, item): return True
    def hello(self): return "hello"

def send(sock, data):
    sock.settimeout(3)
    sock.sendall(data)
def copied(value):
    import copy
    return copy.copy(value)
def fill(items, more): items.extend(more); return items
def apply(function, *args, **kwargs): return function(*args, **kwargs)
def count(n):
    for i in range(n): yield i
@contextmanager
def quietly(log):
    log("in")
    try: yield 5
    except KeyError as error: log(error.args[0])
def bad(): raise BadValue("no", 3)
def worse():
    try: bad()
    except ValueError as error: raise RuntimeError("worse") from error
def steal(thing, name): return getattr(thing, name)
def same(a): return a
def parameters(function):
    import inspect
    return str(inspect.signature(function))
def leave(): raise SystemExit(3)
def interrupt(): raise KeyboardInterrupt
def big(): return "x" * (20 * 1024 * 1024)
'''


class Sides:
    """The tests' side of a pair whose other side runs in a thread."""

    def __init__(self) -> None:
        module = types.ModuleType("code_under_test")
        sys.modules[module.__name__] = module
        exec(CODE, module.__dict__)
        (read_there, write_here), (read_here, write_there) = os.pipe(), os.pipe()
        self.tests = Peer(Wire(read_here, write_here, 10), TestsGuard(str(Path(__file__).parent)), is_trusted=True)
        self.tests.mirrors = Mirrors(self.tests)
        self.code = Peer(Wire(read_there, write_there, 10), OpenGuard())
        self.code.mirrors = Mirrors(self.code)
        self.handles = (read_here, write_here, read_there, write_there)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        self.code.serve()

    def close(self) -> None:
        os.close(self.handles[1])
        self.thread.join(10)
        for handle in (self.handles[0], *self.handles[2:]):
            os.close(handle)
