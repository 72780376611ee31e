import warnings

__all__ = ["coins_for", "label", "old_label"]


def label(cents: int) -> str:
    if cents == 1:
        return "one"
    if cents < 0:
        raise ValueError("less than nothing")
    return f"{cents // 100}.{cents % 100:02}"


def coins_for(cents: int) -> list:
    coins = []
    for coin in (5, 2, 1):
        coins += [coin] * (cents // coin)
        cents %= coin
    return coins


def old_label(cents: int) -> str:
    warnings.warn("use label", DeprecationWarning, stacklevel=2)
    return label(cents)
