"""Values of a customer list as the portal stores them (issue 2, CSV import)."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from hypothesis import example, given
from hypothesis import strategies as st

from portal.authorizations.services.customer_values import (
    Refused,
    check_email,
    check_external_id,
    normalise_customer_type,
    normalise_language,
    normalise_postal_code,
    tidy,
    unwrap,
)


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  Ann ", "Ann"),
        ("\u00a0Ann\u200b\u202f", "Ann"),
        ("\ufeffAnn\u2060", "Ann"),
        ("\u202a+1 555 0100\u202c", "+1 555 0100"),
        ("New\u00a0York", "New York"),
        ("a\tb", "a b"),
        ("one\r\n two \n\nthree", "one two three"),
        ("O’Brien-Peña", "O’Brien-Peña"),
        ("荣　傅", "荣　傅"),
        ("می‌خواهم", "می‌خواهم"),
        ("Zoe\u0301", "Zoe\u0301"),
        ("\u200b \u00a0", ""),
    ],
)
def test_tidy(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


def test_tidy_of_several_lines() -> None:
    assert tidy("800 California 116\nUnit 1", line_break=", ") == "800 California 116, Unit 1"
    assert tidy("800 California 116,\r\nUnit 1\n", line_break=", ") == "800 California 116, Unit 1"
    assert tidy("800 California 116\n,", line_break=", ") == "800 California 116"
    assert tidy("800 California 116\t,\nUnit 1", line_break=", ") == "800 California 116, Unit 1"
    assert tidy("one \r\n\r two\n", line_break="\n") == "one\n\ntwo"


@pytest.mark.parametrize("line_break", [" ", ", ", "\n"])
@given(text=st.text())
def test_tidy_again_changes_nothing(text: str, line_break: str) -> None:
    once = tidy(text, line_break=line_break)
    assert tidy(once, line_break=line_break) == once


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a@b.co",
        "Ann.O'Brien+leap@sub.example.com",
        "x_y-z@ex-ample.museum",
        "ann@münchen.de",
        "a" * 242 + "@example.com",
    ],
)
def test_emails_that_are_taken_as_they_are(email: str) -> None:
    assert check_email(email) == email


@pytest.mark.parametrize(
    ("email", "hint"),
    [
        ("not-an-email", "ann@example.com"),
        ("a@b", "ann@example.com"),
        ("@example.com", "ann@example.com"),
        ("a@b@example.com", "ann@example.com"),
        ("a b@example.com", "ann@example.com"),
        (".a@example.com", "ann@example.com"),
        ("a..b@example.com", "ann@example.com"),
        ("a@-example.com", "ann@example.com"),
        ("a@example.com\n", "ann@example.com"),
        ("a@example.c", "ann@example.com"),
        ("ä@example.com", "ann@example.com"),
        ("a@ü..de", "ann@example.com"),
        ("a@example.com; b@example.com", "More than one"),
        ("a@example.com b@example.com", "More than one"),
        ("Ann <ann@example.com>", "alone"),
        ("mailto:ann@example.com", "alone"),
        ("a" * 243 + "@example.com", "254 are the most"),
    ],
)
def test_emails_that_are_refused(email: str, hint: str) -> None:
    with pytest.raises(Refused, match=hint):
        check_email(email)


EMAILS = st.builds(
    lambda name, domain: f"{name}@{domain}",
    st.text("aZ0.-_+'\"@ é", max_size=8),
    st.text("aZ0.-_ü[]", max_size=12) | st.sampled_from(["example.com", "localhost", "[127.0.0.1]", "a.b-", "x.co\n"]),
)


@given(EMAILS | st.emails())
@example("a@ß.com")
@example("a@b.c-")
def test_never_laxer_than_django(email: str) -> None:
    try:
        check_email(email)
    except Refused:
        return
    try:
        EmailValidator()(email)
    except ValidationError:
        pytest.fail(f"{email!r} is refused by Django's forms: nobody could save this customer again")


@given(st.from_regex(r"[a-zA-Z0-9_+-]{1,20}(\.[a-z0-9]{1,9})?@([a-z0-9]{1,9}\.){1,3}[a-z]{2,6}", fullmatch=True))
def test_ordinary_emails_are_taken(email: str) -> None:
    assert check_email(email) == email


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ""),
        ("Residential", "residential"),
        ("RES", "residential"),
        ("Home", "residential"),
        ("Single-family", "residential"),
        ("residencial", "residential"),
        ("commercial", "commercial"),
        ("C&I", "commercial"),
        ("Commercial & Industrial", "commercial"),
        ("SMB", "commercial"),
        ("Non-Residential", "commercial"),
        ("Geschäftskunde", "commercial"),
    ],
)
def test_r10_customer_types(text: str, found: str) -> None:
    assert normalise_customer_type(text) == found


@pytest.mark.parametrize("text", ["Prospect", "Customer - Direct", "resident ial", "?", "-"])
def test_r10_not_a_customer_type(text: str) -> None:
    with pytest.raises(Refused, match="residential or commercial"):
        normalise_customer_type(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "en"),
        ("en", "en"),
        ("English", "en"),
        ("en-US", "en"),
        ("ES", "es"),
        ("es_MX", "es"),
        ("es-419", "es"),
        ("Spanish", "es"),
        ("Español (México)", "es"),
        ("español", "es"),
        ("Spanish / English", "es"),
        ("Chinese (Simplified)", "en"),
        ("zh-Hant", "en"),
        ("中文", "en"),
        ("Tiếng Việt", "en"),
        ("Русский", "en"),
        ("한국어", "en"),
        ("N/A", "en"),
        ("Unknown", "en"),
    ],
)
def test_languages(text: str, found: str) -> None:
    assert normalise_language(text) == found


@pytest.mark.parametrize("text", ["xx", "Klingon?", "yes", "12", "!"])
def test_not_a_language(text: str) -> None:
    with pytest.raises(Refused, match="Write en or es"):
        normalise_language(text)


@pytest.mark.parametrize(
    ("code", "state", "found"),
    [
        ("07302", "NJ", "07302"),
        ("7302", "NJ", "07302"),
        ("2139", "Massachusetts", "02139"),
        ("2139", "ma", "02139"),
        ("601", "PR", "00601"),
        ("6390", "NY", "06390"),
        ("501", "New York", "00501"),
        ("1001", "NY", "1001"),
        ("9011", "CA", "9011"),
        ("1010", "", "1010"),
        ("95685.0", "CA", "95685"),
        ("95685-1234", "CA", "95685-1234"),
        ("SW1A 1AA", "", "SW1A 1AA"),
        ("", "NJ", ""),
    ],
)
def test_postal_codes(code: str, state: str, found: str) -> None:
    assert normalise_postal_code(code, state) == found
    assert normalise_postal_code(found, state) == found


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('="00123"', "00123"),
        ("'+1 555 0100", "+1 555 0100"),
        ("'=1+1", "=1+1"),
        ("'s-Gravenhage", "'s-Gravenhage"),
        ('=HYPERLINK("http://evil")', '=HYPERLINK("http://evil")'),
        ("'", "'"),
        ("", ""),
    ],
)
def test_unwrap(text: str, meant: str) -> None:
    assert unwrap(text) == meant


def test_an_id_that_a_spreadsheet_has_shortened() -> None:
    assert check_external_id("1E5+") == "1E5+"
    assert check_external_id("003E+12x") == "003E+12x"
    for text in ("1.23457E+17", "1,2E+5", "9e+10"):
        with pytest.raises(Refused, match="lost digits"):
            check_external_id(text)


@pytest.mark.parametrize("normalise", [normalise_customer_type, normalise_language])
@given(text=st.text(max_size=20) | st.sampled_from(["RES", "c&i", "Español", "Tagalog"]))
def test_normalised_again_changes_nothing(normalise: Callable[[str], str], text: str) -> None:
    try:
        once = normalise(text)
    except Refused:
        return
    assert normalise(once) == once
