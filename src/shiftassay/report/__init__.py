"""Reports: findings, figures, HTML and Markdown."""

import os
import tempfile

# Before Matplotlib is loaded: HOME may be empty or read-only.
os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir() + "/shiftassay-matplotlib")
