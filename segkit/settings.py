"""Settings of a deployment: limits, directories, secrets. Never part of a study.

They come from the environment (prefix ``SEGKIT_``) or a private ``.env`` in the working directory, and are
loaded inside commands only: nothing here runs when segkit is imported.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ParameterError


class Settings(BaseSettings):
    """What a deployment may set.

    Examples
    --------
    >>> Settings(_env_file=None).upload_limit_mb
    200
    """

    model_config = SettingsConfigDict(env_prefix="SEGKIT_", env_file=".env", extra="ignore", frozen=True)

    token: SecretStr = Field(default=SecretStr(""), description="token of the dashboard; empty makes one")
    index: SecretStr = Field(
        default=SecretStr(""), description="database of the run index; empty is the user's own"
    )
    hash_key: SecretStr = Field(default=SecretStr(""), description="key of the hash that stands for ids")
    upload_limit_mb: int = Field(default=200, ge=1, le=4096, description="largest upload, in megabytes")
    read_memory_mb: int = Field(
        default=1024, ge=128, description="memory for reading an upload or a spreadsheet"
    )
    read_seconds: int = Field(default=120, ge=1, description="time for reading an upload or a spreadsheet")
    read_unpacked_mb: int = Field(default=2000, ge=1, description="largest size of an unpacked archive")
    read_rows: int = Field(default=20_000_000, ge=2, description="most rows of an upload or a spreadsheet")
    read_columns: int = Field(default=5000, ge=1, description="most columns of a file")
    scanner: str = Field(
        default="", description="command that scans an upload; any exit code but 0 refuses it"
    )
    idle_minutes: int = Field(default=30, ge=1, description="when an unwatched dashboard ends")
    max_kernels: int = Field(default=8, ge=1, le=1000, description="most dashboards open at once")
    preheat: int = Field(default=1, ge=0, le=20, description="dashboards started before anybody asks")
    reports: str = Field(default="reports", min_length=1, description="folder of the reports to offer")


def load() -> Settings:
    """Load the settings of this process.

    Raises
    ------
    ParameterError
        When a variable is out of bounds, or others may read the ``.env`` file.
    """
    file = Path(".env")
    if file.is_file() and file.stat().st_mode & 0o077:
        message = "The file .env can be read by others. Run `chmod 600 .env`; it may hold secrets."
        raise ParameterError(message)
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"SEGKIT_{str(f['loc'][0]).upper()}: {f['msg']}" for f in error.errors())
        message = f"A setting does not fit. {faults}."
        raise ParameterError(message) from None


def hashed(texts: Iterable[str]) -> list[str]:
    """Return a keyed hash of each text, 16 hex digits of HMAC-SHA-256 (RFC 2104); nothing without a key.

    Who does not have the key can neither tell whose a hash is nor try texts until one fits.
    """
    key = load().hash_key.get_secret_value().encode()
    return [hmac.new(key, text.encode(), "sha256").hexdigest()[:16] for text in texts] if key else []


def markdown() -> str:
    """Return the reference table of all settings."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, info in Settings.model_fields.items():
        default = "" if isinstance(info.default, SecretStr) else info.default
        rows.append(f"| `SEGKIT_{name.upper()}` | `{default}` | {info.description} |")
    return "\n".join(rows) + "\n"


def example() -> str:
    """Return a ``.env`` that lists every setting with its default, to be copied and changed."""
    lines = ["# Copy to .env, chmod 600 .env, take the # away from what you set. Written by `make docs`."]
    for name, info in Settings.model_fields.items():
        default = "" if isinstance(info.default, SecretStr) else info.default
        lines += ["", f"# {info.description}", f"#SEGKIT_{name.upper()}={default}"]
    return "\n".join(lines) + "\n"
