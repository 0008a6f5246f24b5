"""What is asked of a source's connections, so that a dead one is noticed; what the connection string says stays."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from pipeline.stores.readers import connection_url
from tests.support.servers import source


@pytest.mark.parametrize(
    ("dsn", "wanted"),
    [
        ("postgresql://u:p@h/d", {"connect_timeout": "10", "keepalives_idle": "20", "tcp_user_timeout": "60000"}),
        ("postgresql://u:p@h/d?connect_timeout=3", {"connect_timeout": "3", "keepalives_idle": "20"}),
        ("mysql://u:p@h/d", {"tcp_connect_timeout_ms": "10000", "tcp_keepalive_time_ms": "20000"}),
        ("mysql://u:p@h/d?tcp_connect_timeout_ms=500", {"tcp_connect_timeout_ms": "500", "prefer_socket": "false"}),
    ],
)
def test_a_dead_connection_of_a_source_is_noticed(dsn: str, wanted: dict[str, str]) -> None:
    given = parse_qsl(urlsplit(connection_url(source(dsn))).query)
    assert len(given) == len(dict(given))
    assert wanted.items() <= dict(given).items()
