"""A certificate for a domain and everything one level below it, proven and found through Route 53."""

from constructs import Construct

from modules.bindings.aws.acm_certificate import AcmCertificate
from modules.bindings.aws.acm_certificate_validation import AcmCertificateValidation
from modules.bindings.aws.data_route53_zone import DataRoute53Zone
from modules.bindings.aws.lb import Lb
from modules.bindings.aws.route53_record import Route53Record

_TTL_SECONDS = 60


class Domain(Construct):
    """The certificate, and the hosted zone that vouches for it."""

    def __init__(self, scope: Construct, id_: str, *, domain: str, hosted_zone: str | None) -> None:
        """The zone defaults to the domain's parent."""
        super().__init__(scope, id_)
        self.names = (domain, f"*.{domain}")
        self._zone = DataRoute53Zone(
            self, "zone", name=hosted_zone or domain.partition(".")[2], private_zone=False
        )
        certificate = AcmCertificate(
            self,
            "certificate",
            domain_name=domain,
            subject_alternative_names=[f"*.{domain}"],
            validation_method="DNS",
            tags={"Name": domain},
            lifecycle={"create_before_destroy": True},
        )
        # Both names are proven by the same record, so the first of the two options will do.
        option = f"tolist({certificate.address}.domain_validation_options)[0]"
        proof = Route53Record(
            self,
            "proof",
            zone_id=self._zone.zone_id,
            name=f"${{{option}.resource_record_name}}",
            type=f"${{{option}.resource_record_type}}",
            records=[f"${{{option}.resource_record_value}}"],
            ttl=_TTL_SECONDS,
            allow_overwrite=True,
        )
        validation = AcmCertificateValidation(
            self, "validation", certificate_arn=certificate.arn, validation_record_fqdns=[proof.fqdn]
        )
        self.certificate_arn: str = validation.reference("certificate_arn")

    def point_to(self, balancer: Lb) -> None:
        """Records for the domain and for every model's host below it."""
        for id_, name in zip(("apex", "models"), self.names, strict=True):
            Route53Record(
                self,
                id_,
                zone_id=self._zone.zone_id,
                name=name,
                type="A",
                alias={
                    "name": balancer.dns_name,
                    "zone_id": balancer.zone_id,
                    "evaluate_target_health": False,
                },
            )
