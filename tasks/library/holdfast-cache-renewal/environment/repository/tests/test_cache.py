import pytest

from holdfast import Cache, ManualClock


@pytest.fixture
def clock():
    return ManualClock()


def test_get_and_default(clock):
    cache = Cache(2, clock=clock)
    cache.put("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b") is None
    assert cache.get("b", 7) == 7


def test_least_recently_used_goes_first(clock):
    cache = Cache(2, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.keys() == ["a", "c"]
    assert cache.stats.evictions == 1


def test_put_replaces_the_value_and_counts_as_use(clock):
    cache = Cache(2, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 10)
    cache.put("c", 3)
    assert cache.get("a") == 10
    assert "b" not in cache
    assert cache.stats.updates == 1


def test_entry_is_dead_at_its_deadline(clock):
    cache = Cache(2, ttl=10, clock=clock)
    cache.put("a", 1)
    clock.advance(9.5)
    assert cache.get("a") == 1
    clock.advance(0.5)
    assert cache.get("a") is None
    assert cache.stats.expiries == 1


def test_reading_does_not_lengthen_a_life(clock):
    cache = Cache(2, ttl=10, clock=clock)
    cache.put("a", 1)
    clock.advance(6)
    cache.get("a")
    clock.advance(6)
    assert "a" not in cache


def test_ttl_of_one_entry(clock):
    cache = Cache(3, ttl=10, clock=clock)
    cache.put("short", 1, ttl=1)
    cache.put("forever", 2, ttl=None)
    clock.advance(100)
    assert cache.keys() == ["forever"]


def test_dead_entries_make_room_before_live_ones_are_evicted(clock):
    cache = Cache(2, clock=clock)
    cache.put("old", 1)
    cache.put("brief", 2, ttl=1)
    clock.advance(2)
    cache.put("new", 3)
    assert cache.keys() == ["old", "new"]
    assert cache.stats.evictions == 0


def test_pop(clock):
    cache = Cache(2, ttl=5, clock=clock)
    cache.put("a", 1)
    assert cache.pop("a") == 1
    assert cache.pop("a", "gone") == "gone"


def test_sweep_and_len(clock):
    cache = Cache(3, ttl=5, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2, ttl=50)
    clock.advance(5)
    assert len(cache) == 1
    assert cache.sweep() == 1
    assert cache.sweep() == 0


@pytest.mark.parametrize("ttl", [0, -1])
def test_ttl_must_be_positive(clock, ttl):
    with pytest.raises(ValueError, match="ttl must be positive"):
        Cache(2, clock=clock).put("a", 1, ttl=ttl)


def test_hit_rate(clock):
    cache = Cache(2, clock=clock)
    assert cache.stats.hit_rate == 0.0
    cache.put("a", 1)
    cache.get("a")
    cache.get("b")
    assert cache.stats.hit_rate == 0.5
