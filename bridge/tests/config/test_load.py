"""Settings: names, precedence, rules, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ibkr_bridge.config.describe import effective, template, warnings
from ibkr_bridge.config.load import SettingsError, examine, load
from ibkr_bridge.config.names import NOT_USED_YET, variables
from ibkr_bridge.config.settings import Settings
from ibkr_bridge.domain.world import World

SECRET = "hush-hush-hush"
SEED_NAMES = {
    "IB_HOST": ("tws", "host", "10.0.0.1"),
    "IB_PORT": ("tws", "port", 7497),
    "IB_CLIENT_ID": ("tws", "client_id", 7),
    "IB_ACCOUNT": ("tws", "account", "DU1234567"),
    "IBKR_SERVICE_ACCOUNT_ID": ("tws", "account", "DU1234567"),
    "PORT": ("api", "port", 8080),
    "IBKR_SERVICE_PORT": ("api", "port", 8001),
    "IBKR_SERVICE_HOST": ("api", "host", "127.0.0.2"),
    "IBKR_SERVICE_API_KEY_HEADER": ("api", "api_key_header", "X-Door"),
    "IBKR_SERVICE_ENABLE_CORS": ("api", "enable_cors", False),
    "IBKR_SERVICE_LOG_REQUESTS": ("api", "log_requests", False),
    "LOG_LEVEL": ("log", "level", "debug"),
    "IBKR_SERVICE_LOG_LEVEL": ("log", "level", "warning"),
}


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as error:
        load(environ, None)
    return error.value.problems


def test_without_anything_set_every_door_is_closed() -> None:
    settings = load({}, None)
    assert settings == Settings()
    assert (settings.api.host, settings.api.port, settings.tws.port, settings.tws.client_id) == (
        "127.0.0.1",
        8000,
        4002,
        42,
    )
    assert settings.trading.read_only
    assert settings.trading.world is World.PAPER
    assert not settings.trading.allow_live


@pytest.mark.parametrize("name", SEED_NAMES)
def test_every_known_name_sets_its_field(name: str) -> None:
    section, field, value = SEED_NAMES[name]
    settings = load({name: str(value).lower() if isinstance(value, bool) else str(value)}, None)
    assert getattr(getattr(settings, section), field) == value


def test_the_known_names_win_over_our_own() -> None:
    assert load({"IB_PORT": "7497", "IBKR_SERVICE_TWS_PORT": "1"}, None).tws.port == 7497
    assert load({"IB_CLIENT_ID": "7", "IBKR_SERVICE_CLIENT_ID": "1"}, None).tws.client_id == 7


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('IB_PORT=1\nIB_HOST=file.example\nIB_CLIENT_ID="3" # comment\nCORS_ORIGIN=https://a.example\n')
    loaded = examine({"IBKR_SERVICE_TWS_PORT": "2", "IB_HOST": "env.example"}, file, {"IB_HOST": "option.example"})
    assert (loaded.settings.tws.port, loaded.settings.tws.host, loaded.settings.tws.client_id) == (
        2,
        "option.example",
        3,
    )
    assert loaded.settings.api.origins == ("https://a.example",)
    assert str(loaded.found["tws", "client_id"]) == f"IB_CLIENT_ID ({file})"
    assert str(loaded.found["tws", "host"]) == "IB_HOST (command line)"


def test_an_empty_value_counts_as_not_set() -> None:
    assert load({"IBKR_SERVICE_REQUIRED_API_KEY": "", "PORT": " "}, None) == Settings()


def test_a_file_that_is_not_there_is_no_file(tmp_path: Path) -> None:
    assert load({}, tmp_path / "none") == Settings()


def test_a_file_that_is_no_text_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe=\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        load({}, tmp_path / ".env")


def test_the_network_needs_a_key() -> None:
    (line,) = problems(IBKR_SERVICE_HOST="0.0.0.0")
    assert line.startswith("IBKR_SERVICE_REQUIRED_API_KEY: must be set")
    (line,) = problems(IBKR_SERVICE_ALLOWED_HOSTS="*")
    assert line.startswith("IBKR_SERVICE_REQUIRED_API_KEY: must be set")
    assert load({"IBKR_SERVICE_HOST": "0.0.0.0", "IBKR_SERVICE_REQUIRED_API_KEY": SECRET}, None).api.host == "0.0.0.0"
    assert load({"IBKR_SERVICE_HOST": "::1"}, None).api.host == "::1"


def test_live_is_switched_on_by_name() -> None:
    (line,) = problems(IBKR_SERVICE_WORLD="live")
    assert line.startswith("IBKR_SERVICE_ALLOW_LIVE: must be true")
    assert load({"IBKR_SERVICE_WORLD": "live", "IBKR_SERVICE_ALLOW_LIVE": "true"}, None).trading.world is World.LIVE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("IB_CLIENT_ID", "-1"),
        ("IB_ACCOUNT", "DU 1"),
        ("IBKR_SERVICE_WORLD", "real"),
        ("IBKR_SERVICE_READ_ONLY", "perhaps"),
        ("IBKR_SERVICE_API_KEY_HEADER", "X Key"),
        ("IBKR_SERVICE_REQUEST_TIMEOUT", "nan"),
        ("IBKR_SERVICE_REQUEST_TIMEOUT", "0"),
        ("CORS_ORIGIN", "*"),
        ("CORS_ORIGIN", "https://a.example/path"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    (line,) = problems(**{name: value})
    assert line.startswith(f"{name} (environment): ")


def test_every_problem_is_told_at_once_and_no_secret_with_it() -> None:
    lines = problems(PORT="x", LOG_LEVEL="y", IB_PORT="z", IBKR_SERVICE_REQUIRED_API_KEY=SECRET)
    assert len(lines) == 3
    assert SECRET not in "".join(lines)


def test_names_of_rooms_to_come_are_accepted_and_told() -> None:
    loaded = examine(dict.fromkeys(NOT_USED_YET, "1"), None)
    assert set(loaded.unused) == NOT_USED_YET.keys()
    assert loaded.misspelt == ()
    assert any("IBKR_SERVICE_WORKERS" in line and "no effect" in line for line in warnings(loaded))


def test_a_misspelt_name_of_ours_is_told() -> None:
    loaded = examine({"IBKR_SERVICE_PROT": "1", "SOMETHING_ELSE": "1"}, None)
    assert loaded.misspelt == ("IBKR_SERVICE_PROT",)


def test_the_template_names_every_setting_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(template())
    assert load({}, tmp_path / ".env") == Settings()
    everything = "\n".join(line.removeprefix("#") for line in template().splitlines() if line.startswith("#I"))
    (tmp_path / ".env").write_text(everything)
    assert load({}, tmp_path / ".env") == Settings()
    for variable in variables():
        assert f"#{variable.names[0]}=" in template()
        assert variable.description


def test_the_settings_in_force_are_shown_without_secrets() -> None:
    loaded = examine({"IBKR_SERVICE_REQUIRED_API_KEY": SECRET, "IB_PORT": "7497"}, None)
    rows = {name: (value, origin) for name, value, origin in effective(loaded)}
    assert rows["tws.port"] == ("7497", "IB_PORT (environment)")
    assert rows["api.required_api_key"][0] == "********"
    assert SECRET not in repr(loaded.settings) + repr(rows)


def test_loading_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IB_PORT", "7497")
    assert load(env_file=None).tws.port == 7497
    assert load({}, None).tws.port == 4002
