_kept = []


def register(function):
    _kept.append(function)
    return function


def registered():
    return [function.__name__ for function in _kept]
