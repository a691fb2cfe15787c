"""The same lists through the browser: see walkthrough.md. Usage: walkthrough_browser.py BASE_URL LIST …

Drives Debian's Chromium as a program manager would: upload, columns as guessed, flow, check, import; prints what the
screens say.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright


def main(base: str, files: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{base}/login/")
        page.fill("input[name=username]", "manager")
        page.fill("input[name=password]", "sunny-meter-42")
        page.click("main button[type=submit]")
        for file in files:
            import_list(page, base, Path(file))
        browser.close()


def import_list(page: Page, base: str, file: Path) -> None:
    page.goto(f"{base}/customers/import/")
    page.set_input_files("input[type=file]", file)
    page.click("text=Upload and look at the columns")
    page.select_option("select[name=flow]", label="Summer Savings")
    page.click("text=Check the list")
    page.wait_for_selector("dl.stats")
    counts = " · ".join(text.replace("\n", " ") for text in page.locator("dl.stats > div").all_inner_texts())
    print(f"{file.name}: {counts}")
    for row in page.locator("tbody tr").all_inner_texts():
        print("   line", " | ".join(cell.strip() for cell in row.split("\t")))
    button = page.locator("button.button-primary:has-text('Import')")
    print("  [" + button.inner_text() + "]")
    button.click()
    page.wait_for_selector("text=Done:")
    print("  " + page.inner_text(".notice-success"))


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2:])
