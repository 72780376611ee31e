def register(function):
    raise NotImplementedError


def registered():
    raise NotImplementedError
