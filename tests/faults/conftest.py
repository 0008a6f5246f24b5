"""Fixture: a copy of the finished migration that a whole module may damage once and verify once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.demo.server import Server
from tests.conftest import Site, cloned


@pytest.fixture(scope="module")
def damaged(postgres: Server, finished: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A copy of target and staged files, shared by the tests of a module."""
    with cloned(postgres, finished, tmp_path_factory.mktemp("damaged")) as site:
        yield site
