"""How many replicas to hold on spot and on demand: one pure policy, in the cloud and in simulations."""
