from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Amount:
    cents: int

    def __add__(self, other):
        return Amount(self.cents + other.cents) if type(other) is Amount else NotImplemented

    def __mul__(self, times):
        return Amount(self.cents * times)

    __rmul__ = __mul__
