"""An autoscaling group whose instances serve HTTP, made by API calls only."""

import base64
import json
import urllib.request
from typing import Any

from infra.embedded.client import Cloud
from tests.functional.embedded_compute.conftest import aws

PORT = 8000
_TRUST = {
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    ]
}

USER_DATA = """#cloud-config
write_files:
- path: /etc/systemd/system/web.service
  content: |
    [Service]
    ExecStart=/usr/bin/env python3 ${INSTANCE_ROOT}/opt/server
    Restart=always
    RestartSec=200ms
- path: /opt/message
  content: made by cloud-init
runcmd:
- mkdir -p ${INSTANCE_ROOT}/opt
- aws s3 cp s3://artefacts/server.py ${INSTANCE_ROOT}/opt/copied --region us-east-1
- aws s3api get-object --region us-east-1 --bucket artefacts --key server.py ${INSTANCE_ROOT}/opt/server
- cmp ${INSTANCE_ROOT}/opt/copied ${INSTANCE_ROOT}/opt/server || rm ${INSTANCE_ROOT}/opt/server
- systemctl daemon-reload
- systemctl enable --now web.service
- echo user-data-is-done
"""

SERVER = """
import http.server, os, subprocess, sys
root, address = os.environ["INSTANCE_ROOT"], os.environ["INSTANCE_ADDRESS"]
# A grandchild in a session of its own, which nothing but its marks ties to the instance.
subprocess.Popen(["sleep", "1000"], start_new_session=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open(root + "/opt/message").read().encode())
        if self.path == "/crash":
            os._exit(3)
print("serving on", address, flush=True)
http.server.HTTPServer((address, 8000), Handler).serve_forever()
"""


def create(cloud: Cloud, *, size: int, user_data: str = USER_DATA, spot: bool = False) -> None:
    """Create the artefact, a launch template with a role, and the group `web`."""
    s3 = aws(cloud, "s3")
    s3.create_bucket(Bucket="artefacts")
    s3.put_object(Bucket="artefacts", Key="server.py", Body=SERVER.encode())
    iam = aws(cloud, "iam")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    ec2 = aws(cloud, "ec2")
    template: dict[str, Any] = {
        "ImageId": "ami-12c6146b",
        "InstanceType": "g5.xlarge",
        "IamInstanceProfile": {"Name": "web"},
        "UserData": base64.b64encode(user_data.encode()).decode(),
        "MetadataOptions": {"InstanceMetadataTags": "enabled", "HttpTokens": "required"},
    }
    if spot:
        template["InstanceMarketOptions"] = {"MarketType": "spot"}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=template)
    subnets = ec2.describe_subnets()["Subnets"]
    aws(cloud, "autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=size,
        VPCZoneIdentifier=",".join(subnet["SubnetId"] for subnet in subnets[:2]),
    )


def resize(cloud: Cloud, size: int) -> None:
    """Set the group's desired capacity."""
    aws(cloud, "autoscaling").set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=size)


def fetch(address: str, path: str = "/") -> str | None:
    """What an instance answers, or None if it doesn't."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}:{PORT}{path}", timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return None


def serving(cloud: Cloud, count: int) -> dict[str, str]:
    """Addresses of the running instances by id, if exactly `count` run and all serve; else empty."""
    found = {item["id"]: item["address"] for item in cloud.status()["instances"]}
    ready = len(found) == count and all(fetch(address) for address in found.values())
    return found if ready else {}
