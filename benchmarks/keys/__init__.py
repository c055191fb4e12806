"""Keyed creates that are sent again and again, at once and with cut connections, while the web
processes are killed (docs/benchmarks.md, Keys)."""
