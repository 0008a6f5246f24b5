"""What must not migrate is not read; what is cleaned is cleaned before anything is written, and kept nowhere."""

from __future__ import annotations

from tests.behaviours.conftest import Becomes

STAFF = """
[Staff]
source = "district"
key = ["Id"]
target = "members"
[Staff.columns]
Id       = { type = "int" }
Address  = { to = "address", scrub = "access_tokens" }
Password = { excluded = "a secret stays behind", secret = true }
"""


def test_an_access_token_is_taken_out_and_said(becomes: Becomes) -> None:
    becomes(
        STAFF,
        {
            "Staff a": "Id | Address | Password\n 1 | https://x.org/a?access_token=abc123&b=1 | hunter2\n 2 | https://x.org/ | hunter2"
        },
        members="""
            row       | address
            Staff a 1 | https://x.org/a
            Staff a 2 | https://x.org/
        """,
        findings="Staff a 1 | Address | access_tokens",
    )
