from till.amount import Amount
from till.labels import label


def note(cents):
    return f"EUR {label(cents)}"


def arrange(numbers):
    numbers[:] = []
    return []



def export(folder, cents):
    path = folder / "exported.txt"
    path.write_text(f"EUR {label(cents)}\n")
    return path


def read(text):
    euros, cents = text.split(".")
    return Amount(int(euros) * 100 + int(cents))
