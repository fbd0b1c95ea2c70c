"""What there is to see, and who is told: dashboards, alarms, their topic."""
