"""A remote SPARQL 1.1 endpoint: queries go out by the SPARQL 1.1 Protocol, and what comes back is strictly checked.

An endpoint's address comes from a user, and may point anywhere: each address that its name resolves to must be public,
at every connection, and a redirect is never followed. `KGQA_ENDPOINT_ALLOW` lists the hosts (`host` or `host:port`,
apart by spaces or commas) that an operator lets through all the same. `KGQA_ENDPOINT_HEADER` is one header, such as
`Authorization: Bearer abc`, sent with every query.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx

from kgqa.errors import EndpointError, SettingsError
from kgqa.protocols import Row, Triple
from kgqa.stores.sparql_results import QueryResult, read_json

ALLOW_VARIABLE = "KGQA_ENDPOINT_ALLOW"
HEADER_VARIABLE = "KGQA_ENDPOINT_HEADER"
_ACCEPT = "application/sparql-results+json, application/json;q=0.5"
_JSON_TYPES = ("application/sparql-results+json", "application/json")
_TRY_AGAIN = (429, 502, 503, 504)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_MAX_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """How long and how much one query may take, and how it is tried again.

    `timeout_s` covers all tries; a try that fails in passing is repeated after `backoff_s`, then twice that, and so on.
    `max_bytes` counts a response after decompression. `page_rows` is asked for at a time when everything is read.
    """

    timeout_s: float = 30.0
    max_bytes: int = 64 << 20
    n_tries: int = 4
    backoff_s: float = 0.5
    page_rows: int = 10_000

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a positive number")


def check_address(url: str, *, allowed: Iterable[str] = ()) -> str:
    """Return the address of an endpoint if it may be asked at all, without a fragment. Nothing is sent.

    Refused are other schemes than http and https, user names and passwords, and hosts of which any address is not
    public, unless `allowed` has the host or host:port. Raises EndpointError with one line.
    """
    if any(character.isspace() or not character.isprintable() for character in url) or "\\" in url:
        raise EndpointError("an endpoint's address may hold no spaces, backslashes or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise EndpointError(f"{url[:200]} is not an address: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise EndpointError(f"{url[:200]} is refused: an endpoint is asked by http or https only")
    if "@" in parts.netloc:
        raise EndpointError(f"an address with a user name is refused; give a header in {HEADER_VARIABLE} instead")
    if not parts.hostname or parts.fragment:
        raise EndpointError(f"{url[:200]} is refused: it names no host, or has a fragment")
    if not _is_allowed(parts.hostname, port, frozenset(allowed)):
        public_addresses(parts.hostname, port)
    return _without_fragment(parts)


def _without_fragment(parts: SplitResult) -> str:
    return parts._replace(fragment="").geturl()


def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses that `host` resolves to now. Raises EndpointError if there is none, or one is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EndpointError(f"the host {host[:100]} cannot be found") from error
    addresses = tuple(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        if not _is_public(address):
            raise EndpointError(
                f"{host[:100]} is refused: {address} is not a public address; an operator may allow it in "
                f"{ALLOW_VARIABLE}"
            )
    if not addresses:
        raise EndpointError(f"the host {host[:100]} cannot be found")
    return addresses


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner: ipaddress.IPv4Address | None = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast and (inner is None or _is_public(str(inner)))


def _is_allowed(host: str, port: int, allowed: frozenset[str]) -> bool:
    bare = f"[{host}]" if ":" in host else host
    return host in allowed or bare in allowed or f"{bare}:{port}" in allowed


class _Backend(httpcore.NetworkBackend):
    """Opens connections to checked addresses only: the name is resolved here, and what was checked is connected to."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed, self._inner = allowed, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        name = host.strip("[]")
        if _is_allowed(name, port, self._allowed):
            return self._inner.connect_tcp(name, port, timeout, local_address, socket_options)
        problem: Exception | None = None
        for address in public_addresses(name, port)[:3]:
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem or httpcore.ConnectError("no address")

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise EndpointError("an endpoint is asked by http or https only")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over a pool that connects through `_Backend`."""

    def __init__(self, allowed: frozenset[str]) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(), max_connections=2, network_backend=_Backend(allowed)
        )


class EndpointStore:
    """A `GraphStore` over a remote endpoint; its default graph is the graph. Nothing is ever written to it.

    Literals come in the engine's spelling, and blank nodes keep their names within one result only.
    """

    def __init__(
        self,
        url: str,
        *,
        allowed: Iterable[str] = (),
        header: tuple[str, str] | None = None,
        limits: EndpointLimits | None = None,
    ) -> None:
        self.limits = limits or EndpointLimits()
        permitted = frozenset(allowed)
        self.url = check_address(url, allowed=permitted)
        headers = {"Accept": _ACCEPT, "User-Agent": "kgqa"}
        if header is not None:
            headers[header[0]] = header[1]
        self._client = httpx.Client(
            transport=_Transport(permitted), headers=headers, follow_redirects=False, trust_env=False
        )
        self._lock = threading.Lock()
        self._end = weakref.finalize(self, self._client.close)  # nobody has to close a graph
        self.n_requests = 0

    @classmethod
    def from_environment(
        cls, url: str, environ: Mapping[str, str] | None = None, *, limits: EndpointLimits | None = None
    ) -> EndpointStore:
        """Return the endpoint at `url` as `KGQA_ENDPOINT_ALLOW` and `KGQA_ENDPOINT_HEADER` say. Raises KGQAError."""
        variables = os.environ if environ is None else environ
        allowed = [part for part in re.split(r"[\s,]+", variables.get(ALLOW_VARIABLE, "")) if part]
        header = None
        if text := variables.get(HEADER_VARIABLE, "").strip():
            match = _HEADER.fullmatch(text)
            if match is None:
                raise SettingsError(f"{HEADER_VARIABLE} is not a header; expected 'Name: value'")
            header = (match[1], match[2])
        return cls(url, allowed=allowed, header=header, limits=limits)

    def __len__(self) -> int:
        """Return the number of distinct triples, as the endpoint counts them."""
        [(n,)] = self.select("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
        try:
            return int(n.value) if n is not None else 0
        except ValueError as error:
            raise EndpointError("endpoint returned a count that is no number") from error

    def triples(self) -> Iterator[Triple]:
        """Yield every triple, page after page. For small graphs: the endpoint must sort them all for each page."""
        offset, size = 0, self.limits.page_rows
        while True:
            rows = self.select(f"SELECT ?s ?p ?o WHERE {{ ?s ?p ?o }} ORDER BY ?s ?p ?o LIMIT {size} OFFSET {offset}")
            for subject, predicate, obj in rows:
                if subject is not None and predicate is not None and obj is not None:
                    yield subject, predicate, obj
            if len(rows) < size:
                return
            offset += size

    def select(self, query: str) -> Sequence[Row]:
        """Return the rows of a SELECT query, in the query's order. Raises QueryError."""
        result = self.run(query)
        if result.truth is not None:
            raise EndpointError("this is not a SELECT query, or the endpoint returned a boolean for one")
        return result.rows

    def ask(self, query: str) -> bool:
        """Return the result of an ASK query. Raises QueryError."""
        result = self.run(query)
        if result.truth is None:
            raise EndpointError("this is not an ASK query, or the endpoint returned rows for one")
        return result.truth

    def run(self, query: str, *, timeout_s: float | None = None) -> QueryResult:
        """Return the result of a SELECT or ASK query. Raises EndpointError, with one line, for anything else.

        A refused connection and the statuses 429, 502, 503 and 504 are tried again, later each time.
        """
        deadline = time.monotonic() + (timeout_s or self.limits.timeout_s)
        with self._lock:
            for n_tried in range(1, self.limits.n_tries + 1):
                try:
                    return self._once(query, deadline)
                except _Passing as passing:
                    wait = passing.wait_s or self.limits.backoff_s * 2 ** (n_tried - 1)
                    wait = min(wait, _MAX_WAIT_S)
                    if n_tried == self.limits.n_tries or time.monotonic() + wait >= deadline:
                        raise EndpointError(str(passing)) from passing
                    time.sleep(wait)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._end()

    def _once(self, query: str, deadline: float) -> QueryResult:
        remaining = max(deadline - time.monotonic(), 0.01)
        self.n_requests += 1
        try:
            with self._client.stream("POST", self.url, data={"query": query}, timeout=remaining) as response:
                body = self._body(response, deadline)
        except httpx.TimeoutException as error:
            raise EndpointError(self._late()) from error
        except httpx.ConnectError as error:
            raise _Passing(f"endpoint cannot be reached: {_one_line(error)}") from error
        except (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _Passing(f"endpoint broke off: {_one_line(error)}") from error
        except httpcore.TimeoutException as error:
            raise EndpointError(self._late()) from error
        except (ValueError, UnicodeError) as error:
            raise EndpointError(f"the query cannot be sent: {_one_line(error)}") from error
        try:
            return read_json(body)
        except EndpointError:
            raise
        except Exception as error:  # QueryError: what is wrong with the document
            raise EndpointError(f"endpoint returned {_one_line(error)}") from error

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        status = response.status_code
        if status in _TRY_AGAIN:
            raise _Passing(f"endpoint returned {status} {response.reason_phrase}", _seconds(response))
        if 300 <= status < 400:
            raise EndpointError(
                f"endpoint returned {status}, a redirect; those are not followed: give the final address"
            )
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > (self.limits.max_bytes if status == 200 else 1000):
                if status != 200:
                    break
                raise EndpointError(f"endpoint returned more than {self.limits.max_bytes >> 20:,} MiB")
            if time.monotonic() > deadline:
                raise EndpointError(self._late())
        body = b"".join(parts)
        if status != 200:
            told = " ".join(body.decode("utf-8", "replace").split())[:200]
            told = "".join(character for character in told if character.isprintable())
            raise EndpointError(f"endpoint returned {status} {response.reason_phrase}" + (f": {told}" if told else ""))
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            shown = "".join(character for character in kind[:80] if character.isprintable())
            raise EndpointError(f"endpoint returned {shown or 'no content type'} instead of SPARQL results in JSON")
        return body

    def _late(self) -> str:
        return f"endpoint gave no whole answer within {self.limits.timeout_s:g} s"


class _Passing(Exception):
    """A failure that another try may not meet. `wait_s` is what the endpoint asked to wait."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def _seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
