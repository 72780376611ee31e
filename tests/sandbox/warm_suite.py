"""A repository whose tests look at everything that could tell a warm run from a cold one, and print it."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "pytest.ini": "[pytest]\npython_files = test_*.py\nmarkers =\n    odd: a mark\n",
    "other.ini": "[pytest]\npython_files = check_*.py\naddopts = -q --strict-markers\nfilterwarnings = error\n",
    "check_warning.py": "import warnings\ndef test_w(): warnings.warn('turned into an error')\n",
    # What an own plugin does: order, an option, a fixture that breaks, a line in the header.
    "conftest.py": """\
import pytest
def pytest_addoption(parser): parser.addoption("--shout", action="store_true")
def pytest_report_header(config): return f"shout: {config.getoption('--shout')}"
def pytest_collection_modifyitems(items): items.sort(key=lambda item: hash(item.name) % 97)
@pytest.fixture
def broken(): raise RuntimeError("no fixture")
""",
    "src/shapes/__init__.py": '"""\n>>> area(2, 3)\n6\n>>> area(2, 2)\n5\n"""\nfrom .json import area\n',
    "src/shapes/json.py": "def area(a, b):\n    return a * b\n",  # a standard module's name where it shadows nothing
    "test_outcomes.py": """\
import unittest, warnings
import pytest
from shapes import area
def test_passes(): assert area(2, 3) == 6
def test_fails(): assert {"a": area(2, 3), "b": [1, 2]} == {"a": 7, "b": [1, 3]}
def test_raises(): raise ValueError("größe")
def test_cannot_begin(broken): pass
@pytest.mark.parametrize("n", [1, "two", None, float("nan")])
def test_parametrised(n): assert n
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail
def test_unexpected(): pass
@pytest.mark.unknown
def test_warns(): warnings.warn("old", DeprecationWarning)
class TestUnit(unittest.TestCase):
    def test_unit(self): self.assertEqual(1, 2)
    def test_sub(self):
        for n in range(2):
            with self.subTest(n=n): self.assertEqual(n, 0)
def test_stops(): pytest.exit("enough") if False else None
""",
    "test_streams.py": """\
import os, sys
import pytest
def test_both(capfd):
    print("out"); os.write(2, b"err"); sys.stderr.write("more")
    assert capfd.readouterr() == ("out\\n", "errmore")
def test_shown(): print("shown"); assert False
def test_stdin():
    with pytest.raises(OSError): input()
    assert os.read(0, 10) == b""
""",
    "test_children.py": """\
import multiprocessing, os, subprocess, sys, threading
def square(n): return n * n
def test_a_child_of_our_interpreter():
    code = "import sys, os, json; print(sys.flags, sys.path, os.environ['PYTHONPATH'], os.getcwd(), hash('x'))"
    print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
def test_fork():
    with multiprocessing.get_context("fork").Pool(2) as pool: assert pool.map(square, [1, 2]) == [1, 4]
def test_spawn():
    with multiprocessing.get_context("spawn").Pool(1) as pool: assert pool.map(square, [1, 2]) == [1, 4]
def test_thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(threading.main_thread().name)); thread.start(); thread.join()
    assert seen == ["MainThread"]
def test_group():
    print(os.getpid() == os.getpgrp(), os.getsid(0) == os.getpid())
    if os.fork() == 0: os.setsid(); os._exit(0)
    assert os.wait()[1] == 0
""",
    "harm/test_harm.py": """\
import atexit, json, os, sys
def test_harms_the_interpreter():
    json.dumps = lambda *_: "harmed"; os.environ["HARM"] = "1"; sys.path.insert(0, "/harm")
    sys.modules["harm"] = sys; sys.setrecursionlimit(2000); os.umask(0o077); os.chdir("/tmp"); os.open("/dev/null", 0)
    os.chdir("/workspace")
def test_is_harmed(): print(json.dumps({}))
atexit.register(print, "at exit")
""",
    "test_ctypes.py": """\
import collections, ctypes, functools, os, pickle, re, signal
class Last:
    def __del__(self): os.write(2, b"the last one\\n")
last = Last()
def test_pointers():
    assert ctypes.pointer(ctypes.c_int(5)).contents.value == 5
    assert ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)(1) == 2
    assert ctypes.CDLL(None).abs(-3) == 3
def test_pickles():
    values = [collections.OrderedDict(a=1), re.compile("a+"), signal.SIGINT, functools.partial(int, "3")]
    assert str(pickle.loads(pickle.dumps(values))) == str(values)
""",
    "ends/test_ends.py": """\
import atexit, os, threading, time, weakref
import loose
class Ring:
    def __init__(self): self.itself = self
    def __del__(self): os.write(1, b"the ring\\n")
def test_leaves_things_open():
    global ring
    ring = Ring()
    atexit.register(print, "exit handler"); weakref.finalize(ring, print, "finalizer")
    threading.Thread(target=lambda: (threading.main_thread().join(), os.write(1, b"late thread\\n"))).start()
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
""",
    "ends/loose.py": """\
import os
open_file = os.fdopen(os.dup(1), "w")
open_file.write("in a buffer\\n")
class Last:
    def __del__(self): os.write(1, b"the last one\\n")
last = Last()
""",
    "ends/test_elsewhere.py": """\
