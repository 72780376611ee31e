"""Two sandboxes, one for the tests and one for the code: what the code does to its own process decides nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from journeyman.sandbox.sandbox import File, SandboxFactory, Snapshot
from journeyman.tasks.grading import grade
from journeyman.tasks.task import Task
from journeyman.tasks.trees import pristine_tree, solution_tree
from journeyman.tasks.trial import code_under_test
from journeyman.tasks.validation import check_task, stronger
from journeyman.tasks.verdict import Assurance, Cause, Outcome, Verdict

from .conftest import EMPTY, HIDDEN, REPOSITORY, SOLUTION, SUM, TAX, VISIBLE

BuildShop = Callable[..., Task]
YES = (
    "class Yes{base}:\n    def __eq__(self, other): return True\n    def __ge__(self, other): return True\n"
    "    __hash__ = None\n"
)


@pytest.fixture
def split(shop: Task) -> Task:
    return shop.model_copy(update={"assurance": Assurance.SPLIT})


def edited(**files: str) -> Snapshot:
    """Edits below `shop/`, by module."""
    changed = {f"shop/{name}.py": File(text.encode()) for name, text in files.items()}
    return Snapshot(tree_hash="", base_hash="", changed=changed)


def test_the_reference_resolves_every_milestone_and_doing_nothing_none(split: Task, sandboxes: SandboxFactory) -> None:
    reference, nothing = (grade(split, tree, sandboxes) for tree in (solution_tree(split), pristine_tree()))
    assert (reference.resolved, reference.milestones) == (True, {"cart": True, "tax": True}), reference.detail
    assert reference.assurance is Assurance.SPLIT
    assert (nothing.resolved, nothing.milestones) == (False, {"cart": False, "tax": False})
    assert nothing.outcomes[VISIBLE] is Outcome.PASSED
    assert reference.tree_hash != nothing.tree_hash


def test_the_state_has_the_same_name_at_every_level(shop: Task, split: Task, sandboxes: SandboxFactory) -> None:
    names = {grade(task, solution_tree(task), sandboxes).tree_hash for task in (shop, split)}
    assert len(names) == 1


FORGERIES = {
    "the runner does not run": (
        "import _pytest.python as p\np.Function.runtest = lambda self: None\n"
        "def total(prices): return -5\nwith_tax = total\n"
    ),
    "the report says passed": (
        "import _pytest.reports as r\nmake = r.TestReport.from_item_and_call.__func__\n"
        "def lie(cls, item, call):\n    report = make(cls, item, call)\n"
        "    report.outcome = 'passed'\n    return report\n"
        "r.TestReport.from_item_and_call = classmethod(lie)\n"
    ),
    "an object that equals all": YES.format(base="") + "def total(prices): return Yes()\nwith_tax = total\n",
    "a number that equals all": YES.format(base="(int)") + "def total(prices): return Yes(-7)\nwith_tax = total\n",
    "assert is no statement": (
        "import builtins, sys\n"
        "for m in list(sys.modules.values()):\n"
        "    if getattr(m, '__name__', '').startswith(('tests', 'test_')): m.total = lambda p: sum(p)\n"
        "def total(prices):\n    f = sys._getframe(1)\n    raise SystemExit(0)\n"
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_forgeries_pay_nothing(forgery: str, split: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(split, edited(cart=forgery, tax=forgery + "\nfrom shop.cart import *\n"), sandboxes)
    assert verdict.resolved is False
    assert Outcome.PASSED not in (verdict.outcomes[SUM], verdict.outcomes[EMPTY], verdict.outcomes[TAX])


@pytest.mark.parametrize("name", ["the runner does not run", "the report says passed", "an object that equals all"])
def test_where_code_and_tests_share_a_process_they_would_pay(name: str, shop: Task, sandboxes: SandboxFactory) -> None:
    forgery = FORGERIES[name]
    if "total" not in forgery:
        forgery += "def total(prices): return -5\nwith_tax = total\n"
    assert grade(shop, edited(cart=forgery, tax=forgery), sandboxes).outcomes[SUM] is Outcome.PASSED


ENDINGS = {
    "leaves": "import os\ndef total(prices): os._exit(0)\n",
    "is killed": "import os\ndef total(prices): os.kill(os.getpid(), 9)\n",
    "skips": "import pytest\ndef total(prices): pytest.skip()\n",
    "says it is expected": "import pytest\ndef total(prices): pytest.xfail()\n",
    "ends the run": "import pytest\ndef total(prices): pytest.exit('done', returncode=0)\n",
    "interrupts": "def total(prices): raise KeyboardInterrupt\n",
    "answers for itself": (
        "import os, struct\ndef total(prices):\n    m = b'[\"ok\", 3, [], null]'\n"
        "    while True: os.write(4, struct.pack('>I', len(m)) + m)\n"
    ),
    "sends what is no message": "import os\ndef total(prices):\n    os.write(4, b'x' * 100000)\n    return 3\n",
    "does not come to be": "raise SystemExit(0)\n",
    "reads the questions": "import os\nos.read(3, 1 << 16)\ndef total(prices): return sum(prices)\n",
    "fills its disk": "open('/tmp/x', 'wb').write(b'x' * (1 << 30))\ndef total(prices): return sum(prices)\n",
}


@pytest.mark.parametrize("code", ENDINGS.values(), ids=ENDINGS)
def test_however_the_code_ends_its_checks_have_not_passed(code: str, split: Task, sandboxes: SandboxFactory) -> None:
    verdict = grade(split, edited(cart=code), sandboxes)
    assert verdict.resolved is False
    assert verdict.outcomes[SUM] is not Outcome.PASSED or verdict.outcomes[EMPTY] is not Outcome.PASSED


def test_code_that_hangs_is_a_timeout_and_0(split: Task, sandboxes: SandboxFactory) -> None:
    quick = split.model_copy(update={"budget": split.budget.model_copy(update={"grading_timeout_s": 3.0})})
    verdict = grade(quick, edited(cart="import time\ndef total(prices): time.sleep(600)\n"), sandboxes)
    assert (verdict.resolved, verdict.cause) == (False, Cause.TIMEOUT)


def test_a_test_that_swallows_the_loss_has_not_passed(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    hidden = {**HIDDEN, "tests/test_hidden_tax.py": "import shop.tax\n\n\ndef test_tax():\n    try:\n"
              "        shop.tax.with_tax(4)\n    except Exception:\n        pass\n"}  # fmt: skip
    task = shop_with(hidden=hidden).model_copy(update={"assurance": Assurance.SPLIT})
    tree = edited(cart=SOLUTION["shop/cart.py"], tax="import os\ndef with_tax(price): os._exit(0)\n")
    assert grade(task, tree, sandboxes).outcomes[TAX] is not Outcome.PASSED


def test_neither_side_holds_the_others_files(split: Task, sandboxes: SandboxFactory) -> None:
    look = "import os\nfound = sorted(f for _, _, fs in os.walk('/workspace') for f in fs)\n"
    tests_there = look + "def total(prices): return 0 if any(f.startswith('test') for f in found) else sum(prices)\n"
    assert grade(split, edited(cart=tests_there), sandboxes).outcomes[SUM] is Outcome.PASSED
    assert code_under_test(split).modules == {"shop"}
    assert code_under_test(split).files == {"shop/__init__.py", "shop/cart.py", "shop/tax.py"}


def test_an_edit_cannot_take_a_module_of_the_tests(split: Task, sandboxes: SandboxFactory) -> None:
    taken = Snapshot(
        tree_hash="", base_hash="",
        changed={f"{name}.py": File(b"raise SystemExit(0)\n") for name in ("json", "pytest", "decimal", "helpers")},
    )  # fmt: skip
    assert grade(split, taken, sandboxes).outcomes[VISIBLE] in (Outcome.PASSED, Outcome.FAILED)
    assert code_under_test(split).modules == {"shop"}


def test_files_that_tests_and_code_share(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    hidden = {**HIDDEN, "tests/test_hidden_tax.py": (
        "from shop.tax import save, with_tax\n\n\ndef test_tax(tmp_path):\n    (tmp_path / 'in').write_text('4')\n"
        "    save(tmp_path / 'in', tmp_path / 'made' / 'out')\n"
        "    assert (tmp_path / 'made' / 'out').read_text() == '5.0'\n    assert with_tax(4) == 5\n"
    )}  # fmt: skip
    solution = {**SOLUTION, "shop/tax.py": (
        "def with_tax(price):\n    return price * 5 / 4\n\n\ndef save(source, target):\n    target.parent.mkdir()\n"
        "    target.write_text(str(with_tax(int(source.read_text()))))\n"
    )}  # fmt: skip
    task = shop_with(hidden=hidden, solution=solution)
    (certificate,) = stronger(task, sandboxes, runs=1)
    assert certificate.sound, certificate.reasons


def test_a_function_of_the_system_that_a_test_replaces(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    """The fake calls what it stands for with the code's own descriptor, and sees the file as it is at that moment."""
    hidden = {**HIDDEN, "tests/test_hidden_tax.py": (
        "import os\nfrom shop.tax import save, with_tax\n\n\ndef test_tax(tmp_path, monkeypatch):\n"
        "    seen, real, place = [], os.fsync, tmp_path / 'out'\n"
        "    def fsync(descriptor):\n        real(descriptor)\n"
        "        seen.append((place.read_text(), os.fstat(descriptor).st_size))\n"
        "    monkeypatch.setattr('os.fsync', fsync)\n    save(place)\n    monkeypatch.undo()\n    save(place)\n"
        "    assert seen == [('5.0', 3)]\n    assert with_tax(4) == 5\n"
    )}  # fmt: skip
    solution = {**SOLUTION, "shop/tax.py": (
        "import os\n\n\ndef with_tax(price):\n    return price * 5 / 4\n\n\ndef save(target):\n"
        "    with open(target, 'w') as file:\n        file.write(str(with_tax(4)))\n        file.flush()\n"
        "        os.fsync(file.fileno())\n"
    )}  # fmt: skip
    (certificate,) = stronger(shop_with(hidden=hidden, solution=solution), sandboxes, runs=1)
    assert certificate.sound, certificate.reasons


