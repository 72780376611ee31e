"""`journeyman bench sandbox`: how fast this machine's sandboxes are, beside what else is installed."""
