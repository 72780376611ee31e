def add_up(path):
    raise NotImplementedError


def keep(path, sums):
    raise NotImplementedError


def visit(amounts, function):
    raise NotImplementedError