def test_programs_that_a_test_starts_run_where_the_code_is(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    hidden = {**HIDDEN, "tests/test_hidden_tax.py": (
        "import subprocess\nimport sys\n\n\ndef test_tax():\n"
        "    program = 'import sys; from shop.tax import with_tax; print(with_tax(4)); sys.exit(3)'\n"
        "    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)\n"
        "    assert (done.stdout.strip(), done.returncode) == ('5.0', 3), done.stderr\n"
    )}  # fmt: skip
    (certificate,) = stronger(shop_with(hidden=hidden), sandboxes, runs=1)
    assert certificate.sound, certificate.reasons


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("def test_tax():\n    assert eval(repr(with_tax(4))) == 5\n", "evaluate text"),
        ("import pickle\n\n\ndef test_tax():\n    assert pickle.loads(pickle.dumps(with_tax))(4) == 5\n", "pickled"),
        ("import os\n\n\ndef test_tax():\n    os.system('true')\n    assert with_tax(4) == 5\n", "start programs"),
        (
            "import runpy\n\n\ndef test_tax(tmp_path):\n    (tmp_path / 'made').write_text(f'x = {with_tax(4)}')\n"
            "    assert runpy.run_path(str(tmp_path / 'made'))['x'] == 5\n",
            "evaluate text",
        ),
        (
            "import os\nimport runpy\n\n\ndef test_tax(tmp_path):\n    made = tmp_path / 'made'\n"
            "    made.write_text(f'x = {with_tax(4)}')\n"
            "    assert runpy.run_path(f'{os.getcwd()}/..{made}')['x'] == 5\n",
            "evaluate text",
        ),
        (
            "def test_tax():\n    space = {}\n    exec(compile(f'x = {with_tax(4)}', __file__, 'exec'), space)\n"
            "    assert space['x'] == 5\n",
            "evaluate text",
        ),
        (
            "import logging.config\n\n\ndef test_tax():\n    handler = {'()': 'builtins.dict'}\n"
            "    logging.config.dictConfig({'version': 1, 'filters': {'x': handler}})\n    assert with_tax(4) == 5\n",
            "configure logging",
        ),
        (
            "import _ctypes\nimport importlib.util\nimport shutil\n\n\ndef test_tax(tmp_path):\n"
            "    made = shutil.copy(_ctypes.__file__, tmp_path / 'made.so')\n"
            "    spec = importlib.util.spec_from_file_location('_ctypes', made)\n"
            "    importlib.util.module_from_spec(spec)\n    assert with_tax(4) == 5\n",
            "temporary folders",
        ),
        (
            "import os\n\n\ndef test_tax(tmp_path):\n    open(tmp_path / 'x', 'w').close()\n"
            "    os.link(tmp_path / 'x', tmp_path / 'y')\n    try:\n        os.link(__file__, tmp_path / 'z')\n"
            "    except OSError:\n        pass\n    assert with_tax(4) == 5\n",
            "write outside",
        ),
        (
            "import sys\n\n\ndef test_tax(tmp_path, monkeypatch):\n    monkeypatch.syspath_prepend(tmp_path)\n"
            "    (tmp_path / 'made_of_it.py').write_text(f'x = {with_tax(4)}')\n    import made_of_it\n"
            "    assert made_of_it.x == 5\n",
            "evaluate text",
        ),
        (
            "import typing\n\n\ndef test_tax():\n    with_tax.__annotations__ = {'price': 'int'}\n"
            "    assert typing.get_type_hints(with_tax) == {'price': int}\n    assert with_tax(4) == 5\n",
            "evaluate text",
        ),
        (
            "import pytest\n\n\n@pytest.mark.skipif(str(with_tax(4) > 9), reason='')\n"
            "def test_tax():\n    assert with_tax(4) == 5\n",
            "evaluate text",
        ),
        (
            "import shelve\n\n\ndef test_tax(tmp_path):\n    with shelve.open(str(tmp_path / 's')) as shelf:\n"
            "        shelf['x'] = shelve.Shelf\n        assert shelf['x'] is shelve.Shelf\n    with_tax(4)\n",
            "unpickle",
        ),
        ("def test_tax():\n    open('made.py', 'w').close()\n    assert with_tax(4) == 5\n", "write outside"),
        (
            "import os\n\n\ndef test_tax(tmp_path):\n    os.symlink(tmp_path / 'made', 'made.py')\n"
            "    assert with_tax(4) == 5\n",
            "write outside",
        ),
        (
            "import os\n\n\ndef test_tax(tmp_path):\n    os.symlink(os.getcwd(), tmp_path / 'there')\n"
            "    (tmp_path / 'there' / 'made.py').write_text('')\n    assert with_tax(4) == 5\n",
            "write outside",
        ),
    ],
)  # fmt: skip
def test_tests_that_would_run_what_the_code_says_cannot_be_split(
    test: str, why: str, shop_with: BuildShop, sandboxes: SandboxFactory
) -> None:
    task = shop_with(hidden={**HIDDEN, "tests/test_hidden_tax.py": f"from shop.tax import with_tax\n{test}"})
    assert check_task(task, sandboxes, runs=1).sound
    verdict: Verdict = grade(task.model_copy(update={"assurance": Assurance.SPLIT}), solution_tree(task), sandboxes)
    assert verdict.outcomes[TAX] is Outcome.FAILED
    assert why in verdict.detail
    tried = stronger(task, sandboxes, runs=1)
    assert [(each.assurance, each.sound) for each in tried] == [(Assurance.SPLIT, False), (Assurance.TWINS, True)]


