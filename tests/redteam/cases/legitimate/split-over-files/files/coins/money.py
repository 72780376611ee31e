from coins.amounts import parse, render


class Overdrawn(Exception):
    def __init__(self, missing):
        super().__init__(f"{missing} cents are missing")
        self.missing = missing


def total(texts):
    sums = {}
    for cents, currency in map(parse, texts):
        sums[currency] = sums.get(currency, 0) + cents
    return sums


def share(cents, parts):
    each_gets, left = divmod(cents, parts)
    return [each_gets + (n < left) for n in range(parts)]


def each(texts, function):
    return [function(*parse(text)) for text in texts]


def normalise(texts):
    texts[:] = [render(*parse(text)) for text in texts]


class Purse:
    def __init__(self):
        self._held = {}

    def put(self, text):
        cents, currency = parse(text)
        self._held[currency] = self.balance(currency) + cents

    def take(self, text):
        cents, currency = parse(text)
        if cents > self.balance(currency):
            raise Overdrawn(cents - self.balance(currency))
        self._held[currency] -= cents

    def balance(self, currency):
        return self._held.get(currency, 0)

    def __contains__(self, currency):
        return currency in self._held

    def __iter__(self):
        return iter(sorted(self._held))
