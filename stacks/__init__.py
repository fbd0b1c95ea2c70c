"""From an environment to a CDKTF app. One environment is one stack and one state."""

import modules as modules  # chooses the Node for jsii, before anything in here imports cdktf
