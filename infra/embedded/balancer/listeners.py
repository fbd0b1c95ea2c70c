"""Listeners as Envoy listeners: sockets, TLS, headers, timeouts and the access log.

Nothing here depends on rules or targets, so that traffic can be moved without touching a listener.
"""

from infra.embedded.aws.views import Certificate, Listener, LoadBalancer
from infra.embedded.balancer.resources import (
    METADATA,
    Json,
    file_source,
    listener_name,
    seconds,
    socket_address,
    typed,
)

ACCESS_LOG = "access.log"

_TARGET_FAILED = ["UF", "UC", "UPE", "UR"]
_BAD_GATEWAY = 502


def listener(balancer: LoadBalancer, of: Listener, address: str) -> Json:
    """A listener of a load balancer that has an address."""
    name = listener_name(balancer, of)
    manager = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": _connection_manager(balancer, of, name, address),
    }
    chain: Json = {"filters": [manager]}
    if of.certificate:
        chain["transport_socket"] = _tls(of.certificate)
    return {
        "name": name,
        "address": socket_address(address, of.port),
        "enable_reuse_port": False,  # else two processes could share the port, each getting some connections
        "filter_chains": [chain],
    }


def routes_file(listener: str) -> str:
    """Where the routes of a listener are."""
    return f"rds/{listener}.json"


def _connection_manager(balancer: LoadBalancer, of: Listener, name: str, address: str) -> Json:
    idle = seconds(balancer.idle_timeout)
    return typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        rds={"config_source": file_source(routes_file(name)), "route_config_name": name},
        http_filters=[_ROUTER],
        use_remote_address=True,  # the client is who connects; sets X-Forwarded-Proto
        skip_xff_append=True,  # the routes do that
        preserve_external_request_id=True,
        server_header_transformation="PASS_THROUGH",
        stream_idle_timeout=idle,
        common_http_protocol_options={"idle_timeout": idle},
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": address},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        local_reply_config={"mappers": [_bad_gateway()]},
        access_log=[_access_log(balancer, of)],
    )


def _tls(certificate: Certificate) -> Json:
    chain = certificate.certificate + b"\n" + certificate.chain
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context={
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [
                    {
                        "certificate_chain": {"inline_string": chain.decode()},
                        "private_key": {"inline_string": certificate.private_key.decode()},
                    }
                ],
            },
        ),
    }


def _bad_gateway() -> Json:
    """Say 502 when a target refuses, breaks off or answers nonsense; 503 is for having no target."""
    return {
        "filter": {"response_flag_filter": {"flags": _TARGET_FAILED}},
        "status_code": _BAD_GATEWAY,
    }


def _access_log(balancer: LoadBalancer, of: Listener) -> Json:
    """One JSON object a line, which `metrics` counts; no query strings (they may hold secrets)."""
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": typed(
            "envoy.extensions.access_loggers.file.v3.FileAccessLog",
            path=ACCESS_LOG,
            log_format={"json_format": {"load_balancer": balancer.arn, "port": of.port, **_LOG_FIELDS}},
        ),
    }


_LOG_FIELDS = {
    "time": "%START_TIME%",
    "epoch": "%START_TIME(%s.%6f)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%PATH(NQ)%",
    "protocol": "%PROTOCOL%",
    "target_group": f"%METADATA(CLUSTER:{METADATA}:target_group)%",
    "target": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "first_byte_ms": "%RESPONSE_DURATION%",
    # From the request's last byte to the target, to the first byte that came back.
    "target_us": "%COMMON_DURATION(US_TX_END:US_RX_BEG:us)%",
    "received_bytes": "%BYTES_RECEIVED%",
    "sent_bytes": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}
_ROUTER = {
    "name": "envoy.filters.http.router",
    "typed_config": typed("envoy.extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
}
