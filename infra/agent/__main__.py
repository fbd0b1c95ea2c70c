"""`python3 -m infra.agent`."""

import sys

from infra.agent.main import main

sys.exit(main())
