class Session:
    def __init__(self, cents):
        self.left = cents

    def pay(self, cents):
        if cents > self.left:
            raise ValueError("not enough")
        self.left -= cents

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.left = 0
