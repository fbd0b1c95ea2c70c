"""What a replica tells about itself in numbers: scraped from its engine, published to CloudWatch.

`exposition` reads, `changes` and `spread` turn cumulative figures into what happened, `tally` collects it,
`life` adds what the agent itself sees, `datums`, `lines` and `page` give it the shape that CloudWatch,
CloudWatch Logs and Prometheus want. All of these are pure. `meter` is their only state; `scraper`,
`publisher`, `web` and `gpu` are the effects. Nothing here may hold up the agent's loop or end it.
"""
