"""Listener rules as Envoy routes.

An application load balancer takes the first rule by priority whose conditions all hold, whatever the host; so
a listener becomes one virtual host for all domains, with the host as a condition among others.
"""

import re

from infra.embedded.aws.views import (
    Action,
    Condition,
    ConditionField,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    Rule,
)
from infra.embedded.balancer.clusters import live_targets
from infra.embedded.balancer.resources import TARGET_GROUP_HEADER, Json, listener_name, set_header

_REDIRECTS = {301: "MOVED_PERMANENTLY", 302: "FOUND"}
_CLIENT = "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
_UNAVAILABLE = 503
_NOT_IMPLEMENTED = 501


def route_configuration(balancer: LoadBalancer, listener: Listener, clusters: dict[str, str]) -> Json:
    """All rules of a listener; `clusters` has the cluster's name for each target group's ARN."""
    functions = frozenset(group.arn for group in balancer.target_groups if group.function)
    return {
        "name": listener_name(balancer, listener),
        "request_headers_to_add": [
            set_header("x-forwarded-port", str(listener.port)),
            # Envoy's own way of appending replaces a loopback address by the machine's.
            {**set_header("x-forwarded-for", _CLIENT), "append_action": "APPEND_IF_EXISTS_OR_ADD"},
        ],
        "request_headers_to_remove": ["x-envoy-external-address", "x-envoy-internal"],
        "virtual_hosts": [
            {
                "name": "rules",
                "domains": ["*"],
                "routes": [_route(rule, listener, clusters, functions) for rule in listener.rules],
            }
        ],
    }


def unsupported(rule: Rule) -> str | None:
    """What of a rule can't be served, in words; None if all of it can."""
    action = rule.action
    if not isinstance(action, Redirect):
        return None
    if "#{" in action.host and action.host != "#{host}":
        return f"a rule's redirect to the host {action.host!r} is answered with 501: use #{{host}} or a name"
    if action.query not in ("", "#{query}"):
        return f"a rule's redirect with the query {action.query!r} is answered with 501: use #{{query}}"
    return None


def pattern(wildcards: str) -> str:
    """Regular expression of a pattern with the wildcards * (any characters) and ? (exactly one)."""
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in wildcards)


def _route(rule: Rule, listener: Listener, clusters: dict[str, str], functions: frozenset[str]) -> Json:
    if unsupported(rule):
        return {"match": _match(rule.conditions), "direct_response": {"status": _NOT_IMPLEMENTED}}
    return {"match": _match(rule.conditions), **_action(rule.action, listener, clusters, functions)}


def _match(conditions: tuple[Condition, ...]) -> Json:
    match: Json = {"prefix": "/"}
    headers = []
    for condition in conditions:
        anyone = "|".join(map(pattern, condition.values))
        if condition.field is ConditionField.PATH:  # at most one in a rule
            match = {"safe_regex": {"regex": anyone}}
        elif condition.field is ConditionField.HOST:
            headers.append(_header(":authority", rf"(?i)(?:{anyone})(?::\d+)?"))
        else:
            headers.append(_header(condition.header or "", f"(?i)(?:{anyone})"))
    return {**match, "headers": headers} if headers else match


def _header(name: str, regex: str) -> Json:
    return {"name": name, "string_match": {"safe_regex": {"regex": regex}}}


def _action(action: Action, listener: Listener, clusters: dict[str, str], functions: frozenset[str]) -> Json:
    if isinstance(action, Forward):
        return _forward(action, clusters, functions)
    if isinstance(action, Redirect):
        return {"redirect": _redirect(action, listener)}
    return _fixed_response(action)


def _forward(action: Forward, clusters: dict[str, str], functions: frozenset[str]) -> Json:
    weights = [
        {"name": clusters[group.arn], "weight": group.weight, "metadata_match": live_targets()}
        | _told(group.arn, functions)
        for group in action.target_groups
        if group.arn in clusters
    ]
    if not any(weight["weight"] for weight in weights):
        return {"direct_response": {"status": _UNAVAILABLE}}
    return {
        "route": {
            "weighted_clusters": {"clusters": weights},
            "timeout": "0s",  # only the idle timeout ends a request
            # Never repeat what a target may have seen: only a connection that could not be made.
            "retry_policy": {
                "retry_on": "connect-failure",
                "num_retries": 2,
                "retry_host_predicate": [_PREVIOUS_HOSTS],
                "host_selection_retry_max_attempts": 3,
            },
        }
    }


def _told(target_group: str, functions: frozenset[str]) -> Json:
    """Who serves functions must learn for which target group a request is."""
    header = set_header(TARGET_GROUP_HEADER, target_group)
    return {"request_headers_to_add": [header]} if target_group in functions else {}


_PREVIOUS_HOSTS = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    },
}


def _fixed_response(action: FixedResponse) -> Json:
    response: Json = {"direct_response": {"status": action.status_code}}
    if action.body:
        response["direct_response"]["body"] = {"inline_string": action.body}
    if action.content_type:
        response["response_headers_to_add"] = [set_header("content-type", action.content_type)]
    return response


def _redirect(action: Redirect, listener: Listener) -> Json:
    redirect: Json = {
        "response_code": _REDIRECTS[action.status_code],
        "port_redirect": listener.port if action.port == "#{port}" else int(action.port),
        "strip_query": action.query == "",
    }
    if action.protocol != "#{protocol}":
        redirect["scheme_redirect"] = action.protocol.lower()
    if action.host != "#{host}":
        redirect["host_redirect"] = action.host
    if "#{path}" not in action.path:
        redirect["regex_rewrite"] = _rewrite("^.*$", action.path)
    elif action.path != "/#{path}":
        redirect["regex_rewrite"] = _rewrite("^/(.*)$", action.path)
    return redirect


def _rewrite(regex: str, path: str) -> Json:
    substitution = path.replace("\\", "\\\\").replace("#{path}", r"\1")
    return {"pattern": {"regex": regex}, "substitution": substitution}
