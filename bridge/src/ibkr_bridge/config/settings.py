"""The settings, one frozen section per room; every field says its names, its default and its meaning."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from ibkr_bridge.config import questions
from ibkr_bridge.config.section import Amount, Names, Origins, Port, Seconds, Section, is_loopback, setting
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.interruptions import Window, reset, restart
from ibkr_bridge.domain.questions import Policy
from ibkr_bridge.domain.world import World


class ApiSettings(Section):
    """What callers meet."""

    host: str = setting(
        "Address to listen on. Anything but loopback needs a key.", "IBKR_SERVICE_HOST", default="127.0.0.1"
    )
    port: Port = setting("Port to listen on; 0 takes a free one.", "IBKR_SERVICE_PORT", "PORT", default=8000)
    required_api_key: SecretStr | None = setting(
        "When set, every request but GET /livez must carry it.", "IBKR_SERVICE_REQUIRED_API_KEY", default=None
    )
    api_key_header: str = setting(
        "The header that carries the key.",
        "IBKR_SERVICE_API_KEY_HEADER",
        default="X-API-Key",
        pattern=r"^[A-Za-z0-9-]{1,64}$",
    )
    enable_cors: bool = setting("Whether cors_origins is heeded at all.", "IBKR_SERVICE_ENABLE_CORS", default=True)
    cors_origins: Origins = setting(
        "Web origins whose pages may call, separated by commas; none by default.",
        "CORS_ORIGIN",
        "IBKR_SERVICE_CORS_ORIGINS",
        default=(),
    )
    allowed_hosts: Names = setting(
        "Further names under which callers reach the service (the Host header), separated by commas; loopback"
        " names always work. * takes any, and needs a key.",
        "IBKR_SERVICE_ALLOWED_HOSTS",
        default=(),
    )
    max_body_bytes: int = setting(
        "The largest body and the largest WebSocket message.",
        "IBKR_SERVICE_MAX_BODY_BYTES",
        default=65536,
        ge=1024,
        le=16 * 1024 * 1024,
    )
    body_timeout: Seconds = setting(
        "Seconds a caller may take to send a body.", "IBKR_SERVICE_BODY_TIMEOUT", default=10.0
    )
    ws_subscriptions: int = setting(
        "Contracts that one WebSocket may listen to.", "IBKR_SERVICE_WS_SUBSCRIPTIONS", default=100, ge=1, le=10_000
    )
    ws_queue: int = setting(
        "Messages that may wait for a slow WebSocket before it is closed.", "IBKR_SERVICE_WS_QUEUE", default=1000, ge=10
    )
    ws_flush_window: float = setting(
        "Seconds in which quotes are gathered into one flush.", "IBKR_SERVICE_WS_FLUSH_WINDOW", default=0.02, ge=0, le=5
    )
    ws_send_timeout: Seconds = setting(
        "Seconds a WebSocket may take to accept a message.", "IBKR_SERVICE_WS_SEND_TIMEOUT", default=5.0
    )
    log_requests: bool = setting("Write one log line per request.", "IBKR_SERVICE_LOG_REQUESTS", default=True)

    @property
    def origins(self) -> tuple[str, ...]:
        return self.cors_origins if self.enable_cors else ()

    @model_validator(mode="after")
    def _closed_by_default(self) -> ApiSettings:
        if self.required_api_key is not None:
            return self
        if not is_loopback(self.host):
            raise ValueError(
                f"IBKR_SERVICE_REQUIRED_API_KEY: must be set, because IBKR_SERVICE_HOST={self.host} can be reached"
                " from other machines"
            )
        if "*" in self.allowed_hosts:
            raise ValueError("IBKR_SERVICE_REQUIRED_API_KEY: must be set, because IBKR_SERVICE_ALLOWED_HOSTS holds *")
        return self


class UpstreamSettings(Section):
    """Which of IBKR's doors is used."""

    door: Literal["tws", "webapi"] = setting(
        "tws: TWS or IB Gateway; webapi: the Client Portal Web API, by its local gateway or by OAuth.",
        "IBKR_SERVICE_UPSTREAM",
        default="tws",
    )


