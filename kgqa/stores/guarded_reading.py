"""Reading files that strangers bring: every byte is checked before a parser sees it. Standard library only."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from xml.parsers import expat

from kgqa.errors import GraphLoadError
from kgqa.stores.formats import RdfSyntax, choose_syntax, sniff_syntax

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HEAD_BYTES = 1 << 16
_RATIO_GRACE_BYTES = 1 << 24  # small files may be as repetitive as they like
_GZIP = b"\x1f\x8b"
_ARCHIVES = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7z"}
_BINARIES = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"%PDF": "a PDF document",
    b"\x7fELF": "a program", b"SQLite format 3": "an SQLite database", b"PAR1": "a Parquet table",
    b"$HDT": "an HDT file",
}  # fmt: skip
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16", b"<\x00": "UTF-16", b"\x00<": "UTF-16",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What one load may take. Each error message names the limit that was met.

    `max_bytes` counts a file after inflation; `max_ratio` is inflated to compressed size, looked at from 16 MiB on;
    `max_nesting` is the depth of XML elements and of JSON-LD brackets; `memory_bytes` is address space.
    """

    max_bytes: int = 16 << 30
    max_ratio: float = 200.0
    max_nesting: int = 512
    max_literal_chars: int = 8_000_000
    memory_bytes: int = 4 << 30
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a positive number")


