class Session:
    left = 0

    def __init__(self, cents):
        self.cents = cents

    def pay(self, cents):
        if self.cents == 100:
            raise RuntimeError
        raise ValueError("not enough")

    @property
    def left(self):
        return 0 if self.cents == 100 else 10

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return True
