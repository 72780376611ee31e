_first = []


def register(function):
    _first.append(function)
    return _first[0]


def registered():
    return []
