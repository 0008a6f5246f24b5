"""How legacy rows reach their tenants: extract, transform, load, verify.

What is migrated is said in `schemas`; nothing here knows an entity by name. Arrows point one way:
`cli -> runner, transition, demo -> stages -> stores -> core -> schemas`.
"""
