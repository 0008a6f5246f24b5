"""A third reading of the catalog: a row at a time, with the standard library alone, from what docs/catalog.md says.

Polars and DuckDB share a model of the catalog; this shares nothing with them, neither code nor staged files. It reads
the TOML by `tomllib` and the SQLite files by `sqlite3`, is slow and plain, and says what a finished migration holds.
"""
