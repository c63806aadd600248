"""How hard properties are tried: `make test` looks quickly, `make test-slow` ten times as long."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100


def effort(examples: int) -> int:
    """`examples` as hypothesis' own default would have it, in proportion to the profile in force."""
    return max(5, examples * settings().max_examples // USUAL)
