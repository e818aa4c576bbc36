"""Where a lake lives and how it behaves: the only reader of the environment.

Belongs here: every setting, with its default. Must not: opening a store, reading a key.
"""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cenote.errors import SettingsError

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """All settings; each is read from ``CENOTE_<NAME>``. Relative paths are taken from the working directory."""

    model_config = SettingsConfigDict(env_prefix="CENOTE_", frozen=True, extra="ignore")

    home: Path = Field(PROJECT / "data", description="The lake: every table, index and catalog is below it.")
    contracts: Path = Field(PROJECT / "contracts", description="Folder of data contracts, one YAML file per dataset.")
    marts: Path = Field(PROJECT / "transforms" / "marts", description="Folder of gold marts, one SQL file each.")
    features: Path = Field(PROJECT / "transforms" / "features", description="Folder of feature SQL files.")
    feature_repo: Path = Field(PROJECT / "feature_repo", description="Feast feature repository.")
    vault: Path = Field(PROJECT / "vault", description="Folder of the key vault. Keep it apart from the lake.")
    root_key_file: Path | None = Field(
        None, description="File that holds the root key (64 hex digits, mode 0600). Default: root.key in the vault."
    )
    root_key: SecretStr | None = Field(None, description="The root key itself, instead of a file.")
    root_key_kms: str | None = Field(
        None, description="AWS KMS key (id, alias/name or ARN) as root key, instead of a file. Needs the extra 'kms'."
    )
    as_of: datetime | None = Field(
        None, description="The moment that marts and features call now. Default: the start of the current UTC day."
    )
    embedding_model: str = Field(
        "packaged",
        description="'packaged' (all-MiniLM-L6-v2 from its package) or a sentence-transformers name or path.",
    )
    embedding_backend: Literal["torch", "onnx", "openvino"] = Field(
        "torch",
        description="What runs another embedding model than the packaged one, as sentence-transformers calls it.",
    )
    embedding_device: str | None = Field(
        None, description="Where such a model runs: 'cpu', 'cuda', 'mps' ... Default: a GPU where torch finds one."
    )
    vector_weight: float = Field(
        0.8, ge=0, le=1, description="Share of meaning in hybrid search; words have the rest (docs/search.md)."
    )
    distinct_below: float | None = Field(
        None, gt=0, le=1, description="Search leaves out hits as near to a better one as this cosine; unset: none."
    )
    rerank_model: str | None = Field(
        None, description="Cross-encoder that orders the best hits anew: a sentence-transformers name or path."
    )
    names: bool = Field(
        True,
        description="Whether the trained tier reads the texts of fields whose mask asks for names; silver follows it.",
    )
    online_store: str = Field(
        "sqlite", description="Where online features live: 'sqlite', or the connection string of a Redis server."
    )
    log_format: Literal["text", "json"] = Field("text", description="Form of log lines on standard error.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="From which level on the lake logs to standard error."
    )
    openlineage_days: int = Field(
        30, ge=0, description="Days for which OpenLineage events are kept in the lake (openlineage/); 0 writes none."
    )
    openlineage_url: SecretStr | None = Field(
        None, description="Server that receives OpenLineage events too, by HTTP: http://marquez:5000, say."
    )
    openlineage_api_key: SecretStr | None = Field(None, description="API key that this server asks for, if it does.")
    openlineage_namespace: str = Field(
        "cenote", description="Namespace of the lake's jobs and datasets in OpenLineage events."
    )
    tool_calls_per_minute: int = Field(
        120, ge=1, description="How many tool calls an agent may make in a minute; more are refused meanwhile."
    )
    tool_rows: int = Field(200, ge=1, description="How many rows a tool gives an agent at most.")
    tool_seconds: float = Field(10, gt=0, description="How long an agent's SQL may run.")
    # A record is sealed whole, and cipher and Arrow take up to 2 GiB at once: hence the bounds.
    max_record_bytes: int = Field(
        128 * 2**20, ge=1, le=5 * 2**28, description="A landing file with a larger record (or line) is refused."
    )
    max_document_bytes: int = Field(
        512 * 2**20, ge=1, le=5 * 2**28, description="A landing file that is a larger document or array is refused."
    )
    max_unpacked_bytes: int = Field(
        64 * 2**30, ge=1, description="A compressed landing file that expands to more is refused."
    )
    max_expansion: int = Field(
        300,
        ge=1,
        description="A compressed landing file that expands to more times its size (and to over 256 MiB) is refused.",
    )
    cold_after_days: int = Field(
        90, ge=0, description="Age in days from which bronze is recompressed into large cold files; 0: never."
    )
    cold_level: int = Field(19, ge=1, le=22, description="Zstandard level of cold files.")
    alert_webhook: SecretStr | None = Field(None, description="URL that receives a JSON POST when a run fails.")

    @field_validator("home", "contracts", "marts", "features", "feature_repo", "vault", "root_key_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path

    @model_validator(mode="after")
    def _vault_apart_from_lake(self) -> "Settings":
        if self.vault == self.home or self.home in self.vault.parents:
            raise ValueError("the vault lies inside the lake; keys must live apart from what they seal")
        return self

    @property
    def landing(self) -> Path:
        """The drop box: ``landing/<dataset>/`` takes files for that dataset."""
        return self.home / "landing"

    @property
    def catalog(self) -> Path:
        """The DuckDB file of views that notebooks open."""
        return self.home / "cenote.duckdb"


def load_settings(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` win over the environment. Raises ``SettingsError``."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"CENOTE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" if e["loc"] else e["msg"]
            for e in error.errors(include_input=False)
        )
        raise SettingsError(f"settings cannot be used: {problems}", "correct or unset the variables named") from None
