"""Episodes as documents for people: a summary for a pull request, a recording of a terminal."""
