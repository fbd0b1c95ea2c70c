"""What outlives an instance: the runtime's table, secrets and artefacts."""
