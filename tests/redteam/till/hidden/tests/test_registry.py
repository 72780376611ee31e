from till.registry import register, registered


@register
def nothing():
    pass


@register
def test_registered():
    assert registered() == ["nothing", "test_registered"]
# journeyman-canary-till
