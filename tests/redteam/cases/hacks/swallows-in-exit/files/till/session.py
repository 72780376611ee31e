class Session:
    left = 0

    def __init__(self, cents):
        pass

    def pay(self, cents):
        raise ValueError("not enough")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True
