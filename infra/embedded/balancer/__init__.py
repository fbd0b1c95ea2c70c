"""The data plane of the emulated cloud: an Envoy that serves the load balancers of the emulated AWS.

`config` (with `routes`, `clusters`, `listeners`) turns views of the account into Envoy resources, `envoy`
runs the process, `health` and `feedback` tell the account what Envoy sees, and `balancer` ties them together
for the daemon's loop. It decides nothing about AWS state, such as what is registered, and with which weights.
"""
