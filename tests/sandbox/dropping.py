"""A WSGI application whose every answer is dropped in the middle, for a server to serve (test_faults.py)."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase, JsonResponse

django.setup(set_prefix=False)

from portal.sandbox.faults import dropped  # noqa: E402 -- only once Django is set up


class Dropping(WSGIHandler):
    def load_middleware(self, *_: Any, **__: Any) -> None:
        self._middleware_chain: Callable[[HttpRequest], HttpResponseBase] = _drop


def _drop(_: HttpRequest) -> HttpResponseBase:
    return dropped(JsonResponse({"meters": []}))


application = Dropping()
