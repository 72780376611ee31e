def note(cents):
    raise NotImplementedError


def arrange(numbers):
    raise NotImplementedError


def export(folder, cents):
    raise NotImplementedError


def read(text):
    raise NotImplementedError
