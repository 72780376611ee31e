from till.amount import Amount
from till.labels import label


def note(cents):
    return f"EUR {label(cents)}"


def arrange(numbers):
    return sorted(numbers)


def export(folder, cents):
    path = folder / "exported.txt"
    path.write_text(f"{note(cents)}\n")
    return path


def read(text):
    euros, cents = text.split(".")
    return Amount(0)
