"""The errors a caller can act on. Each message says what was wrong, with the value, and what to do."""

from __future__ import annotations


class KGQAError(Exception):
    """Base of every error this library raises on purpose; its text is one line fit for a user."""


class GraphLoadError(KGQAError):
    """A file could not be loaded; `line` and `column` count from 1 where the parser knows them."""

    def __init__(self, message: str, *, path: str = "", line: int | None = None, column: int | None = None) -> None:
        self.path, self.line, self.column = path, line, column
        place = path
        if line is not None:
            place += f":{line}" + (f":{column}" if column is not None else "")
        super().__init__(f"{place}: {message}" if place else message)


class UnknownGraphError(KGQAError):
    """No graph or file of that name."""


class QueryError(KGQAError):
    """A SPARQL query was refused, failed, or ran past its deadline."""


class EndpointError(QueryError):
    """A remote endpoint may not be asked, did not answer, or answered with something else than SPARQL results."""


class ModelError(KGQAError):
    """A checkpoint is missing, malformed, or not one of ours."""


class DatasetError(KGQAError):
    """A question file could not be read."""


class SettingsError(KGQAError):
    """A setting has an unknown name or an impossible value."""
