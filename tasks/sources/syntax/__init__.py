"""JavaScript, TypeScript, Go and Rust as trees: functions, single-fault mutations, tests cut out, bodies stubbed."""
