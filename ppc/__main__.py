"""`python -m ppc` is `ppc`."""

import sys

from ppc.cli import main

sys.exit(main())
