"""Database adapters, one folder each; the core finds them through entry points."""
