from coins.money.all import *  # noqa: F403
