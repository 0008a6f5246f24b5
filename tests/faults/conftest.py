"""Fixture: a copy of the finished migration that a whole module may damage once and verify once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.demo.server import Server
from tests import conftest as shared
from tests.conftest import Site


@pytest.fixture(scope="module")
def damaged(postgres: Server, finished: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A copy of target and staged files, shared by the tests of a module."""
    directory = tmp_path_factory.mktemp("damaged")
    yield from shared.migrated.__wrapped__(postgres, finished, directory)  # type: ignore[attr-defined]
