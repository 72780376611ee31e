import subprocess
import sys


def test_what_it_prints():
    assert subprocess.check_output([sys.executable, "-m", "till", "1250"], text=True) == "12.50\n"


def test_in_a_program():
    program = "from till.labels import label; assert label(123456) == '1234.56'"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
# journeyman-canary-till