class TwsSettings(Section):
    """The way to TWS or IB Gateway."""

    host: str = setting("Where TWS or IB Gateway runs.", "IB_HOST", "IBKR_SERVICE_TWS_HOST", default="127.0.0.1")
    port: Port = setting(
        "Its API port: IB Gateway 4002 paper, 4001 live; TWS 7497 paper, 7496 live.",
        "IB_PORT",
        "IBKR_SERVICE_TWS_PORT",
        default=4002,
    )
    client_id: int = setting(
        "The API client id; no other program on that gateway may use it.",
        "IB_CLIENT_ID",
        "IBKR_SERVICE_CLIENT_ID",
        default=42,
        ge=0,
        le=2**31 - 1,
    )
    account: str | None = setting(
        "Pins the service to one account. Without it the only account of the session is meant.",
        "IB_ACCOUNT",
        "IBKR_SERVICE_ACCOUNT_ID",
        "IBKR_ACCOUNT_ID",
        default=None,
        pattern=r"^[A-Za-z0-9]{1,32}$",
    )
    connect_timeout: Seconds = setting(
        "Seconds for a connection to stand.", "IBKR_SERVICE_CONNECT_TIMEOUT", default=10.0
    )
    request_timeout: Seconds = setting(
        "Seconds for IBKR to answer a question.", "IBKR_SERVICE_REQUEST_TIMEOUT", default=10.0
    )
    market_data_type: Literal["live", "frozen", "delayed", "delayed_frozen"] = setting(
        "Which market data to ask for; delayed means live where you are entitled to it, else delayed.",
        "IBKR_SERVICE_MARKET_DATA_TYPE",
        default="delayed",
    )


