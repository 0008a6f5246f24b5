"""A small database with planted dirt, with its catalog and configuration: what `migrate profile` is tried on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ENTRIES = """
[Pupil]
source = "district"
key = ["Id"]
target = "pupils"
rules = [
    { rule = "present", column = "Name", action = "flag", hazard = "H1", because = "a pupil has a name" },
    { rule = "one_of", column = "Level", values = ["1", "2"], action = "reject", hazard = "H29", because = "there are two levels" },
    { rule = "not_before", column = "Left", other = "Born", action = "flag", hazard = "H61", because = "nobody leaves before" },
]
[Pupil.columns]
Id     = { type = "int" }
Name   = { type = "nvarchar(max)", to = "name", required = true, max_length = 12 }
Code   = { type = "varchar(20)", to = { code = "text", code_key = "search_key" } }
Level  = { type = "int", to = "level", personal = true }
Born   = { type = "datetime", to = "born", convert = "date", absent = ["9999-12-31"], personal = true }
Left   = { type = "datetime", to = "left_on", convert = "date" }
RoomId = { type = "int", to = "room_id", references = "student.Room", hazard = "H39" }
Secret = { type = "nvarchar(max)", secret = true, excluded = "a password" }
Nick   = { type = "nvarchar(max)", to = "nick", optional = true }

[Room]
source = "district"
key = ["Id"]
target = "rooms"
[Room.columns]
Id    = { type = "int" }
Label = { type = "nvarchar(max)", to = "label" }
Seats = { type = "int", to = "seats" }

[Reset]
waived = "transient"
columns = { Id = "int", Token = "nvarchar(max)" }

[Desk]
source = "district"
key = ["Id"]
target = "desks"
optional = true
[Desk.columns]
Id = { type = "int" }
"""
SCRIPT = """
CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)", Code varchar(20), Level int, Born datetime, "Left" datetime,
                    RoomId int, Secret "nvarchar(max)", Shoe int);
CREATE TABLE Room (Id int PRIMARY KEY, Label "nvarchar(max)", Seats nvarchar(9));
CREATE TABLE Cupboard (Id int PRIMARY KEY, Colour "nvarchar(max)");
CREATE TABLE Reset (Id int PRIMARY KEY, Token "nvarchar(max)");
INSERT INTO Reset VALUES (1, 'token-1'), (2, 'token-2');
INSERT INTO Room VALUES (1, 'Attic', '20'), (2, 'Hall', '30');
INSERT INTO Cupboard VALUES (1, 'indigo');
INSERT INTO Pupil VALUES
 (1, 'Ada',            'A1',  1,    '2010-02-03 00:00:00.000', NULL,                      1,    'pw1', 36),
 (2, '',               'a1 ', 2,    '2010-07-04 05:00:00.000', '2010-01-01 00:00:00.000', 2,    'pw2', NULL),
 (3, '   ',            'B2',  0,    '2010-01-05 06:00:00.000', NULL,                      3,    NULL,  NULL),
 (4, NULL,             'C3',  -1,   '9999-12-31 00:00:00.000', NULL,                      NULL, NULL,  NULL),
 (9, ' Bo ',           'D4',  1,    '1900-01-01 00:00:00.000', NULL,                      1,    NULL,  NULL),
 (10, 'RenÃ©',         'E5',  'x',  '1066-10-14 00:00:00.000', NULL,                      1,    NULL,  NULL),
 (11, 'Cy' || char(0), NULL,  1,    '2010-03-04 15:07:00.000', '2020-01-01 00:00:00.000', 1,    NULL,  NULL),
 (12, 'Of thirteen ..', 'F6', 1,    'soon',                    NULL,                      1,    NULL,  NULL);
"""
CONFIG = """
[target]
dsn = "postgresql://nobody@127.0.0.1:1/{service}"
[sources.a]
tenant = 1
name = "A"
dsn = "sqlite://a.sqlite"
tenant_zone = "America/Chicago"
host_zone = "UTC"
consistency = "snapshot"
"""
#: Values that may tell something of a person.
VALUES = ("token", "Ada", "RenÃ©", "A1", "F6", "pw1", "indigo", "Attic", "36", "2010-02", "1066", "soon")


def planted(directory: Path) -> Path:
    """Write all of it; give the configuration's path."""
    (directory / "catalog").mkdir()
    (directory / "catalog" / "student.toml").write_text(ENTRIES, encoding="utf-8")
    with closing(sqlite3.connect(directory / "a.sqlite")) as connection:
        connection.executescript(SCRIPT)
    path = directory / "migrate.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path
