"""Chooses the Node for jsii before any test here imports cdktf."""

import modules as modules
