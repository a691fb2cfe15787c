"""The environment that tests run in, set before Django reads its settings (pytest loads this as a plugin)."""

import os
import tempfile
from pathlib import Path

_scratch = Path(tempfile.mkdtemp(prefix="portal-tests-"))

os.environ.update(
    {
        "SECRET_KEY": "only-for-tests",
        "DEBUG": "off",
        "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "PUBLIC_URL": "http://p.acme.example",
        "CACHE_URL": "locmemcache://",
        "EMAIL_URL": "memorymail://",
        "LEAP_ENVIRONMENT": "production",
        "LEAP_API_URL": "",
        "LEAP_CONNECT_URL": "",
        "LEAP_CONNECT_NEW_URL": "",
        "LEAP_LEGACY_URL": "",
        "LEAP_API_KEY": "",
        "LEAP_WEBHOOK_SECRET": "",
        "SANDBOX": "off",
        "SPOOL_DIR": str(_scratch / "spool"),
    }
)
# DATABASE_URL is taken from whoever starts the tests: SQLite by default, PostgreSQL in the second run of `make test`.
os.environ.setdefault("DATABASE_URL", f"sqlite:///{_scratch / 'tests.sqlite3'}")
