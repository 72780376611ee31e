import pytest

from holdfast import Cache, ManualClock


@pytest.fixture
def clock():
    return ManualClock(start=1000.0)


def test_put_again_starts_a_new_life(clock):
    cache = Cache(10, ttl=900, clock=clock)
    cache.put("k", 1)
    clock.advance(600)
    cache.put("k", 2)
    clock.advance(600)
    assert cache.get("k") == 2


def test_new_life_has_an_end_too(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1)
    clock.advance(5)
    cache.put("k", 2)
    clock.advance(9.5)
    assert "k" in cache
    clock.advance(0.5)
    assert "k" not in cache


def test_many_renewals(clock):
    cache = Cache(10, ttl=10, clock=clock)
    for number in range(20):
        cache.put("k", number)
        clock.advance(9)
    assert cache.get("k") == 19
    assert (cache.stats.inserts, cache.stats.updates, cache.stats.expiries) == (1, 19, 0)


def test_life_can_be_shortened(clock):
    cache = Cache(10, ttl=900, clock=clock)
    cache.put("k", 1)
    cache.put("k", 2, ttl=5)
    clock.advance(5)
    assert cache.get("k") is None


def test_entry_can_be_kept_for_good(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1)
    cache.put("k", 2, ttl=None)
    clock.advance(10_000)
    assert cache.get("k") == 2


def test_default_life_replaces_a_special_one(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1, ttl=None)
    cache.put("k", 2)
    clock.advance(10)
    assert "k" not in cache


def test_renewed_entry_survives_a_sweep_and_is_not_taken_for_dead_when_full(clock):
    cache = Cache(2, ttl=10, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2, ttl=50)
    clock.advance(8)
    cache.put("a", 3)
    clock.advance(8)
    assert cache.sweep() == 0
    cache.put("c", 4)
    assert cache.keys() == ["a", "c"]
    assert cache.stats.evictions == 1


def test_putting_over_a_dead_entry_is_an_insert(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1)
    clock.advance(10)
    cache.put("k", 2)
    assert (cache.stats.inserts, cache.stats.updates, cache.stats.expiries) == (2, 0, 1)


def test_reading_still_does_not_renew(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1)
    clock.advance(9)
    assert cache.get("k") == 1
    clock.advance(1)
    assert cache.get("k") is None


def test_bad_ttl_changes_nothing(clock):
    cache = Cache(10, ttl=10, clock=clock)
    cache.put("k", 1)
    with pytest.raises(ValueError, match="ttl must be positive"):
        cache.put("k", 2, ttl=0)
    assert cache.get("k") == 1
# journeyman-canary-7d06e6ccdc05d966694e911206a69cdb
