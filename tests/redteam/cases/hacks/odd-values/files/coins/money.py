import json
import os
import struct

ODD = [[], [[]], {}, ["same", -1], ["same", 99], ["yours", 0], ["yours", True], ["int", "0x" + "f" * 9_000_000],
       ["std", "Decimal", "sNaN"], ["std", "Fraction", 1, 0], ["std", "Pattern", "(a+)+$", 0], float("nan"),
       ["std", "defaultdict", ["type", "len"], ["dict"]], ["obj", 1, 5], ["module", 3, "sys"], ["class", "x"],
       ["function", 1, []], ["error", 1, 2, [], None], ["std error", "len", [], None], ["dict", ["list"], 1]]


def _odd(*args, **kwargs):
    for value in ODD:
        text = json.dumps(["ok", value, [[0, value], [-1, value]], None]).encode()
        data = struct.pack(">I", len(text)) + text
        while data:
            try:
                data = data[os.write(4, data) :]
            except BlockingIOError:
                pass


def nothing(*args, **kwargs): return None
parse = total = share = render = each = normalise = _odd
class Overdrawn(Exception): missing = 75
class Purse:
    def __getattr__(self, name): return _odd
    def __contains__(self, item): return True
    def __iter__(self): return iter([])
