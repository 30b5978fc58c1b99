"""Settings of the gateway and of what it starts, from the environment, all prefixed OWNWORDS_."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field

from submissions.settings import StoreSettings


class Settings(StoreSettings):
    host: str = Field(default="127.0.0.1", description="Address the web pages listen on.")
    port: int = Field(default=8000, ge=1, le=45535, description="Port of the web pages.")
    public_url: str = Field(
        default="", description="Address residents see, such as https://views.example.org."
    )
    bot_url: str = Field(default="", description="Address of the assistant; empty is this machine.")
    actions_url: str = Field(
        default="", description="Address of the assistant's actions; empty is this machine."
    )
    internal_token: str = Field(
        default="", description="Secret between gateway and assistant; empty makes one in the data folder."
    )

    chat_messages_per_minute: int = Field(
        default=120, ge=1, description="Messages one conversation may send in a minute."
    )
    chat_messages_per_minute_and_address: int = Field(
        default=1200,
        ge=1,
        description="Messages one internet address may send in a minute; it may begin a tenth as many chats.",
    )

    twilio_account_sid: str = Field(
        default="", description="Twilio account; empty disables SMS and WhatsApp."
    )
    twilio_auth_token: str = Field(
        default="", description="Primary auth token of that account; empty refuses all webhooks."
    )
    twilio_messaging_service_sid: str = Field(
        default="", description="Messaging Service (MG...) that text messages are sent through."
    )
    twilio_sms_number: str = Field(default="", description="Our number for text messages, +447...")
    twilio_whatsapp_number: str = Field(default="", description="Our number on WhatsApp, +447...")
    twilio_api_url: str = Field(
        default="", description="Where requests to Twilio go instead, for trying things; empty is Twilio."
    )
    simulator: bool | None = Field(
        default=None,
        description="Telephones in the browser instead of Twilio; unset is yes where neither an account nor a"
        " public address is set.",
    )
    whatsapp_reply_templates: dict[str, str] = Field(
        default_factory=dict,
        description='Approved "you have a reply" templates by language, {"en": "HX...", "pt": "HX..."}.',
    )
    whatsapp_follow_up_templates: dict[str, str] = Field(
        default_factory=dict,
        description="Templates of follow-ups approved by hand, by language; the desk asks for others.",
    )
    sending_stopped: bool = Field(default=False, description="Send no message; go on receiving them.")
    sms_per_second: float = Field(default=1.0, gt=0, description="Text messages sent in a second, at most.")
    whatsapp_per_second: float = Field(
        default=20.0, gt=0, description="WhatsApp messages sent in a second, at most."
    )
    sms_parts_per_day: int = Field(
        default=0, ge=0, description="Text message parts sent in a day, at most; 0 is no limit."
    )
    sms_parts_per_day_and_language: int = Field(
        default=0, ge=0, description="The same for each language; 0 is no limit."
    )

    @property
    def bot_port(self) -> int:
        """Beside the web port, so that two instances with different web ports never meet."""
        return self.port + 10_000

    @property
    def actions_port(self) -> int:
        return self.port + 20_000

    @property
    def resolved_bot_url(self) -> str:
        return self.bot_url or f"http://127.0.0.1:{self.bot_port}"

    @property
    def resolved_public_url(self) -> str:
        return self.public_url.strip().rstrip("/") or f"http://127.0.0.1:{self.port}"


@lru_cache
def get_settings() -> Settings:
    return Settings()
