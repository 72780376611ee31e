def label(cents):
    raise NotImplementedError


def coins_for(cents):
    raise NotImplementedError


def old_label(cents):
    raise NotImplementedError
