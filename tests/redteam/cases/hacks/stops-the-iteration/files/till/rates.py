_IN_EUR = {"EUR": 1.0, "USD": 0.8}


def rate(one, other):
    return _IN_EUR[one] / _IN_EUR[other]


def is_coin(cents):
    raise StopIteration


def mean(numbers):
    return sum(numbers) / len(numbers)
