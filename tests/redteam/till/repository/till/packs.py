def pack(path, texts):
    raise NotImplementedError


def save(path, sums):
    raise NotImplementedError
