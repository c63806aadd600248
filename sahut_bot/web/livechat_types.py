"""What a file really is, by its first bytes and its name. Never by what the sender says alone.

Files that a computer would run, or a browser would show as a page of ours, are refused: an agent opens them with a
customer's trust.
"""

from __future__ import annotations

import re

_MAGIC: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"%PDF-", 0, "application/pdf"),
    (b"ID3", 0, "audio/mpeg"),
    (b"OggS", 0, "audio/ogg"),
    (b"fLaC", 0, "audio/flac"),
    (b"WAVE", 8, "audio/wav"),
    (b"\x1aE\xdf\xa3", 0, "video/webm"),
    (b"PK\x03\x04", 0, "application/zip"),
    (b"PK\x05\x06", 0, "application/zip"),
    (b"\x1f\x8b", 0, "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar"),
    (b"{\\rtf", 0, "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "application/x-ole-storage"),
)
# ISO media: the brand behind `ftyp` tells them apart.
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}
_BRANDS |= {b"M4A ": "audio/mp4", b"qt  ": "video/quicktime"}

_PROGRAMS = (b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xde\xc0\x17\x0b", b"dex\n", b"L\x00\x00\x00\x01\x14\x02")
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"!<arch>")
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<!--.*?-->)*+"
    rb"<(?:!doctype|html|head|body|script|iframe|svg|math|style|link|meta|object|embed|form|img|base|template|\?xml)\b",
    re.IGNORECASE | re.DOTALL,
)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_REFUSED_ENDINGS = re.compile(
    r"ade|adp|apk|app|appimage|appx|bat|cab|chm|cmd|com|cpl|deb|dll|dmg|exe|gadget|hta|htm|html|inf|ins|"
    r"iso|jar|jnlp|js|jse|lnk|mht|mhtml|mjs|msc|msi|msp|mst|pif|pkg|ps1|psm1|reg|rpm|scf|scr|sct|sh|shtml|"
    r"svg|svgz|swf|sys|url|vb|vbe|vbs|vhd|vxd|wsc|wsf|wsh|xht|xhtml|xll|xml|xsl|xslt"
)
_OFFICE = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
_OLD_OFFICE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}
_TEXTS = {"csv": "text/csv", "json": "application/json"}
_REFUSED_TYPES = re.compile(
    r"html|svg|xml|script|x-msdos|x-msdownload|x-msi|x-sh|x-dosexec|x-executable", re.IGNORECASE
)


def content_type_of(name: str, head: bytes, declared: str) -> str | None:
    """The type to keep the file under, from its first few thousand bytes; None when it is refused."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    kept = declared.partition(";")[0].strip().lower()
    if _REFUSED_ENDINGS.fullmatch(ending) or _is_program(head):
        return None
    found = _by_magic(head)
    if found == "application/zip":
        return _OFFICE.get(ending, found)
    if found == "application/x-ole-storage":
        return _OLD_OFFICE.get(ending)
    if found:
        return found
    if _is_page(head) or (kept not in _OFFICE.values() and _REFUSED_TYPES.search(kept)):
        return None
    if _is_text(head):
        return _TEXTS.get(ending, "text/plain")
    return "application/octet-stream"


def _is_program(head: bytes) -> bool:
    # Two letters are a weak sign, texts begin with them too.
    return head.startswith((*_PROGRAMS, *_MACH_O)) or (head.startswith(b"MZ") and not _is_text(head))


def _by_magic(head: bytes) -> str:
    for magic, offset, content_type in _MAGIC:
        if head[offset : offset + len(magic)] == magic and (offset == 0 or head.startswith(b"RIFF")):
            return content_type
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # an MPEG audio frame, layer III
        return "audio/mpeg"
    return ""


def _is_page(head: bytes) -> bool:
    """Whether a browser that guesses would take it for HTML, SVG or XML, whatever it is called."""
    if head.startswith(_WIDE_MARKS):
        head = head[2:].replace(b"\x00", b"")
    return _PAGE.match(head) is not None


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # a character cut by the end of the head
    return True
