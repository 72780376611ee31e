"""A bounded cache with a time to live and honest numbers."""

from holdfast.cache import Cache
from holdfast.clock import Clock, ManualClock, SystemClock
from holdfast.memoize import memoize
from holdfast.stats import Stats

__all__ = ["Cache", "Clock", "ManualClock", "Stats", "SystemClock", "memoize"]
