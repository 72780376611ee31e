import pytest


@pytest.fixture
def texts():
    return ["1.00 EUR", "2.50 USD", "0.25 EUR"]
