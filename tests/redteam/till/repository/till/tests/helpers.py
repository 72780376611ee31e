def agree(one, other):
    assert one == other