import os, shutil
def test_leaves_a_file_where_it_is_none_of_its_business():
    shutil.left = os.fdopen(os.dup(1), "w")
    shutil.left.write("in a buffer of others\\n")
""",
    "test_state.py": """\
import sys
MODULES = sorted(sys.modules)
import atexit, gc, inspect, locale, logging, os, random, resource, signal, stat, tempfile, threading, time, warnings
import pytest
def show(*values): print(*values, sep="\\n")
def test_interpreter():
    show(sys.flags, sys.argv, sys.orig_argv, sys.executable, sys.prefix, sys.base_prefix, sys.warnoptions)
    show(sys._xoptions, sys.path, sys.meta_path, len(sys.path_hooks), sys.excepthook, sys.gettrace(), sys.getprofile())
    show(sys.getrecursionlimit(), sys.getswitchinterval(), sys.dont_write_bytecode, pytest.__file__)
def test_modules(): show(MODULES, [name for name in sys.modules if "inside" in name or "journeyman" in name])
def test_main():
    main = sys.modules["__main__"]
    show({name: value for name, value in vars(main).items() if name != "__builtins__"}, type(main.__builtins__))
def test_environment():
    show(sorted(os.environ.items()), os.getcwd(), sorted(map(str, os.environb.items())), time.tzname)
def test_process():
    wanted = "Name Umask Uid Gid Groups SigBlk SigCgt SigPnd CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp"
    lines = open("/proc/self/status").read().splitlines()
    show([line for line in lines if line.split(":")[0] in wanted.split()], open("/proc/self/oom_score_adj").read())
    show([resource.getrlimit(number) for number in range(16)], os.nice(0), os.stat("/proc/self/environ").st_uid)
    show({int(number): str(signal.getsignal(number)) for number in signal.valid_signals()})
def test_descriptors():
    show([(number, stat.S_IFMT(os.fstat(int(number)).st_mode)) for number in os.listdir("/proc/self/fd")
          if os.path.exists(f"/proc/self/fd/{number}")])
def test_streams():
    for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        show(stream, stream.buffer.raw, stream.mode, stream.errors, stream.newlines, stream.line_buffering,
             stream.isatty(), stream.write_through, stream.seekable(), stream.readable(), stream.writable(),
             stream.fileno())
def test_modules_of_a_young_process():
    main = threading.main_thread()
    show(warnings.filters, atexit._ncallbacks(), gc.isenabled(), gc.get_threshold(), locale.setlocale(locale.LC_ALL))
    show(main.native_id == os.getpid(), main.ident == threading.get_ident(), threading.active_count(), tempfile.tempdir)
    show(0 <= time.time() - logging._startTime < 60, time.process_time() < 30)
def test_hashes(): show(hash("abc"), list({"b", "a", "c"}))
def test_depth(): show(len(inspect.stack(0)) > 20)
def test_random(tmp_path): print(tmp_path.name); open("/workspace/random", "a").write(f"{random.random()}\\n")
""",
    "broken/test_import.py": "import nowhere\n",
    "broken/test_syntax.py": "def test_(:\n",
    "deaths/test_abort.py": "import os\ndef test_abort(): print('before'); os.abort()\n",
    "deaths/test_term.py": "import os, signal\ndef test_term(): os.kill(os.getpid(), signal.SIGTERM)\n",
    "deaths/test_exit.py": "import os\ndef test_exit(): os._exit(7)\n",
    "deaths/test_interrupt.py": "def test_interrupt(): raise KeyboardInterrupt\n",
    "deaths/test_system_exit.py": "import pytest\ndef test_exit(): pytest.exit('enough', returncode=9)\n",
    "deaths/conftest.py": "",
    "deaths/crash/conftest.py": "1 / 0\n",
}

COMMANDS = (
    "python -m pytest -v -rA --continue-on-collection-errors --doctest-modules"
    " --ignore=deaths --ignore=harm --ignore=ends",
    "pytest -rA test_state.py test_children.py --shout",
    ["/opt/env/bin/python3", "-m", "pytest", "-rA", "test_state.py"],
    ["pytest", "-x", "test_outcomes.py", "--tb=long", "-l"],
    "pytest -q -k 'parametrised and not two' 'test_outcomes.py' 2>&1",
    "pytest 'test_outcomes.py::test_parametrised[two]' -p no:cacheprovider",
    "python -m pytest -c other.ini",
    "pytest -o 'python_files=check_*.py' -o addopts=-ra --rootdir=/workspace/src check_warning.py",
    "pytest -rA harm",
    "pytest -q test_ctypes.py",
    "pytest -q ends/test_ends.py",
    "pytest -q ends/test_elsewhere.py",
    "pytest --collect-only -q",
    "pytest --lf -q test_outcomes.py",
    "pytest --junitxml=/tmp/j.xml -q test_streams.py",
    "pytest nowhere.py",
    "pytest --no-such-option",
    "pytest --version",
    "pytest deaths/test_abort.py",
    ["pytest", "deaths/test_abort.py"],
    "pytest deaths/test_term.py",
    "pytest deaths/test_exit.py",
    "pytest deaths/test_interrupt.py",
    "pytest deaths/test_system_exit.py",
    "pytest deaths/crash",
)


def write(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
