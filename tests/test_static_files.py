"""Style sheets and scripts come from the portal itself, by whitenoise: before collectstatic has run, too."""

from typing import Any

import pytest
from django.templatetags.static import static
from django.test import Client


@pytest.mark.parametrize("autorefresh", [False, True])
@pytest.mark.parametrize("path", ["css/portal.css", "js/requests.js", "admin/css/base.css"])
def test_static_files_are_served_without_a_sign_in(path: str, autorefresh: bool, settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = autorefresh  # off in life; the other tests' clients switch it on
    response = Client().get(static(path))
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(("text/css", "text/javascript"))
    assert b"".join(response.streaming_content)
    assert "Set-Cookie" not in response.headers
