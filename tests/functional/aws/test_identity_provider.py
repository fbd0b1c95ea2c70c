"""GitHub as an identity provider of the emulated account."""

from contextlib import suppress

from infra.aws.identity_provider import ensure_github
from infra.aws.session import Session
from infra.environment.github import AUDIENCE, ISSUER, provider_arn
from infra.errors import LlmctlError


def test_made_once(session: Session) -> None:
    """The account has one provider however often it is asked for, and says whether it was there."""
    assert ensure_github(session).changed
    assert not ensure_github(session).changed
    arn = provider_arn("aws", session.account)
    assert session.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == [
        AUDIENCE
    ]


def test_somebody_elses_is_completed(session: Session) -> None:
    """A provider that another tool made for other audiences goes on serving those, and ours."""
    arn = provider_arn("aws", session.account)
    ensure_github(session)
    session.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    session.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["other"])
    added = []
    session.iam.meta.events.register_first(
        "before-call.iam.AddClientIDToOpenIDConnectProvider", lambda params, **_: added.append(params["body"])
    )
    with suppress(LlmctlError):  # the emulated account can't carry it out
        ensure_github(session)
    [asked] = added
    assert (asked["OpenIDConnectProviderArn"], asked["ClientID"]) == (arn, AUDIENCE)
