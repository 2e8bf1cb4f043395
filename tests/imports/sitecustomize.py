"""Writes down, where a test asks for it, which modules a process has imported by its end."""

import atexit
import os
import sys
from pathlib import Path

if "MOAT_TEST_MODULES" in os.environ:
    atexit.register(lambda: Path(os.environ["MOAT_TEST_MODULES"]).write_text("\n".join(sorted(sys.modules))))
