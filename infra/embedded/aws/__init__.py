"""The emulated AWS control plane: moto in this process, with what it lacks.

moto records wishes; this package makes it answer as Terraform and the AWS SDK expect, and runs autoscaling itself.
It knows AWS and nothing of llmctl. One module a service; `install()` puts all fixes in place, once. Compute
(processes) and the balancer live elsewhere: they read `views` and write back through `ec2` and `elbv2`.
"""

import threading

lock = threading.RLock()
"""Held around every API call and by every reconciler: moto's state has no lock of its own."""
