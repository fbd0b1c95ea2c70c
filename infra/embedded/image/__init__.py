"""The "machine image" of emulated instances: an init process and the commands that user data may call.

`aws`, `docker` and `systemctl` do here what user data and services ask of them, and refuse the rest by name:
an option that is silently ignored would make a deployment pass here and fail on AWS.
"""
