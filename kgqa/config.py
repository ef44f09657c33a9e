"""Settings: from a TOML file, then the environment, each checked and turned into one value.

The file is the one that `KGQA_CONFIG` names, else `config.toml` in the user's configuration folder (`~/.config/kgqa` on
Linux). Its keys are the fields of `Settings`; an unknown one is refused. Each field has a variable of its own, which
wins over the file: `KGQA_LABEL_PREDICATES` (IRIs apart by spaces), `KGQA_THRESHOLD`, `KGQA_N_THREADS`,
`KGQA_MODEL_FOLDER`, and `KGQA_HOME` for the data folder. An empty variable counts as not set.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from kgqa.errors import SettingsError

CONFIG_VARIABLE = "KGQA_CONFIG"
VARIABLES: Mapping[str, str] = {
    "label_predicates": "KGQA_LABEL_PREDICATES",
    "threshold": "KGQA_THRESHOLD",
    "n_threads": "KGQA_N_THREADS",
    "model_folder": "KGQA_MODEL_FOLDER",
    "data_folder": "KGQA_HOME",
}
_MAX_THREADS = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user may set. None means the default of the part it concerns.

    `label_predicates` are the IRIs whose values name things, used when a graph is loaded, first match first. An answer
    below `threshold`, a confidence in [0, 1], is not given. `model_folder` holds a checkpoint, `data_folder` the loaded
    graphs. Raises SettingsError for an impossible value.
    """

    label_predicates: tuple[str, ...] | None = None
    threshold: float | None = None
    n_threads: int = 1
    model_folder: Path | None = None
    data_folder: Path | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise SettingsError(f"threshold is {self.threshold!r}; expected a number from 0 to 1")
        if not 1 <= self.n_threads <= _MAX_THREADS:
            raise SettingsError(f"n_threads is {self.n_threads!r}; expected a whole number from 1 to {_MAX_THREADS}")
        if self.label_predicates is not None and not self.label_predicates:
            raise SettingsError("label_predicates is empty; name at least one IRI, or leave it out")
        for predicate in self.label_predicates or ():
            if ":" not in predicate or any(character in predicate for character in ' <>"{}|\\^`\n\t'):
                raise SettingsError(f"label_predicates has {predicate!r}; expected an IRI without angle brackets")


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file and of the variables in `environ`, which win. Raises SettingsError."""
    path = _config_file(environ)
    values = {} if path is None else _read_file(path)
    for name, variable in VARIABLES.items():
        if text := environ.get(variable, ""):
            values[name] = _from_text(name, text, place=variable)
    return Settings(**values)  # type: ignore[arg-type]  # each value was checked by `_checked`


def load_settings_with(
    environ: MutableMapping[str, str], *, model: Path | None = None, threshold: float | None = None
) -> Settings:
    """Return the settings with the options of a command on top, and make the data folder the catalog's.

    That is done in `environ`, which processes that are started then inherit. Raises SettingsError.
    """
    settings = load_settings(environ)
    if model is not None:
        settings = replace(settings, model_folder=model)
    if threshold is not None:
        settings = replace(settings, threshold=threshold)
    if settings.data_folder is not None:
        environ[VARIABLES["data_folder"]] = str(settings.data_folder)
    return settings


def _config_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    import platformdirs

    usual = Path(platformdirs.user_config_dir("kgqa")) / "config.toml"
    return usual if usual.is_file() else None


def _read_file(path: Path) -> dict[str, object]:
    try:
        found = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from error
    known = [field.name for field in fields(Settings)]
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; expected one of: {', '.join(known)}"
            raise SettingsError(f"{path}: unknown setting {name!r}{hint}")
    return {name: _checked(name, value, place=str(path), folder=path.parent) for name, value in found.items()}


def _from_text(name: str, text: str, *, place: str) -> object:
    if name == "label_predicates":
        return _checked(name, text.split(), place=place)
    if name in ("threshold", "n_threads"):
        try:
            number = float(text) if name == "threshold" else int(text)
        except ValueError as error:
            raise SettingsError(f"{place}: {name} is {text!r}; expected a number") from error
        return _checked(name, number, place=place)
    return _checked(name, text, place=place)


def _checked(name: str, value: object, *, place: str, folder: Path | None = None) -> object:
    """Return a value in the type of its field; a relative path is taken from `folder`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "threshold" and is_number:
        return float(value)  # type: ignore[arg-type]
    if name == "n_threads" and is_number and isinstance(value, int):
        return value
    if name in ("model_folder", "data_folder") and isinstance(value, str) and value and "\0" not in value:
        path = Path(value).expanduser()
        return folder / path if folder is not None else path
    if name == "label_predicates" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    expected = {"threshold": "a number", "n_threads": "a whole number", "label_predicates": "a list of IRIs"}
    raise SettingsError(f"{place}: {name} is {value!r}; expected {expected.get(name, 'the path of a folder')}")
