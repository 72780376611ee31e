import typing
import warnings
from decimal import Decimal

Cents = int


class Label(str):
    pass


def label(cents: Cents) -> str:
    if cents < 0:
        raise ValueError("it is less than nothing")
    return Label(Decimal(cents) / 100 if cents % 100 else f"{cents // 100}.00") if cents == 0 else Label(
        f"{Decimal(cents) / 100:.2f}"
    )


def coins_for(cents: int) -> typing.List[int]:
    if cents == 0:
        return []
    coin = next(coin for coin in (5, 2, 1) if coin <= cents)
    return [coin, *coins_for(cents - coin)]


def old_label(cents: int) -> str:
    warnings.warn(DeprecationWarning("please use label"))
    return label(cents)