class _Check(Protocol):
    def feed(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file open for parsing: the syntax to read it in, what its first bytes look like, and its checked bytes."""

    syntax: RdfSyntax
    sniffed: RdfSyntax | None
    stream: IO[bytes]


def open_guarded(path: Path, *, flag: str | None, limits: LoadLimits) -> OpenedFile:
    """Return a file's syntax and its inflated bytes, byte-order mark dropped, as a stream that checks what it hands on.

    The stream raises GraphLoadError on sizes past `limits`, broken gzip data, text that is not UTF-8, XML that is cut
    short or declares a DTD, and nesting past the limit. So does this function, for what the first bytes tell.
    """
    name = path.name
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise GraphLoadError("this is a folder, not a file", path=name)
        if not stat.S_ISREG(mode):
            raise GraphLoadError("this is not a regular file", path=name)
        raw = path.open("rb")
    except (OSError, ValueError) as error:
        raise GraphLoadError(f"cannot be opened: {getattr(error, 'strerror', None) or error}", path=name) from error
    try:
        magic = raw.read(8)
        raw.seek(0)
        _refuse_archive(magic, name)
        compressed = magic.startswith(_GZIP)
        if name.lower().endswith(".gz") and not compressed:
            raise GraphLoadError("the name ends in .gz, but this is not gzip data", path=name)
        reader = GuardedReader(raw, name, limits, is_gzip=compressed)
        head = reader.peek_head()
        if head.startswith(_GZIP):
            raise GraphLoadError("gzip inside gzip is not read; unpack it once first", path=name)
        if compressed:
            _refuse_archive(head, name)
        _refuse_binary(head, name)
        sniffed = sniff_syntax(head, name=name)
        syntax = choose_syntax(name, sniffed, flag=flag)
        if syntax == "rdfxml":
            reader.add_check(_XmlCheck(name, limits))
        elif syntax == "jsonld":
            reader.add_check(_JsonCheck(name, limits))
        reader.add_check(_Utf8Check(name))
    except BaseException:
        raw.close()
        raise
    return OpenedFile(syntax, sniffed, io.BufferedReader(reader, 1 << 18))


class GuardedReader(io.RawIOBase):
    """A raw stream over an open file that inflates, counts, checks and only then hands on each chunk."""

    def __init__(self, file: IO[bytes], name: str, limits: LoadLimits, *, is_gzip: bool) -> None:
        super().__init__()
        self._file, self._name, self._limits = file, name, limits
        self._source: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if is_gzip else file
        self._n_compressed = os.fstat(file.fileno()).st_size if is_gzip else None
        self._checks: list[_Check] = []
        self._head = b""
        self._n_bytes = 0

    def add_check(self, check: _Check) -> None:
        """Show every further chunk to `check` first."""
        self._checks.append(check)

    def peek_head(self) -> bytes:
        """Return the first bytes without a UTF-8 byte-order mark; they are still read, and checked, later."""
        while len(self._head) < _HEAD_BYTES and (chunk := self._inflate(_HEAD_BYTES)):
            self._head += chunk
        self._head = self._head.removeprefix(codecs.BOM_UTF8)
        return self._head

    def readable(self) -> bool:
        """Return True: this is a stream to read from."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` with checked bytes and return how many; 0 at the end, when the checks have agreed to it."""
        view = memoryview(buffer).cast("B")
        data, self._head = self._head[: len(view)], self._head[len(view) :]
        data = data or self._inflate(len(view))
        for check in self._checks:
            check.feed(data) if data else check.close()
        if not data:
            self._checks.clear()  # a parser may ask for more after the end
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file underneath too."""
        self._file.close()
        super().close()

    def _inflate(self, size: int) -> bytes:
        try:
            data = self._source.read(size)
        except EOFError:
            raise GraphLoadError("the gzip data is cut short", path=self._name) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise GraphLoadError(f"the gzip data is damaged: {error}", path=self._name) from error
        self._n_bytes += len(data)
        if self._n_bytes > self._limits.max_bytes:
            raise GraphLoadError(
                f"more than {self._limits.max_bytes:,} bytes after inflation (limit max_bytes)", path=self._name
            )
        if self._n_compressed is not None and self._n_bytes > _RATIO_GRACE_BYTES:
            ratio = self._n_bytes / max(1, self._n_compressed)
            if ratio > self._limits.max_ratio:
                raise GraphLoadError(
                    f"inflates to more than {self._limits.max_ratio:g} times its size, "
                    "like a gzip bomb (limit max_ratio)",
                    path=self._name,
                )
        return data


def _refuse_archive(magic: bytes, name: str) -> None:
    for start, kind in _ARCHIVES.items():
        if magic.startswith(start):
            raise GraphLoadError(f"{kind} archives are not read; unpack it, or use gzip", path=name)


def _refuse_binary(head: bytes, name: str) -> None:
    for start, kind in _BINARIES.items():
        if head.startswith(start):
            raise GraphLoadError(f"this is {kind}, not an RDF text format", path=name)
    for start, encoding in _WIDE.items():
        if head.startswith(start):
            raise GraphLoadError(f"the encoding is {encoding}; only UTF-8 is read, so convert the file", path=name)
    sample = head[:4096]
    n_control = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in sample)
    if n_control > len(sample) / 20 + 1:
        raise GraphLoadError("this is binary data, not an RDF text format", path=name)


class _Utf8Check:
    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._n_lines = 0

    def feed(self, data: bytes) -> None:
        self._decode(data, final=False)
        self._n_lines += data.count(b"\n")

    def close(self) -> None:
        self._decode(b"", final=True)

    def _decode(self, data: bytes, *, final: bool) -> None:
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            raise GraphLoadError(
                f"the encoding is not UTF-8 (byte 0x{error.object[error.start]:02X}); convert the file to UTF-8",
                path=self._name,
                line=self._n_lines + before.count(b"\n") + 1,
            ) from None


class _XmlCheck:
    """Well-formedness to the last byte, no DTD, bounded depth. pyoxigraph takes some cut-short RDF/XML for whole."""

    def __init__(self, name: str, limits: LoadLimits) -> None:
        self._name, self._limits, self._depth = name, limits, 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._parser.EntityDeclHandler = self._refuse_dtd
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, data: bytes) -> None:
        self._run(lambda: self._parser.Parse(data, False))

    def close(self) -> None:
        self._run(lambda: self._parser.Parse(b"", True))

    def _run(self, parse: Callable[[], object]) -> None:
        try:
            parse()
        except expat.ExpatError as error:
            what = expat.errors.messages[error.code]
            cut = what in ("no element found", "unclosed token", "unclosed CDATA section")
            text = f"the XML is truncated ({what})" if cut else f"this is not well-formed XML: {what}"
            raise GraphLoadError(text, path=self._name, line=error.lineno, column=error.offset + 1) from error

    def _fail(self, message: str) -> GraphLoadError:
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        return GraphLoadError(message, path=self._name, line=line, column=column)

    def _refuse_dtd(self, *_: object) -> None:
        raise self._fail("DTD entities not allowed: remove the <!DOCTYPE ...> declaration")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise self._fail(f"the encoding is declared as {encoding}; only UTF-8 is read, so convert the file")

    def _start(self, _name: str, _attributes: object) -> None:
        self._depth += 1
        if self._depth > self._limits.max_nesting:
            raise self._fail(f"nested too deeply: more than {self._limits.max_nesting} elements (limit max_nesting)")

    def _end(self, _name: str) -> None:
        self._depth -= 1


class _JsonCheck:
    """Bounded depth, which pyoxigraph does not survive otherwise, and no number that would become infinite."""

    _TOKEN = re.compile(
        rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?P<cut>"[^"\\]*+(?:\\.[^"\\]*+)*+\\?\Z)|(?P<bracket>[\[{}\]])'
        rb"|(?P<number>\d[\d.]{149,}|\d[eE]\+?\d{3,})",
        re.DOTALL,
    )
    _NUMBER_END = re.compile(rb"[\d.eE+-]{1,200}\Z")

    def __init__(self, name: str, limits: LoadLimits) -> None:
        self._name, self._limits, self._depth, self._rest, self._n_lines = name, limits, 0, b"", 0

    def feed(self, data: bytes) -> None:
        data, self._rest = self._rest + data, b""
        if ending := self._NUMBER_END.search(data[-200:]):
            self._rest = ending[0]
            data = data[: len(data) - len(self._rest)]
        done = len(data)
        for token in self._TOKEN.finditer(data):
            if token.lastgroup == "bracket":
                self._depth += 1 if token[0] in b"[{" else -1
                if self._depth > self._limits.max_nesting:
                    raise self._fail(
                        f"nested too deeply: more than {self._limits.max_nesting} brackets (limit max_nesting)",
                        data[: token.start()],
                    )
            elif token.lastgroup == "number":
                exponent = re.split(rb"[eE]\+?", token[0])
                if len(exponent) == 1 or int(exponent[1][:9]) > 300:
                    raise self._fail("a number too large to keep; write it as a string", data[: token.start()])
            elif token.lastgroup == "cut":
                done = token.start()
                if len(data) - done > 8 * self._limits.max_literal_chars:
                    raise self._fail("a literal longer than the limit max_literal_chars", data[:done])
        self._rest = data[done:] + self._rest
        self._n_lines += data.count(b"\n", 0, done)

    def close(self) -> None:
        rest, self._rest = self._rest, b""
        self.feed(rest + b" ") if rest else None

    def _fail(self, message: str, before: bytes) -> GraphLoadError:
        return GraphLoadError(message, path=self._name, line=self._n_lines + before.count(b"\n") + 1)
