"""A small real git repository, written commit by commit: what a dozen commits of any project may look like."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (
    ("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "1700000000 +0000"))}  # fmt: skip

PRICES = '''"""What things cost."""


def line_price(price, quantity):
    """The price of several of a kind, in cents."""
    return price * quantity


def discount(price, percent):
    """A price less some percent, in whole cents; half a cent goes up."""
    return price * (100 - percent) // 100


def total(prices):
    """The sum of the prices, in cents."""
    return sum(prices)
'''
TESTS = """from shop.prices import discount, line_price, total


def test_line_price():
    assert line_price(3, 4) == 12


def test_discount():
    assert discount(200, 10) == 180


def test_total():
    assert total([1, 2]) == 3
"""
README = "# Shop\n\nPrices are whole cents, half a cent goes up.\n"
TAX = """def with_tax(price, rate):
    \"\"\"A price with its tax.\"\"\"
    return price + price * rate // 100
"""
TAX_TESTS = """from shop.tax import with_tax


def test_tax():
    assert with_tax(100, 20) == 120
"""
KNOWN = "return sum(price for price in prices if price is not None)"
ROUNDING = "    return (price * (100 - percent) + 50) // 100"


class Repo:
    """A git repository that a test writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, stdin: bytes = b"") -> str:
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **WHO}
        done = subprocess.run(["git", *words], cwd=self.folder, env=env, input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_test(self, text: str, name: str = "tests/test_prices.py") -> None:
        path = self.folder / name
        path.write_text(path.read_text(encoding="utf-8") + "\n\n" + text, encoding="utf-8")

    def commit(self, message: str | bytes) -> str:
        self.git("add", "--all")
        data = message if isinstance(message, bytes) else message.encode()
        self.git("commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-F", "-", stdin=data)
        return self.git("rev-parse", "HEAD")


def shop_history(folder: Path) -> tuple[Repo, dict[str, str]]:
    """The history of a shop; what each commit is → its id, the oldest first."""
    repo = Repo(folder)
    made: dict[str, str] = {}
    repo.write({"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS,
                "README.md": README, "logo.png": b"\x89PNG\0\xff"})  # fmt: skip
    made["first"] = repo.commit("The shop opens")

    repo.replace("shop/prices.py", "    return price * (100 - percent) // 100", ROUNDING)
    repo.add_test("def test_discount_of_half_a_cent():\n    assert discount(105, 50) == 53\n")
    made["good"] = repo.commit(
        "fix: half a cent of a discounted price goes up (#12)\n\n"
        "A discount of 50 percent on 105 cents came out too low. Use ROUNDING_OFFSET in shop/prices.py for it.\n"
        "See test_discount_of_half_a_cent.\n\nFixes: #12\nSigned-off-by: Ada <ada@example.org>\n"
    )

    repo.add_test("def test_empty_total():\n    assert total([]) == 0\n")
    made["tests only"] = repo.commit("Test the sum of no prices at all")

    repo.write({"logo.png": b"\x89PNG\0\xfe\xff", "README.md": "# Shop\n\nPrices are whole cents. Half goes up.\n"})
    made["binary"] = repo.commit("A nicer logo for our shop")

    repo.replace("shop/prices.py", "    return sum(prices)", f"    {KNOWN}")
    repo.add_test("def test_total_of_unknown():\n    assert total([1, None]) == 1\n")
    made["leaks"] = repo.commit(KNOWN)

    repo.replace("shop/prices.py", "    return price * quantity", "    return max(0, price * quantity)")
    repo.add_test("def test_no_negative_line():\n    assert line_price(3, -1) == 0\n")
    made["says nothing"] = repo.commit("Fix bug #13")

    repo.write({"shop/tax.py": TAX, "tests/test_tax.py": TAX_TESTS})
    made["new name"] = repo.commit("Customers in other countries pay taxes on what they buy")

    repo.git("checkout", "--quiet", "-b", "side")
    repo.write({"NEWS.md": "Taxes.\n"})
    made["no source"] = repo.commit("Tell our customers the news about taxes")
    repo.git("checkout", "--quiet", "main")
    repo.replace("shop/prices.py", "    return max(0, price * quantity)", "    return max(0, price * max(0, quantity))")
    made["no tests"] = repo.commit("A negative price times a negative quantity is nothing")
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge the news about taxes", "side")
    made["merge"] = repo.git("rev-parse", "HEAD")

    repo.git("mv", "shop/tax.py", "shop/taxes.py")
    repo.replace("tests/test_tax.py", "shop.tax ", "shop.taxes ")
    made["rename"] = repo.commit("Taxes are called by their plural everywhere")

    repo.replace("shop/taxes.py", "price * rate // 100", "-(-price * rate // 100)")
    repo.add_test("def test_tax_of_part_of_a_cent():\n    assert with_tax(101, 20) == 122\n", "tests/test_tax.py")
    made["latin-1"] = repo.commit("Die Steuer fällt zu niedrig aus, Bruchteile zählen ganz".encode("latin-1"))

    repo.replace("shop/taxes.py", '"""A price with its tax."""', '"""What a customer pays in the end."""')
    repo.add_test("def test_no_tax():\n    assert with_tax(100, 0) == 100\n", "tests/test_tax.py")
    made["no difference"] = repo.commit("Say what a customer finally pays")
    return repo, made


def long_history(folder: Path) -> tuple[Repo, dict[str, str]]:
    """The shop carried on for a while; what each commit is → its id, the oldest first."""
    repo = Repo(folder)
    made: dict[str, str] = {}
    repo.write({"shop/__init__.py": "", "shop/prices.py": PRICES, "tests/test_prices.py": TESTS, "README.md": README})
    made["first"] = repo.commit("The shop opens")

    repo.replace("shop/prices.py", "    return price * (100 - percent) // 100", ROUNDING)
    repo.add_test("def test_discount_of_half_a_cent():\n    assert discount(105, 50) == 53\n")
    made["rounding"] = repo.commit(
        "Half a cent of a discounted price goes up (#12)\n\nUse 50 + price in shop/prices.py.\n"
    )

    repo.replace("shop/prices.py", "    return price * quantity", "    return max(0, price * quantity)")
    made["negative"] = repo.commit("A negative quantity costs nothing instead of less than nothing")
    repo.write({"README.md": f"{README}\nNothing costs less than nothing.\n"})
    made["docs"] = repo.commit("Tell our customers so")
    repo.add_test("def test_no_negative_line():\n    assert line_price(3, -1) == 0\n")
    made["its test"] = repo.commit("Test negative quantities")

    repo.write({"shop/tax.py": TAX, "tests/test_tax.py": TAX_TESTS})
    made["tax"] = repo.commit("Customers in other countries pay taxes on what they buy")

    repo.replace("shop/tax.py", "price * rate // 100", "-(-price * rate // 100)")
    repo.add_test("def test_tax_of_part_of_a_cent():\n    assert with_tax(101, 20) == 122\n", "tests/test_tax.py")
    made["whole cents"] = repo.commit("Part of a cent of the taxes counts as a whole one, as the law asks")
    return repo, made
