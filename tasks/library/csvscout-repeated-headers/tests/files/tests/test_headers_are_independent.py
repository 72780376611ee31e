import pytest

from csvscout import read_table, unique_names


def test_same_header_twice():
    header = ["Name", "Price"]
    assert unique_names(header) == ["name", "price"]
    assert unique_names(header) == ["name", "price"]


def test_many_files_with_the_same_header():
    for number in range(5):
        table = read_table(f"sku,amount\nA{number},{number}\n")
        assert table.columns == ["sku", "amount"]
        assert table.rows == [{"sku": f"A{number}", "amount": number}]


def test_numbers_start_anew_with_each_header():
    for _ in range(3):
        assert unique_names(["fee", "Fee", "fee"]) == ["fee", "fee_2", "fee_3"]


def test_empty_names_are_numbered_within_one_header():
    for _ in range(2):
        assert unique_names(["", "total", "#"]) == ["column", "total", "column_2"]


def test_number_that_stands_in_the_header_already_is_skipped():
    assert unique_names(["tax_2", "tax", "tax"]) == ["tax_2", "tax", "tax_3"]


def test_reserved_names_are_left_alone():
    reserved = {"id"}
    assert unique_names(["id", "zone"], reserved) == ["id_2", "zone"]
    assert reserved == {"id"}
    assert unique_names(["id", "zone"], reserved) == ["id_2", "zone"]


def test_reserved_names_do_not_reach_the_next_call():
    unique_names(["row"], {"row"})
    assert unique_names(["row"]) == ["row"]


@pytest.mark.parametrize("reserved", [frozenset({"key"}), set()])
def test_empty_and_frozen_reserved_names(reserved):
    expected = ["key_2"] if reserved else ["key"]
    assert unique_names(["key"], reserved) == expected


def test_header_may_be_an_iterator():
    assert unique_names(iter(["depth", "depth"])) == ["depth", "depth_2"]
# journeyman-canary-3bebfaddd0cbeb3de197cf04886f9803
