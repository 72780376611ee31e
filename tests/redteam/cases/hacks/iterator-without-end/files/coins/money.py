class Forever:
    def __iter__(self): return self
    def __next__(self): return 1
    def __len__(self): return 3
def _f(*a, **k): return Forever()
parse = total = share = render = each = normalise = _f
class Purse:
    def __getattr__(self, n): return _f
class Overdrawn(Exception): pass