class TradingSettings(Section):
    """What may be traded, and in which world."""

    read_only: bool = setting(
        "Refuse every order. Trading is switched on by name.", "IBKR_SERVICE_READ_ONLY", default=True
    )
    world: World = setting(
        "The world the broker's accounts must belong to: simulated, paper or live.",
        "IBKR_SERVICE_WORLD",
        default=World.PAPER,
    )
    allow_live: bool = setting("Must be true before world may be live.", "IBKR_SERVICE_ALLOW_LIVE", default=False)
    first_word_timeout: Seconds = setting(
        "Seconds that POST /orders waits for the broker's first word before it answers 202.",
        "IBKR_SERVICE_FIRST_WORD_TIMEOUT",
        default=3.0,
    )

    questions_file: Path | None = setting(
        "A TOML file of IBKR's message ids, each allow or refuse; what it does not name is asked of the caller.",
        "IBKR_SERVICE_QUESTIONS_FILE",
        default=None,
    )
    answer_timeout: Seconds = setting(
        "Seconds in which a caller may answer a question of IBKR's.", "IBKR_SERVICE_ANSWER_TIMEOUT", default=60.0
    )
    never_arrived_after: Seconds = setting(
        "Seconds over which complete looks at IBKR must miss an unknown order before it counts as never arrived.",
        "IBKR_SERVICE_NEVER_ARRIVED_AFTER",
        default=60.0,
    )
    inquiry_interval: Seconds = setting(
        "Seconds between looks at IBKR while an order is unknown.", "IBKR_SERVICE_INQUIRY_INTERVAL", default=5.0
    )
    tws_time_zone: str | None = setting(
        "Login time zone of TWS or IB Gateway, such as America/New_York: its midnight ends what IBKR shows of a day.",
        "IBKR_SERVICE_TWS_TIME_ZONE",
        default=None,
    )

    tws_restart_at: str | None = setting(
        "When TWS or IB Gateway restarts by itself each day, HH:MM in IBKR_SERVICE_TWS_TIME_ZONE.",
        "IBKR_SERVICE_TWS_RESTART_AT",
        default=None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
    )
    reset_windows: Names = setting(
        "IBKR's resets, each like 00:15-01:45 America/New_York. Europe: 06:25-07:45 Europe/Zurich."
        " Asia: 04:45-06:05 Asia/Hong_Kong, 20:15-21:15 Asia/Hong_Kong.",
        "IBKR_SERVICE_RESET_WINDOWS",
        default=("00:15-01:45 America/New_York", "Fri 23:00-03:00 America/New_York"),
    )
    reconcile_interval: Seconds = setting(
        "Seconds between comparisons of our books with IBKR's.", "IBKR_SERVICE_RECONCILE_INTERVAL", default=60.0
    )
    settling: Seconds = setting(
        "Seconds within which a fill and the position it makes may be told one after the other.",
        "IBKR_SERVICE_SETTLING",
        default=10.0,
    )

    @field_validator("reset_windows")
    @classmethod
    def _windows(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            reset(text)
        return value

    @field_validator("questions_file")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        questions.read(value)
        return value

    @property
    def policy(self) -> Policy:
        """What is answered without asking anybody."""
        return questions.read(self.questions_file)

    @property
    def interruptions(self) -> tuple[Window, ...]:
        """Known in advance."""
        own = (restart(self.tws_restart_at, self.tws_time_zone or ""),) if self.tws_restart_at else ()
        return (*own, *(reset(text) for text in self.reset_windows))

    @model_validator(mode="after")
    def _restart_somewhere(self) -> TradingSettings:
        if self.tws_restart_at and not self.tws_time_zone:
            raise ValueError("IBKR_SERVICE_TWS_TIME_ZONE: must be set, because IBKR_SERVICE_TWS_RESTART_AT is")
        return self

    @field_validator("tws_time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; write it like Europe/Zurich")
        return value

    @model_validator(mode="after")
    def _live_by_name(self) -> TradingSettings:
        if self.world is World.LIVE and not self.allow_live:
            raise ValueError("IBKR_SERVICE_ALLOW_LIVE: must be true, because IBKR_SERVICE_WORLD is live")
        return self


class GuardSettings(Section):
    """What an order may be; 0 and empty switch a guard off. A denial names the guard that refused."""

    base_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = setting(
        "The currency in which orders and exposure are valued.", "IBKR_SERVICE_BASE_CURRENCY", default="CHF"
    )
    max_order_value: Amount = setting(
        "The most one order may be worth, in the base currency.",
        "MAX_ORDER_VALUE_CHF",
        "IBKR_SERVICE_MAX_ORDER_VALUE",
        default=Decimal(50_000),
    )
    max_rate_age: Seconds = setting(
        "Seconds after which an exchange rate is too old to value an order.",
        "IBKR_SERVICE_MAX_RATE_AGE",
        default=300.0,
    )
    max_quote_age: Seconds = setting(
        "Seconds after which a quote is too old to value an order.", "IBKR_SERVICE_MAX_QUOTE_AGE", default=60.0
    )
    allow_market_orders: bool = setting(
        "Let MARKET and STOP orders through.", "ALLOW_MARKET_ORDERS", "IBKR_SERVICE_ALLOW_MARKET_ORDERS", default=False
    )
    market_hours: bool = setting(
        "Refuse day orders while the exchange is closed.", "IBKR_SERVICE_MARKET_HOURS", default=True
    )
    max_quantity: Amount = setting("The most one order may ask for.", "IBKR_SERVICE_MAX_QUANTITY", default=Decimal(0))
    price_collar_percent: Amount = setting(
        "How far beyond the market a limit price may be, in per cent.",
        "IBKR_SERVICE_PRICE_COLLAR_PERCENT",
        default=Decimal(10),
    )
    orders_per_minute: Annotated[int, Field(ge=0)] = setting(
        "Orders let through in any minute.", "IBKR_SERVICE_ORDERS_PER_MINUTE", default=60
    )
    open_orders_per_side: Annotated[int, Field(ge=0)] = setting(
        "Working orders a side of a contract; IBKR allows 20.", "IBKR_SERVICE_OPEN_ORDERS_PER_SIDE", default=20
    )
    max_position: Amount = setting(
        "The largest position in one contract, in shares or contracts.", "IBKR_SERVICE_MAX_POSITION", default=Decimal(0)
    )
    max_exposure: Amount = setting(
        "The most all positions together may be worth, in the base currency.",
        "IBKR_SERVICE_MAX_EXPOSURE",
        default=Decimal(0),
    )
    allowed_symbols: Names = setting(
        "Only these symbols, separated by commas.", "IBKR_SERVICE_ALLOWED_SYMBOLS", default=()
    )
    denied_symbols: Names = setting(
        "Never these symbols, separated by commas.", "IBKR_SERVICE_DENIED_SYMBOLS", default=()
    )
    repeat_seconds: Annotated[float, Field(ge=0, le=3600)] = setting(
        "Seconds in which the same order again is refused.", "IBKR_SERVICE_REPEAT_SECONDS", default=2.0
    )
    reset_margin: Annotated[float, Field(ge=0, le=600)] = setting(
        "Seconds before a reset of IBKR's, or the gateway's restart, in which orders are refused.",
        "IBKR_SERVICE_RESET_MARGIN",
        default=30.0,
    )

    @classmethod
    def wide_open(cls) -> GuardSettings:
        """Nothing is limited: for a simulator."""
        return cls(
            max_order_value=Decimal(0),
            allow_market_orders=True,
            market_hours=False,
            price_collar_percent=Decimal(0),
            orders_per_minute=0,
            open_orders_per_side=0,
            repeat_seconds=0.0,
            reset_margin=0.0,
        )


def _without_password(value: object) -> object:
    """An address with a password in it is shown to nobody."""
    secret = isinstance(value, str) and "@" in value and ":" in value.partition("://")[2].rpartition("@")[0]
    return SecretStr(value) if secret and isinstance(value, str) else value


class JournalSettings(Section):
    """Where orders and events are kept, and what guards them against change."""

    url: Annotated[str | SecretStr, BeforeValidator(_without_password)] = setting(
        "sqlite:///folder/file.sqlite, postgresql://user@host/database, or memory: gone when the service stops.",
        "IBKR_SERVICE_JOURNAL_URL",
        default="sqlite:///.data/journal.sqlite",
    )
    audit_key: SecretStr | None = setting(
        "The secret that seals every event, 16 bytes at least. Without it the one in audit_key_file is used.",
        "IBKR_SERVICE_AUDIT_KEY",
        default=None,
    )
    audit_key_file: Path | None = setting(
        "File of the secret, made when missing; by default audit.key in this user's state folder.",
        "IBKR_SERVICE_AUDIT_KEY_FILE",
        default=None,
    )
    audit_mark: Path | None = setting(
        "File that remembers how far the journal had come, so that a cut end is noticed. Keep it where whoever can"
        " change the journal cannot; by default in this user's state folder.",
        "IBKR_SERVICE_AUDIT_MARK",
        default=None,
    )

    @property
    def address(self) -> str:
        """The whole `url`, password included."""
        return self.url.get_secret_value() if isinstance(self.url, SecretStr) else self.url


class LogSettings(Section):
    """What is written down, and how."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    ] = setting("debug, info, warning or error.", "IBKR_SERVICE_LOG_LEVEL", "LOG_LEVEL", default="info")
    format: Literal["auto", "json", "text"] = setting(
        "json, text, or auto: text on a terminal, else JSON.", "IBKR_SERVICE_LOG_FORMAT", default="auto"
    )


class Settings(Section):
    """Everything that can be set."""

    api: ApiSettings = ApiSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    tws: TwsSettings = TwsSettings()
    webapi: WebApiSettings = WebApiSettings()
    trading: TradingSettings = TradingSettings()
    guards: GuardSettings = GuardSettings()
    journal: JournalSettings = JournalSettings()
    log: LogSettings = LogSettings()
