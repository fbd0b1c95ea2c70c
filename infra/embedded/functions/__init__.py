"""Lambda functions that really run: a process each, invoked by the API, schedules and load balancers."""
