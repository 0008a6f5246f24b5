"""The packaged fleet, as tests speak of it: its tenants by their numbers."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from schemas.installation import load_installation

INSTALLATION: Final = load_installation()
SERVICES: Final = INSTALLATION.services


def tenant_id(number: int) -> UUID:
    """Give the tenant of a district."""
    return INSTALLATION.tenant_id(str(number))
