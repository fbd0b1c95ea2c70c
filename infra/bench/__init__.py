"""`llmctl bench`: an open-loop load generator for any server that speaks OpenAI's API.

Open loop: requests leave on a schedule that was made beforehand, whether or not earlier ones were answered,
and latency counts from the schedule too. A closed loop waits with the server and so hides its stalls
(coordinated omission).

The core is pure: `schedule`, `prompts`, `sse`, `answer`, `summary`, `objective`. `client` does one request,
`generator` keeps the schedule. Nothing here knows environments, AWS or the terminal.
"""
