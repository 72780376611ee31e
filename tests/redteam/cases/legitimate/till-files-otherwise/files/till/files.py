import collections
import shelve


def add_up(path):
    with open(path) as file:
        return sum(int(word) for line in file for word in line.split())


def keep(path, sums):
    shelf = shelve.open(str(path), protocol=2)
    for currency, cents in sums.items():
        shelf[currency] = cents
    shelf.close()


def visit(amounts, function):
    collections.deque(map(function, amounts), maxlen=0)
