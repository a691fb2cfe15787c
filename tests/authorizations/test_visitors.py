"""Who comes through the public doors: people, or programs that only look."""

import pytest

from portal.authorizations.services.visitors import is_bot, shorten_ip

pytestmark = pytest.mark.pure

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)

PEOPLE = {
    "Safari on an iPhone": f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    "Safari on a Mac": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4.1 Safari/605.1.15",
    "Chrome on Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36",
    "Chrome on an iPhone": f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    "Chrome on Windows": WINDOWS,
    "Samsung Internet": "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918U) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Firefox on Android": "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    "Edge": f"{WINDOWS} Edg/126.0.0.0",
    "Opera Mini": "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; es) Presto/2.12.423 Version/12.16",
    "a German Firefox": "Mozilla/5.0 (Windows; U; Windows NT 6.1; de; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3",
    "a Spanish Safari": "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_6_3; es-es) AppleWebKit/531.22.7 "
    "(KHTML, like Gecko) Version/4.0.5 Safari/531.22.7",
    "Facebook's app on an iPhone": f"{IPHONE} Mobile/21F90 [FBAN/FBIOS;FBAV/466.0.0.45.76;FBBV/600000000;"
    "FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBID/phone;FBLC/en_US;FBOP/5]",
    "Facebook's app on Android": "Mozilla/5.0 (Linux; Android 13; SM-A536U Build/TP1A.220624.014; wv) "
    "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36 "
    "[FB_IAB/FB4A;FBAV/467.1.0.52.83;]",
    "Instagram's app": f"{IPHONE} Mobile/21F90 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5_1; en_US; en; scale=3.00)",
    "Twitter's app": f"{IPHONE} Mobile/21F90 Twitter for iPhone/10.46",
    "LinkedIn's app": f"{IPHONE} Mobile/21F90 [LinkedInApp]/9.29.6072",
    "Pinterest's app": f"{IPHONE} Mobile/21F90 [Pinterest/iOS]",
    "Snapchat's app": f"{IPHONE} Version/17.5 Mobile/15E148 Snapchat/12.90.0.44 (like Safari/604.1)",
    "Google's app": f"{IPHONE} GSA/320.0.642399206 Mobile/15E148 Safari/604.1",
    "LINE's app": f"{IPHONE} Mobile/15E148 Safari Line/14.9.0",
    "TikTok's app": f"{IPHONE} Mobile/21F90 musical_ly_35.1.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en",
    "a Cubot phone": "Mozilla/5.0 (Linux; Android 12; CUBOT P60) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/125.0.0.0 Mobile Safari/537.36",
    "another Cubot phone": "Mozilla/5.0 (Linux; Android 9; CUBOT_X19_S Build/PPR1.180610.011; wv) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Version/4.0 Chrome/96.0.4664.45 Mobile Safari/537.36",
}

PROGRAMS = {
    "Googlebot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Googlebot as a phone": "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Google's inspection tool": "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
    "Gmail's image proxy": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Bingbot": "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
    "+http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
    "Bing's preview": f"{WINDOWS} BingPreview/1.0b",
    "Yandex": "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Yahoo": "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Slackbot": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack's image proxy": "Slack-ImgProxy (+https://api.slack.com/robots)",
    "WhatsApp": "WhatsApp/2.23.20.0 A",
    "Facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Meta": "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "iMessage": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
    "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Applebot": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Twitterbot": "Twitterbot/1.0",
    "LinkedInBot": "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "TelegramBot": "TelegramBot (like TwitterBot)",
    "Discordbot": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Skype and Teams": f"{WINDOWS} SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Snapchat's preview": f"{WINDOWS} (compatible; Snap URL Preview Service; bot; snapchat; "
    "https://developers.snap.com/robots)",
    "Pinterestbot": "Mozilla/5.0 (compatible; Pinterestbot/1.0; +https://www.pinterest.com/bot.html)",
    "Outlook SafeLinks": f"{WINDOWS} SafeLinks",
    "Office, before it opens the browser": "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Proofpoint": "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
    "Chrome's prefetch proxy": "Chrome Privacy Preserving Prefetch Proxy",
    "an uptime monitor": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom": "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "Lighthouse": f"{WINDOWS} Chrome-Lighthouse",
    "headless Chrome": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "HeadlessChrome/126.0.0.0 Safari/537.36",
    "curl": "curl/8.6.0",
    "Wget": "Wget/1.21.4",
    "requests": "python-requests/2.32.3",
    "urllib": "Python-urllib/3.11",
    "httpx": "python-httpx/0.28.1",
    "Go": "Go-http-client/2.0",
    "Java": "Java/17.0.10",
    "okhttp": "okhttp/4.12.0",
    "axios": "axios/1.7.2",
    "an iOS app's background fetch": "MobileSafari/8617.2.4.10.8 CFNetwork/1490.0.4 Darwin/23.2.0",
    "a search for holes": "Mozilla/5.0 zgrab/0.x",
    "nobody": "",
}


@pytest.mark.parametrize("agent", PEOPLE.values(), ids=PEOPLE)
def test_a_person_is_taken_for_a_person(agent: str) -> None:
    assert not is_bot({"HTTP_USER_AGENT": agent})


@pytest.mark.parametrize("agent", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_no_person(agent: str) -> None:
    assert is_bot({"HTTP_USER_AGENT": agent})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_SEC_PURPOSE", "prefetch"),
        ("HTTP_SEC_PURPOSE", "prefetch;prerender"),
        ("HTTP_PURPOSE", "prefetch"),
        ("HTTP_X_PURPOSE", "preview"),
        ("HTTP_X_MOZ", "prefetch"),
    ],
)
def test_a_prefetch_is_no_visit_of_a_person(name: str, value: str) -> None:
    assert is_bot({"HTTP_USER_AGENT": PEOPLE["Chrome on Android"], name: value})


def test_one_harmless_header_does_not_hide_a_prefetch() -> None:
    assert is_bot({"HTTP_USER_AGENT": PEOPLE["Firefox"], "HTTP_PURPOSE": "navigation", "HTTP_X_MOZ": "prefetch"})
    assert not is_bot({"HTTP_USER_AGENT": PEOPLE["Firefox"], "HTTP_PURPOSE": "navigation"})


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        (" 203.0.113.77 ", "203.0.113.0/24"),
        ("2001:db8:1234:5678:9abc::1", "2001:db8:1234::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", ""),
        ("203.0.113.77, 198.51.100.1", ""),
        ("", ""),
        ("203.0.113.77\x00", ""),
    ],
)
def test_ip_addresses_are_kept_shortened(address: str, kept: str) -> None:
    assert shorten_ip(address) == kept
