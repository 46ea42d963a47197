"""The site file's sections for the notifiers of this package."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from gateway.model.units import parse_duration

Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0)]


class WebhookSettings(BaseModel):
    """A POST of the notice as JSON to `url`. With a secret (from a file or the environment, never from here) the body
    is signed: see alerting.notifiers.webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["webhook"] = "webhook"
    id: str = Field(min_length=1)
    url: str
    secret_file: str | None = None
    secret_env: str | None = None
    timeout: Duration = 10.0

    @field_validator("url")
    @classmethod
    def _complete(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
            raise ValueError('expected an address such as "https://host/path" (percent-encode other letters)')
        if parts.username or parts.password:
            raise ValueError("no user name or password in the address; use secret_file or secret_env")
        _ = parts.port  # ValueError: not a port number
        return url

    @model_validator(mode="after")
    def _one_secret(self) -> WebhookSettings:
        if self.secret_file is not None and self.secret_env is not None:
            raise ValueError("give secret_file or secret_env, not both")
        return self
