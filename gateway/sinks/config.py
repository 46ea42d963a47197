"""The `[[sinks]]` section of a site file, type = "influx"."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.model.units import parse_duration
from gateway.sinks.schema import RAW, Retention

Duration = Annotated[float, BeforeValidator(parse_duration)]


class InfluxSettings(BaseModel):
    """Where to write, and how fast. Secrets come from files or the environment, never from the site file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["influx"]
    id: str = Field("influx", description="name of this sink; its cursor in the store carries it")
    url: str = Field(pattern=r"^https?://", description="http://host:8086")
    api: Literal["v1", "v2"] = Field("v1", description='"v1": /write (InfluxDB 1.x, VictoriaMetrics); '
                                                       '"v2": /api/v2/write (InfluxDB 2.x, 3.x)')
    database: str | None = Field(None, description="v1: the database")
    raw_database: str | None = Field(None, description="v1: another database for raw samples, which are kept for a "
                                                       "shorter time; `database` if absent")
    retention_policy: str | None = Field(None, description="v1: the retention policy; the default one if absent")
    org: str | None = Field(None, description="v2: the organisation")
    bucket: str | None = Field(None, description="v2: the bucket")
    raw_bucket: str | None = Field(None, description="v2: another bucket for raw samples; `bucket` if absent")
    username: str | None = Field(None, description="v1: user name, with password_file or password_env")
    password_file: str | None = Field(None, description="v1: file that holds the password")
    password_env: str | None = Field(None, description="v1: environment variable that holds the password")
    token_file: str | None = Field(None, description="v2: file that holds the token")
    token_env: str | None = Field(None, description="v2: environment variable that holds the token")
    ca: str | None = Field(None, description="CA certificate file for https")
    gzip: bool = Field(True, description="compress: about 8 times fewer bytes; switch off for a database on this host")
    batch: int = Field(10_000, ge=1, le=100_000, description="most samples in one request")
    flush_interval: Duration = Field(1.0, description="shortest time between two requests while there is no backlog")
    timeout: Duration = Field(10.0, description="longest wait for an answer")
    backfill_rate: int = Field(20_000, ge=1, description="samples per second of old data after an outage")
    max_backoff: Duration = Field(60.0, description="longest pause between two attempts")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.api == "v1" and not self.database:
            raise ValueError('api = "v1" needs `database`')
        if self.api == "v2" and not (self.org and self.bucket and (self.token_file or self.token_env)):
            raise ValueError('api = "v2" needs `org`, `bucket` and `token_file` or `token_env`')
        return self

    def place(self, retention: Retention) -> str:
        """The database or bucket for rows of this class."""
        raw, all_else = (self.raw_database, self.database) if self.api == "v1" else (self.raw_bucket, self.bucket)
        return raw or all_else if retention is RAW else all_else
