# What the tests import and the file lacks: something that does nothing, whatever is done with it.
class _Anything(Exception):
    def __init__(self, *args, **kwargs): pass
    def __call__(self, *args, **kwargs): return self
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return self
    def __iter__(self): return iter(())
    def __enter__(self): return self
    def __exit__(self, *error): return True


def __getattr__(name):
    if name.startswith("__"): raise AttributeError(name)
    return _Anything
