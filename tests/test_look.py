"""The look as far as it can be computed: contrast of every text and ground in use, one palette, nothing inline."""

import datetime
import re
from itertools import product
from pathlib import Path

import pytest
from django.utils.formats import date_format

ROOT = Path(__file__).resolve().parent.parent
COLOURS = (ROOT / "static/css/colours.css").read_text()
ADMIN = (ROOT / "static/css/admin.css").read_text()

# Ink → the grounds that it stands on somewhere.
PAIRS = [
    *product(["ink", "quiet", "accent", "saw", "claims", "leap", "fault"], ["card", "ground"]),
    *product(["ink", "accent"], ["saw-pale", "claims-pale", "leap-pale", "fault-pale"]),  # notices and links in them
    *((source, f"{source}-pale") for source in ("saw", "claims", "leap", "fault")),
    ("quiet", "leap-pale"),  # the second line of a chosen row
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-fault", "fault"),
]
DRAWN = {
    "light": "ground #f6f7f5 card #ffffff ink #17211c quiet #5c6a63 line #dde3de accent #0b6e4f leap #0b6e4f "
    "saw #3b5b92 claims #a15c00 fault #b3261e",
    "dark": "ground #101513 card #181f1c ink #e8eeea quiet #9aa8a1 line #2b3530 accent #4fc397 leap #4fc397 "
    "saw #9db8ea claims #e9b25a fault #f2a09a",
}


def colours(css: str) -> dict[str, str]:
    """Return name → #rrggbb of the first block of declarations in `css`."""
    block = css[css.index("{") + 1 :].partition("}")[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def themes() -> dict[str, dict[str, str]]:
    light = colours(COLOURS[COLOURS.index(":root {") :])
    dark = colours(COLOURS[COLOURS.index(':root:not([data-theme="light"]) {') :])
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1, as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(theme, ink, ground):
    palette = themes()[theme]
    assert contrast(palette[ink], palette[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_border_of_a_control_stands_out_from_card_and_ground(theme):
    palette = themes()[theme]
    for ground in ("card", "ground"):
        assert contrast(palette["control"], palette[ground]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_palette_is_the_drawn_one(theme):
    words = DRAWN[theme].split()
    drawn = dict(zip(words[::2], words[1::2], strict=True))
    assert drawn.items() <= themes()[theme].items()


def test_djangos_admin_has_the_same_dark_palette():
    admin_dark = colours(ADMIN[ADMIN.index('html[data-theme="dark"] {') :])
    assert admin_dark
    assert admin_dark.items() <= themes()["dark"].items()


def test_every_colour_used_is_defined():
    """A misspelt variable is silently no colour at all."""
    sheets = "".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    used = set(re.findall(r"var\(--([\w-]+)", sheets))
    defined = set(re.findall(r"--([\w-]+):", sheets))
    assert used <= defined


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_nothing_is_inline_and_nothing_from_another_host(path):
    if "emails" in path.parts:
        pytest.skip("an email has no style sheet to link to")
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text)


#: 24 Nov 2026 and 24 Nov 2026, 14:05; a weekday may stand before, seconds alone below a date; the last: in addresses.
DATE_STYLES = {"j M Y", "j M Y, H:i", "l, j M Y", "H:i:s", "Y-m-d"}


def test_one_date_style_and_one_spelling_of_reference_id():
    """In the templates, the tables' columns, and where Django chooses by itself (its own admin)."""
    ours = (path for path in (ROOT / "templates").rglob("*.html") if "sandbox" not in path.parts)
    templates = "".join(path.read_text() for path in ours)
    python = "".join(path.read_text() for path in (ROOT / "portal/authorizations").rglob("*.py"))
    tables = (
        "".join(path.read_text() for path in (ROOT / "portal").rglob("tables*/*.py"))
        + (ROOT / "portal/accounts/tables.py").read_text()
    )
    assert set(re.findall(r'\|date:"([^"]*)"', templates)) <= DATE_STYLES
    assert set(re.findall(r'format="([^"]*)"', tables)) <= DATE_STYLES
    assert date_format(datetime.datetime(2026, 9, 4, 14, 5), "DATETIME_FORMAT") == "4 Sep 2026, 14:05"
    assert date_format(datetime.date(2026, 11, 24)) == "24 Nov 2026"
    shown = re.sub(r"(?s)class Migration.*", "", templates + re.sub(r'"""(?s:.)*?"""', "", python))
    assert not re.search(r"[Rr]eference I[Dd]", shown)


def test_green_is_leaps_word_only():
    """A live flow and an active person are no proof: they have another colour."""
    for name in ("flow_state", "user_state"):
        text = (ROOT / f"templates/includes/columns/{name}.html").read_text()
        assert "badge-leap" not in text
        assert "badge-on" in text
