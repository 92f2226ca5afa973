"""The variables of the environment that speak of an installation: those that `.env.example` describes."""

import re
from pathlib import Path

_EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
VARIABLES = frozenset(re.findall(r"^#?([A-Z][A-Z_]+)=", _EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
