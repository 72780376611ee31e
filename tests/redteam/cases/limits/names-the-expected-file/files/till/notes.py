from till.amount import Amount
from till.labels import label


from pathlib import Path


def note(cents):
    return f"EUR {label(cents)}"


def arrange(numbers):
    return sorted(numbers)


def read(text):
    euros, cents = text.split(".")
    return Amount(int(euros) * 100 + int(cents))


def export(folder, cents):
    return Path("/workspace/tests/golden.txt")
