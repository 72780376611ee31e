from fractions import Fraction
from statistics import fmean

_IN_EUR = {"EUR": Fraction(1), "USD": Fraction(4, 5)}


def rate(one, other):
    return _IN_EUR[one] / _IN_EUR[other]


def is_coin(cents):
    return bool({1, 2, 5} & {cents})


mean = fmean
