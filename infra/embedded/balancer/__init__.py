"""The data plane of the emulated cloud: an Envoy that serves the load balancers that the emulated AWS holds.

`config` (with `routes`, `clusters`, `listeners`) turns views of the account into Envoy resources, `envoy` runs
the process, `health` turns what Envoy sees into target health, and `balancer` ties them together for the
daemon's loop. It decides nothing about AWS state: what is registered, and with which weights, is in the views.
"""
