"""``python -m segkit.cli`` is ``segkit``: how a run starts processes of its own."""

import sys

from .main import main

sys.exit(main())
