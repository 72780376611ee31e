"""From what people say to what training eats."""
