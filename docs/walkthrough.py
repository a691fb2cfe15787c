"""The main job, checked from outside: see walkthrough.md. Usage: walkthrough.py BASE_URL LINKS.csv …

Reads what `issue_links --out` wrote and talks to the running portal over HTTP only: every URL is compared with Leap's
published form, 300 QR codes are fetched and decoded, ten customers go through short link and confirmation page, and
the lists and their CSV exports must show them.
"""

import csv
import io
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pypdfium2
import zxingcpp
from PIL import Image

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"
CODES, CUSTOMERS = 300, 10


def main(base: str, files: list[str]) -> None:
    rows = [row for file in files for row in read_rows(Path(file).read_text(encoding="utf-8-sig"))]
    print(f"{len(rows):,} rows, {len({row['reference_id'] for row in rows}):,} different reference ids")
    form = re.compile(r".*/acme-energy/summer-savings/\?requestedUtilities=([a-z-]+)&refId=([0-9A-Za-z._~-]{3,50})\Z")
    exact = sum(
        (found := form.fullmatch(row["url"])) is not None and found.groups() == (row["utility"], row["reference_id"])
        for row in rows
    )
    print(f"{exact:,} URLs exactly as R6 says")
    with httpx.Client(base_url=base, follow_redirects=True) as staff:
        sign_in(staff, "manager", "sunny-meter-42")
        pages = link_pages(staff, [row["reference_id"] for row in rows[:: len(rows) // CODES][:CODES]])
        print(f"{decode_codes(staff, base, pages)} of {len(pages)} QR codes decoded to their short link")
        chosen = rows[:: len(rows) // CUSTOMERS][:CUSTOMERS]
        for row in chosen:
            send_customer(row)
        export = {row["reference_id"]: row for row in read_rows(staff.get("/links/?export=csv").text)}
        back = [row for row in chosen if export[row["reference_id"]]["Status"] == "returned"]
        print(
            f"{len(back)} of {len(chosen)} customers stand as returned in the export of the links; "
            f"{sum(bool(export[row['reference_id']]['Leap says: authorized']) for row in chosen)} as authorized"
        )
        claims = read_rows(staff.get("/confirmations/?export=csv").text)
        ids = {claim["refId as received"] for claim in claims}
        print(f"{sum(row['reference_id'] in ids for row in chosen)} of them in the export of the confirmations")


def read_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def sign_in(staff: httpx.Client, username: str, password: str) -> None:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', staff.get("/login/").text)[1]
    values = {"csrfmiddlewaretoken": token, "username": username, "password": password}
    staff.post("/login/", data=values, headers={"Referer": f"{staff.base_url}/login/"}).raise_for_status()


def link_pages(staff: httpx.Client, reference_ids: list[str]) -> dict[str, str]:
    """Return short link in capitals → address of the link's page, found as a person would: by the search."""
    pages = {}
    for reference_id in reference_ids:
        page = staff.get("/search/", params={"q": reference_id})
        code = re.search(r"/go/(\w+)", page.text)[1]
        pages[code] = page.url.path
    return pages


def decode_codes(staff: httpx.Client, base: str, pages: dict[str, str]) -> int:
    """Fetch each code as PNG or PDF, at each level in turn, and read it with an independent decoder."""
    good = 0
    for number, (code, page) in enumerate(pages.items()):
        level = "MQH"[number % 3]
        if number % 2:
            content = staff.get(f"{page}qr.pdf", params={"level": level}).content
            picture = pypdfium2.PdfDocument(content)[0].render(scale=4).to_pil()
        else:
            picture = Image.open(io.BytesIO(staff.get(f"{page}qr.png", params={"level": level}).content))
        found = zxingcpp.read_barcodes(picture)
        good += [result.text for result in found] == [f"{base}/GO/{code}".upper()]
    return good


def send_customer(row: dict[str, str]) -> None:
    """A phone follows the short link, and comes back as Leap would send it."""
    with httpx.Client(headers={"User-Agent": PHONE}) as phone:
        answer = phone.get(row["short_url"])
        assert (answer.status_code, answer.headers["Location"]) == (302, row["url"]), answer
        portal = "{0.scheme}://{0.netloc}".format(urlsplit(row["short_url"]))
        thanks = phone.get(f"{portal}/leap/thanks", params={"authorizationId": "a81c", "refId": row["reference_id"]})
        assert thanks.status_code == 200
        assert row["name"] not in thanks.text


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2:])
