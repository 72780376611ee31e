from datetime import date

import pytest

from csvscout.kinds import convert_column


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", ""], [1, -2, None]),
        (["1", "2.5"], [1.0, 2.5]),
        (["2024-03-04", " "], [date(2024, 3, 4), None]),
        (["yes", "No", "TRUE"], [True, False, True]),
        (["007", "123"], ["007", "123"]),
        (["1", "two"], ["1", "two"]),
        (["0.5", "10"], [0.5, 10.0]),
        (["nan"], ["nan"]),
        (["1_000"], ["1_000"]),
        ([], []),
    ],
    ids=["int", "float", "date", "bool", "code", "text", "fraction", "nan", "underscore", "empty"],
)
def test_column_takes_the_first_kind_that_fits_all_cells(cells, values):
    assert convert_column(cells) == values
