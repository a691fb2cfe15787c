"""Populations that are kept: one database for each size and schema, so that a second run is quick.

Its name says what it holds: `portal_bench_kept_100000_3f2a…`, from the number of links, the migrations and the code
that makes it. It is made under another name and renamed when complete: half a population is never found. Nothing but
databases (files) of that name is ever touched.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.databases import begin_with_tables, connected, environment

NAME = "portal_bench_kept"
SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 10_000)
_ROOT = Path(__file__).resolve().parent.parent.parent


def folder() -> Path:
    """Where the SQLite files are kept: $BENCH_DATABASES, or a folder of the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BENCH_DATABASES") or Path(cache) / "portal-bench")


def name_of(links: int) -> str:
    """The name of a population of this size, of the schema and the code as they are now."""
    digest = hashlib.sha256()
    for path in (*sorted(_ROOT.glob("portal/*/migrations/*.py")), *sorted(Path(__file__).parent.glob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{NAME}_{links}_{digest.hexdigest()[:12]}"


def keep(links: int, server: str = "") -> str:
    """Return the URL of a population of this size; make it if it is not there."""
    name = name_of(links)
    if not server:
        path = folder() / f"{name}.sqlite3"
        if not path.exists():
            folder().mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f"{NAME}_", dir=folder()) as making:
                made = Path(making) / "made.sqlite3"
                begin_with_tables(made)
                _make(links, f"sqlite:///{made}")
                made.rename(path)
        return f"sqlite:///{path}"
    with connected(server) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            making_name = f"{NAME}_{uuid.uuid4().hex[:12]}"
            admin.execute(f"CREATE DATABASE {making_name}")
            try:
                _make(links, f"{server}/{making_name}")
                admin.execute(f"ALTER DATABASE {making_name} RENAME TO {name}")
            except BaseException:
                admin.execute(f"DROP DATABASE {making_name} WITH (FORCE)")
                raise
    return f"{server}/{name}"


@contextmanager
def copy_of(links: int, server: str = "") -> Iterator[str]:
    """Yield the URL of a copy that may be written to; it goes afterwards."""
    url = keep(links, server)
    if not server:
        with tempfile.TemporaryDirectory(prefix="portal-bench-", dir=folder()) as temporary:
            path = Path(temporary) / "copy.sqlite3"
            shutil.copyfile(url.removeprefix("sqlite:///"), path)
            yield f"sqlite:///{path}"
        return
    copy = f"portal_bench_{uuid.uuid4().hex[:12]}"
    with connected(server) as admin:
        admin.execute(f"CREATE DATABASE {copy} TEMPLATE {name_of(links)}")
        try:
            yield f"{server}/{copy}"
        finally:
            admin.execute(f"DROP DATABASE {copy} WITH (FORCE)")


def forget(server: str = "") -> list[str]:
    """Remove every population that is kept, of whatever schema; return their names."""
    if not server:
        found = sorted(folder().glob(f"{NAME}_*.sqlite3*"))
        for path in found:
            path.unlink()
        return [path.name for path in found]
    with connected(server) as admin:
        query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
        names = [row[0] for row in admin.execute(query, [NAME.replace("_", r"\_") + r"\_%"])]
        for name in names:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return names


def _make(links: int, database_url: str) -> None:
    """In a process of its own: Django is set up once in each."""
    print(f"Making {links:,} links …", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "bench.population.make", str(links), database_url], check=True, cwd=_ROOT)


@contextmanager
def on_population(database_url: str, settings: str = "portal.settings") -> Iterator[None]:
    """Set Django up, once in a process, on a population, its clock at the population's last minute."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as files:
        os.environ.update(environment(database_url, Path(files)))
        os.environ["DJANGO_SETTINGS_MODULE"] = settings

        import django
        import time_machine
        from django.db import connections

        django.setup()
        from bench.population import few

        with time_machine.travel(few.now(), tick=True):
            try:
                yield
            finally:
                connections.close_all()
