"""The portal as a WSGI application, for gunicorn and runserver."""

import os
import sys
from typing import NoReturn

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def stop(message: object) -> NoReturn:
    """End the process with one line, written here, as a thread (runserver's) swallows the words of a SystemExit.

    3 is what gunicorn takes for "cannot boot": with any other number it would start new workers for ever.
    """
    sys.stderr.write(f"{message}\n")
    raise SystemExit(3) from None


try:
    application = get_wsgi_application()
except SystemExit as refusal:  # a setting is nonsensical
    stop(refusal)

# Models, and what uses them, can be imported only now.
from portal.authorizations.services.installation import EnvironmentMismatch, claim_environment  # noqa: E402

try:
    claim_environment()
except EnvironmentMismatch as error:
    stop(f"portal: {error}")
