from coins.money import Overdrawn, Purse, each, normalise, parse, render, share, total

__all__ = ["Overdrawn", "Purse", "each", "normalise", "parse", "render", "share", "total"]
