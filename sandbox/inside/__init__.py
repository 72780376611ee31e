"""What runs inside a sandbox: standard library only, no import of the rest of the house."""
