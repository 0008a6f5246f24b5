"""What is migrated: the catalog of legacy entities and everything derived from it.

A leaf package: it imports nothing of the pipeline. An entity is described once, in
`services/<service>.toml`; the extract query, the Polars expressions, the contracts, the target DDL,
the load order, the verification SQL and the documentation all follow from that entry.
"""