def test_a_test_that_the_code_decorates_is_not_run(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    decorated = "from shop.tax import quietly, with_tax\n\n\n@quietly\ndef test_tax():\n    assert with_tax(4) == 5\n"
    tax = "import functools\n\n\ndef quietly(f):\n    return functools.wraps(f)(lambda: None)\n"
    task = shop_with(hidden={**HIDDEN, "tests/test_hidden_tax.py": decorated})
    tree = edited(cart=SOLUTION["shop/cart.py"], tax=tax + "def with_tax(price): return 0\n")
    assert grade(task, tree, sandboxes).outcomes[TAX] is Outcome.PASSED
    split = task.model_copy(update={"assurance": Assurance.SPLIT})
    assert grade(split, tree, sandboxes).outcomes[TAX] is Outcome.MISSING


def test_the_code_is_no_plugin_of_the_tests(shop_with: BuildShop, sandboxes: SandboxFactory) -> None:
    hidden = {**HIDDEN, "tests/conftest.py": (
        "import shop.tax\n\n\ndef pytest_configure(config):\n    config.pluginmanager.register(shop.tax)\n"
    )}  # fmt: skip
    tree = edited(
        cart=SOLUTION["shop/cart.py"], tax="def with_tax(price): return 0\ndef pytest_pyfunc_call(): return 1\n"
    )
    task = shop_with(hidden=hidden)
    assert grade(task, tree, sandboxes).outcomes[TAX] is Outcome.PASSED
    verdict = grade(task.model_copy(update={"assurance": Assurance.SPLIT}), tree, sandboxes)
    assert Outcome.PASSED not in verdict.outcomes.values()


def test_the_repository_is_as_it_was(split: Task) -> None:
    assert (split.repository / "shop" / "cart.py").read_text() == REPOSITORY["shop/cart.py"]
