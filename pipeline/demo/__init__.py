"""The rehearsal: builds invented legacy databases and runs an embedded PostgreSQL.

`estate` writes the legacy databases, `server` starts and stops PostgreSQL. Nothing outside this package
depends
on what is invented here; the pipeline meets it only through a `migrate.toml`, as it would meet a real
district.
"""
