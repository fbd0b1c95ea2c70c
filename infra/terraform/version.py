"""The one place that says which AWS provider llmctl is built for."""

PROVIDER_VERSION = "5.100.0"
