"""Pages of the product with their help, videos, tools and presentations; which districts a video is shown to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import date
from random import Random

from pipeline.demo.catalogue import INTERVENTIONS, SYSTEM_GRADES
from pipeline.demo.stamps import instant, instant_or_none
from pipeline.demo.tables import Row, insert

PAGES = ("home", "students", "sections", "assessments", "interventions", "reports")
_VIDEO = (
    "Id VideoName ChapterStartTime ParentVideoId EncodedVideoURL VideoFileName Description VideoLength FileExtension"
    " FileSize LastModified SortOrder VideoStreamId ThumbnailURL"
)
_FILE = "Id ToolName ToolFileName Description SortOrder FileSystemFileName LastModified FileSize FileExtension"


def fill_media(connection: sqlite3.Connection, *, districts: Iterable[int], seed: int, last_year: int) -> None:
    """Write pages and what is shown on them, and the print settings; `districts` are shown every second video."""
    random = Random(f"{seed}/login/media")
    _fill_pages(connection)
    insert(connection, "Video", _VIDEO, _videos(random, "guide", 8, last_year))
    insert(
        connection,
        "NSInterventionVideo",
        f"{_VIDEO} ModifiedDate ModifiedBy",
        (
            (*row, instant_or_none(random, last_year - 1), random.choice(("editor@product.example", None)))
            for row in _videos(random, "lesson", 10, last_year)
        ),
    )
    for table, kind in (("Tool", "form"), ("Presentation", "slides")):
        insert(connection, table, _FILE, _files(random, kind, last_year))
    for table, column, count in (
        ("PageVideo", "VideoId", 8),
        ("PageTool", "ToolId", 5),
        ("PagePresentation", "PresentationId", 5),
    ):
        pairs = [(random.randint(1, len(PAGES)), shown) for shown in range(1, count + 1)]
        # A pair twice, as nothing in legacy forbids (H60).
        insert(connection, table, f"Id PageId {column}", ((n, *p) for n, p in enumerate([*pairs, pairs[0]], 1)))
    _fill_links(connection, random, districts, last_year)


def _fill_pages(connection: sqlite3.Connection) -> None:
    insert(
        connection,
        "NSPage",
        "Id Path BriefDescription Title",
        ((key, f"/{page}", f"About {page}", page.title()) for key, page in enumerate(PAGES, 1)),
    )
    insert(
        connection,
        "NSPageHelp",
        "Id Path HelpPlaceHolder1 HelpPlaceHolder2 HelpPlaceHolder10",
        (
            (key, f"/{page}", f"<p>What is {page}?</p>", "" if key % 2 else None, "<p>Ask your district.</p>")
            for key, page in enumerate(PAGES, 1)
        ),
    )
    insert(connection, "NorthStarVersion", "Id Version", ((1, 1), (2, 1.5), (3, 2.25)))
    insert(
        connection,
        "PrintSetting",
        "Id Url PrintLandscape PrintMultiPage FitHeight FitWidth StretchToFit HtmlViewerWidth HtmlViewerHeight"
        " ForcePortraitPageSize ConversionDelay",
        (
            (key, f"/{page}/print?id=0", key % 2, 1, None, 1, 0, 1024, None, key % 3 == 0, 2 if key > 2 else None)
            for key, page in enumerate(PAGES, 1)
        ),
    )


def _videos(random: Random, kind: str, count: int, last_year: int) -> Iterable[Row]:
    """Give videos of which every third is a chapter of the first."""
    for key in range(1, count + 1):
        name = f"{kind}-{key}.mp4"
        yield (
            key,
            f"{kind.title()} {key}",
            60 * key if key % 3 == 0 else None,
            1 if key % 3 == 0 else None,
            f"https://videos.example/{kind}/{key}/master.m3u8",
            name,
            f"What {kind} {key} shows",
            random.choice(("4:05", "12 min", "", None)),
            ".mp4",
            f"{random.randint(5, 90)} MB",
            instant(random, date(last_year - key % 4, 6, key)),
            key,
            f"{random.getrandbits(64):016x}",
            f"https://videos.example/{kind}/{key}.jpg",
        )


def _files(random: Random, kind: str, last_year: int) -> Iterable[Row]:
    for key in range(1, 6):
        yield (
            key,
            f"{kind.title()} {key}",
            f"{kind} {key}.pdf",
            None if key == 2 else f"For {kind} {key}",
            key,
            f"{random.getrandbits(64):016x}.pdf",
            instant(random, date(last_year - key % 4, 7, key)) if key != 3 else None,
            random.randint(10_000, 900_000),
            ".pdf",
        )


def _fill_links(connection: sqlite3.Connection, random: Random, districts: Iterable[int], last_year: int) -> None:
    shown = [(video, district) for district in districts for video in range(1, 11, 2)]
    insert(
        connection,
        "NSInterventionVideoDistrict",
        "Id InterventionVideoId DistrictId",
        ((number, *pair) for number, pair in enumerate(shown, 1)),
    )
    insert(
        connection,
        "NSInterventionVideoNSIntervention",
        "Id InterventionTypeId InterventionVideoId SortOrder ModifiedDate ModifiedBy",
        (
            (
                video,
                random.randint(1, len(INTERVENTIONS)),
                video,
                random.choice((video, None)),
                instant_or_none(random, last_year - 1),
                random.choice(("editor@product.example", None)),
            )
            for video in range(1, 11)
        ),
    )
    insert(
        connection,
        "InterventionVideoGrade",
        "Id InterventionVideoId GradeId",
        ((video, video, SYSTEM_GRADES + random.randint(1, 5)) for video in range(1, 11)),
    )
