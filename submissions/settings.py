"""Settings of the record, from the environment, all prefixed OWNWORDS_."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


class StoreSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OWNWORDS_", extra="ignore")

    data: Path = Field(
        default=PROJECT_FOLDER / "var", description="Folder of the database, models and media."
    )
    database_url: str = Field(
        default="", description="SQLAlchemy address of the database; empty is SQLite in the data folder."
    )
    commission: Path = Field(
        default=PROJECT_FOLDER / "commission.yml", description="The file that describes the commission."
    )
    census: Path | None = Field(
        default=None,
        description="Table of residents by language; unset is census.csv in the data folder, if it is there.",
    )

    address_key: str = Field(
        default="",
        description="Secret that encrypts telephone numbers; empty makes one in the data folder.",
    )

    translation_memory_megabytes: int = Field(
        default=1000,
        ge=100,
        description="Memory that loaded translation models may take; above it the least used are unloaded.",
    )

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.resolve()}/ownwords.db"
