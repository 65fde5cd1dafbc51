"""The settings of what the proxy tells operators: its log, and the files with a line an answer.

They are a part of `Settings`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from proxy.settings.prices import PriceSettings
from proxy.settings.profiles import NonBlank
from proxy.settings.values import LogLevel


class RecordSettings(BaseModel):
    log_level: LogLevel = Field("info", description="How much the proxy logs.")
    log_format: Literal["text", "json"] = Field(
        "text", description="The form of the log: text for people, or one JSON object a line."
    )
    log_probes: bool = Field(
        default=False,
        description="Whether the log shows requests for `/health`, `/ready`, `/metrics` and the "
        "page's files that went well.",
    )
    metrics: bool = Field(
        default=True, description="Whether the proxy counts what it does, for `/metrics`."
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="A port for `/metrics` alone, on which it needs no key."
    )
    metrics_host: NonBlank = Field(
        "127.0.0.1", description="The address that `metrics_port` listens on."
    )
    usage_file: NonBlank | None = Field(
        None, description="A file that gets one line for each answer: what it took and cost."
    )
    people_in_records: Literal["hashed", "given"] = Field(
        "hashed", description="How the usage file, the audit file and the log name people."
    )
    prices: PriceSettings | None = Field(
        None, description="What models and searches cost you, for the costs in `usage_file`."
    )
    audit_file: NonBlank | None = Field(
        None,
        description="A file that gets one line for each answer: who asked, and what it rested on.",
    )
    traces: bool | None = Field(
        None,
        description="Whether the proxy sends traces over OTLP. By default it does if "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` is set.",
    )
    trace_contents: bool = Field(
        default=False, description="Whether traces hold questions, answers and passages, too."
    )
    audit_texts: bool = Field(
        default=False, description="Whether `audit_file` holds questions and answers, too."
    )
