"""GitHub as an identity provider of an account: made once for the account, and safe to make again.

Like the state bucket it is nobody's: environments of the account share it, and nothing here deletes it.
"""

from infra.aws.session import Session, error_code, translated
from infra.aws.state_bucket import Done
from infra.environment.github import AUDIENCE, ISSUER, provider_arn


def ensure_github(session: Session) -> Done:
    """Let the account believe what GitHub says of its jobs."""
    arn = provider_arn(session.partition, session.account)
    with translated("preparing GitHub's identity provider"):
        audiences = _audiences(session, arn)
        if audiences is None:
            session.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE])
        elif AUDIENCE not in audiences:
            session.iam.add_client_id_to_open_id_connect_provider(
                OpenIDConnectProviderArn=arn, ClientID=AUDIENCE
            )
    return Done("identity provider", audiences is None or AUDIENCE not in audiences)


def _audiences(session: Session, arn: str) -> list[str] | None:
    """For whom the provider's tokens may be; None without a provider."""
    try:
        found = session.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    except session.iam.exceptions.ClientError as error:
        if error_code(error) == "NoSuchEntity":
            return None
        raise
    return found.get("ClientIDList", [])
