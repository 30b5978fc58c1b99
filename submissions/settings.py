"""Settings of the record, from the environment, all prefixed OWNWORDS_."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from submissions.models import Role

PROJECT_FOLDER = Path(__file__).resolve().parent.parent


class StoreSettings(BaseSettings):
    # An error names the setting; what was typed may be a secret.
    model_config = SettingsConfigDict(env_prefix="OWNWORDS_", extra="ignore", hide_input_in_errors=True)

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

    second_factor_roles: str = Field(
        default="",
        description="Roles that must use an authenticator app, such as admin,manager; empty: who wants to.",
    )
    oidc_issuer: str = Field(
        default="", description="The council's own sign-in, https://...; empty: accounts of our own only."
    )
    oidc_client_id: str = Field(default="", description="What the desk is called at the council's sign-in.")
    oidc_client_secret: str = Field(default="", description="Its secret there.")
    oidc_name: str = Field(
        default="council account", description="What people call that account: Sign in with your ..."
    )
    oidc_role_claim: str = Field(
        default="", description="Claim that decides the role; empty: an administrator does."
    )
    oidc_roles: dict[str, Role] = Field(
        default_factory=dict, description='Role by value of that claim, {"desk-admins": "admin"}.'
    )

    translation_memory_megabytes: int = Field(
        default=1000,
        ge=100,
        description="Memory that loaded translation models may take; above it the least used are unloaded.",
    )

    @field_validator("second_factor_roles")
    @classmethod
    def _roles_exist(cls, value: str) -> str:
        unknown = {name.strip() for name in value.split(",") if name.strip()} - set(Role)
        if unknown:
            raise ValueError(f"there is no role {', '.join(sorted(unknown))}")
        return value

    @model_validator(mode="after")
    def _provider_is_whole(self) -> StoreSettings:
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret):
            raise ValueError(
                "OWNWORDS_OIDC_ISSUER needs OWNWORDS_OIDC_CLIENT_ID and OWNWORDS_OIDC_CLIENT_SECRET"
            )
        is_here = re.match(r"http://(127\.0\.0\.1|localhost)(:|/|$)", self.oidc_issuer)
        if self.oidc_issuer and not (self.oidc_issuer.startswith("https://") or is_here):
            raise ValueError("OWNWORDS_OIDC_ISSUER must begin with https://")
        if bool(self.oidc_role_claim) != bool(self.oidc_roles):
            raise ValueError("OWNWORDS_OIDC_ROLE_CLAIM and OWNWORDS_OIDC_ROLES go together")
        return self

    @property
    def roles_with_second_factor(self) -> frozenset[str]:
        return frozenset(name.strip() for name in self.second_factor_roles.split(",") if name.strip())

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.resolve()}/ownwords.db"
