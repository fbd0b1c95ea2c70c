"""Deploys `environments/local.yaml`, asks its model a question, and says how to go on. Run by `make demo`.

It shows all that a client needs: the endpoint, the key, and the OpenAI API. The standard library is enough.
"""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

LLMCTL = str(Path(sys.executable).parent / "llmctl")
ENVIRONMENT = "local"
QUESTION = "The capital of France is"


def main() -> None:
    """Deploy, ask, and explain; ends with llmctl's own exit code when that fails."""
    deploy = subprocess.run([LLMCTL, "deploy", "--env", ENVIRONMENT, "--yes"], check=False)
    if deploy.returncode != 0:
        sys.exit(deploy.returncode)
    [model] = json.loads(output("status", "--env", ENVIRONMENT, "--json"))["models"]
    name, url = model["name"], model["url"]
    answer = ask(url, output("api-key", "--env", ENVIRONMENT), name, QUESTION)
    print(f"\nAsked {name} at {url}:\n\n    {QUESTION} ... {answer}\n")
    print(how_to_go_on(url, name))


def output(*arguments: str) -> str:
    """What an llmctl command writes to stdout."""
    done = subprocess.run([LLMCTL, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def ask(url: str, key: str, model: str, prompt: str) -> str:
    """The model's continuation of a prompt, through the load balancer."""
    body = {"model": model, "prompt": prompt, "max_tokens": 8, "temperature": 0, "stop": "\n"}
    request = Request(
        f"{url}/completions",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    direct = build_opener(ProxyHandler({}))  # the endpoint is on this machine, whatever http_proxy says
    with direct.open(request, timeout=60) as response:
        text: str = json.load(response)["choices"][0]["text"]
    return text.strip()


def how_to_go_on(url: str, model: str) -> str:
    """Commands to look around, and to take everything down again."""
    return f"""\
Look around (after `. .venv/bin/activate`):

    llmctl status --env {ENVIRONMENT}               models, slots, releases, replicas
    llmctl logs --env {ENVIRONMENT} {model} --follow  what engines and agents say
    llmctl plan --env {ENVIRONMENT}                 what a deploy would change: nothing
    curl {url}/chat/completions \\
      -H "Authorization: Bearer $(llmctl api-key --env {ENVIRONMENT})" -H 'Content-Type: application/json' \\
      -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

Take it all down:

    make down"""


if __name__ == "__main__":
    main()
