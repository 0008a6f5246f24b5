"""Fixtures: databases that a whole module may damage, or fill again and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.demo.estate import Estate
from pipeline.demo.server import Server
from tests.support.site import Site, cloned, emptied


@pytest.fixture(scope="module")
def damaged(postgres: Server, finished: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A copy of the finished migration, shared by the tests of a module."""
    with cloned(postgres, finished, tmp_path_factory.mktemp("damaged")) as site:
        yield site


@pytest.fixture(scope="module")
def intact(postgres: Server, finished: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A copy of the finished migration whose databases nobody changes."""
    with cloned(postgres, finished, tmp_path_factory.mktemp("intact")) as site:
        yield site


@pytest.fixture(scope="module")
def bench(
    postgres: Server, estate: Estate, empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """An estate and empty service databases, shared by the tests of a module."""
    with emptied(postgres, estate, empty_template, tmp_path_factory.mktemp("bench")) as site:
        yield site
