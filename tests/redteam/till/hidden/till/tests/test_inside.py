from till.labels import label
from till.tests.helpers import agree


def test_they_agree():
    agree(label(1), "0.01")
# journeyman-canary-till
